"""Steps that follow one another or meet, said in the one way: zeros vanish, sums are flat."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from optunas.architecture.compose import joined
from optunas.architecture.layer import Shape, spelled
from optunas.architecture.merge import extend
from optunas.architecture.steps import Fork, Operation, Step, Web, token
from optunas.architecture.zero import Zero

Steps = tuple[Step, ...]


def zeros(shape: Shape) -> Operation:
    """Zeros of `shape`, whatever was there before."""
    zero = Zero(shape=shape)
    return Operation(zero, spelled(zero), shape, shape)


def silent(steps: Steps) -> bool:
    """Whether steps give zeros."""
    return len(steps) == 1 and isinstance(steps[0], Operation) and isinstance(steps[0].layer, Zero)


def constant(steps: Steps) -> bool:
    """Whether steps begin with zeros, so that they give the same whatever comes in."""
    if not steps:
        return False
    match steps[0]:
        case Operation(layer=layer):
            return isinstance(layer, Zero)
        case Fork(branches=branches):
            return all(map(constant, branches))
        case Web(meetings=meetings):
            edges = (edge for meeting in meetings for edge in meeting.edges)
            return all(constant(steps) for source, steps in edges if source == 0)


def outcome(steps: Steps, shape: Shape) -> Shape:
    """The shape after steps that begin at `shape`."""
    return steps[-1].output if steps else shape


def meet(branches: Sequence[Steps], join: str, shape: Shape) -> Steps:
    """Branches from one value of `shape`, joined; each is in its normal form."""
    output = joined(join, [outcome(branch, shape) for branch in branches])
    heard = _heard(branches, join, shape)
    if len(heard) < 2:
        return heard[0] if heard else (zeros(output),)
    heeding = [place for place, branch in enumerate(heard) if not constant(branch)]
    if len(heeding) == 1 and heard[heeding[0]]:
        return _with_constants(heard, heeding[0], join, shape)
    terms = [term for branch in heard for term in _terms(branch, join)]
    if join == "concat":
        terms = _heard(terms, join, shape)
    tokens = list(map(token, terms))
    if join != "concat":
        order = sorted(range(len(tokens)), key=tokens.__getitem__)
        terms, tokens = [terms[i] for i in order], [tokens[i] for i in order]
    return (Fork(join, tuple(terms), f"{join}[{'|'.join(tokens)}]", shape, output),)


def _with_constants(branches: Sequence[Steps], place: int, join: str, shape: Shape) -> Steps:
    """One branch and constants beside it: they are joined where it ends."""
    steps = list(branches[place])
    inner: list[Steps] = [()]
    match steps[-1]:
        case Fork(join=same, branches=already) as fork if same == join:
            steps.pop()
            inner, shape = list(already), fork.input
        case last:
            shape = last.output
    terms = [*branches[:place], *inner, *branches[place + 1 :]]
    extend(steps, meet(terms, join, shape))
    return tuple(steps)


def settled(steps: Steps) -> Steps:
    """Constants in their one form: where they are only joined with constants, side by side."""
    if not constant(steps):
        return steps
    for place, step in enumerate(steps):
        if place and isinstance(step, Fork) and any(map(constant, step.branches)):
            terms = _beside_constants(step, steps[:place])
            if terms:
                rest = list(meet(terms, step.join, step.input))
                extend(rest, steps[place + 1 :])
                return settled(tuple(rest))
    return steps


def _beside_constants(fork: Fork, before: Steps) -> list[Steps]:
    """Constant steps and a fork after them, as terms: what heeds them is one, if it can be."""
    kinds = list(map(constant, fork.branches))
    heeding = [branch for branch, fixed in zip(fork.branches, kinds, strict=True) if not fixed]
    first = kinds.index(False)
    if fork.join == "concat" and any(kinds[first : first + len(heeding)]):
        return []  # they are no neighbours
    steps = list(before)
    extend(steps, meet(heeding, fork.join, fork.input))
    if fork.join != "concat":
        return [tuple(steps), *(branch for branch in fork.branches if constant(branch))]
    return [*fork.branches[:first], tuple(steps), *fork.branches[first + len(heeding) :]]


def _heard(branches: Sequence[Steps], join: str, shape: Shape) -> list[Steps]:
    """Without the zeros that make no difference; none at all where the whole is zero."""
    if not any(map(silent, branches)):
        return list(branches)
    if join == "multiply" or all(map(silent, branches)):
        return []
    if join == "sum":
        return [branch for branch in branches if not silent(branch)]
    return _neighbours_merged(branches)


def _neighbours_merged(branches: Sequence[Steps]) -> list[Steps]:
    merged: list[Steps] = []
    for branch in branches:
        if merged and silent(branch) and silent(merged[-1]):
            both = [merged[-1][-1].output, branch[-1].output]
            merged[-1] = (zeros(joined("concat", both)),)
        else:
            merged.append(branch)
    return merged


def _terms(branch: Steps, join: str) -> Iterable[Steps]:
    """A sum that is a term of a sum gives its terms; so with concatenations and products."""
    if len(branch) == 1 and isinstance(branch[0], Fork) and branch[0].join == join:
        return branch[0].branches
    rest, loose = loosened(branch, join)
    return (rest, *loose)


def loosened(branch: Steps, join: str) -> tuple[Steps, tuple[Steps, ...]]:
    """A branch, and apart from it the constants that are only added (or multiplied) at its end."""
    match branch:
        case (*before, Fork(join=inner) as last) if inner == join != "concat":
            loose = tuple(term for term in last.branches if constant(term))
            if loose:
                steps = list(before)
                kept = [term for term in last.branches if not constant(term)]
                extend(steps, meet(kept, join, last.input))
                return tuple(steps), loose
    return branch, ()
