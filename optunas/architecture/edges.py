"""Edges of a graph while it is simplified: which are alike, and the constants on them."""

from __future__ import annotations

from optunas.architecture.flow import Steps, constant, loosened
from optunas.architecture.knots import Edge
from optunas.architecture.steps import Fork, Step, Web


def only_constants(steps: Steps, join: str) -> bool:
    """Whether steps begin by joining nothing but constants to what comes."""
    match steps[:1]:
        case (Fork(join=same, branches=branches),) if same == join:
            return [branch for branch in branches if not constant(branch)] == [()]
    return False


def absorbed(edges: list[Edge], steps: Steps) -> list[Edge]:
    """Constants that an edge joins to what comes, joined with the others."""
    fork = steps[0]
    assert isinstance(fork, Fork)
    place = fork.branches.index(())
    before: list[Edge] = [(None, branch) for branch in fork.branches[:place]]
    after: list[Edge] = [(None, branch) for branch in fork.branches[place + 1 :]]
    return [*before, *edges, *after]


def loose(edge: Edge, join: str) -> list[Edge]:
    """An edge, and apart from it the constants that are only added at its end."""
    source, steps = edge
    if source is None:
        return [edge]
    rest, constants = loosened(steps, join)
    return [(source, rest), *((None, steps) for steps in constants)]


def begun(edges: list[Edge], place: int) -> list[Edge]:
    """Edges whose constants come from `place`."""
    return [(place if source is None else source, steps) for source, steps in edges]


def source_and_kind(edge: Edge) -> tuple[int | None, bool]:
    """Constants are joined where all is joined, so they stay apart until then."""
    return edge[0], constant(edge[1])


def by_source(edge: Edge) -> tuple[int, bool]:
    """Edges of one source are neighbours, those of constants first."""
    return -1 if edge[0] is None else edge[0], constant(edge[1])


def webbed(step: Step) -> bool:
    """Whether a step is a web or holds one."""
    if isinstance(step, Fork):
        return any(webbed(inner) for branch in step.branches for inner in branch)
    return isinstance(step, Web)
