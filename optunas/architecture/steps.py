"""What the normal form is made of: operations, forks whose branches meet again, webs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from optunas.architecture.layer import Primitive, Shape


@dataclass(frozen=True)
class Operation:
    """A primitive at the shape where it stands."""

    layer: Primitive
    token: str
    input: Shape
    output: Shape


@dataclass(frozen=True)
class Fork:
    """Branches that see the same input and meet again."""

    join: str
    branches: tuple[tuple[Step, ...], ...]
    token: str
    input: Shape
    output: Shape


@dataclass(frozen=True)
class Meeting:
    """A node of a web: where edges, each a source's number and the steps from it, are joined."""

    join: str
    edges: tuple[tuple[int, tuple[Step, ...]], ...]
    output: Shape


@dataclass(frozen=True)
class Web:
    """A graph that no forks and sequences can say: values are used in several places.

    Number 0 is the input, n the n-th meeting; the last one is the output.
    """

    meetings: tuple[Meeting, ...]
    token: str
    input: Shape
    output: Shape


Step = Operation | Fork | Web


def token(steps: tuple[Step, ...]) -> str:
    """Steps as a text, equal exactly where the steps are."""
    return ">".join([step.token for step in steps])


def price(steps: Iterable[Step]) -> tuple[int, int]:
    """Parameters and multiply-accumulates of steps."""
    params = macs = 0
    for operation in operations(steps):
        one = _price(operation.layer, operation.input)
        params, macs = params + one[0], macs + one[1]
    return params, macs


@lru_cache(maxsize=1 << 15)
def _price(layer: Primitive, shape: Shape) -> tuple[int, int]:
    return layer.params(shape), layer.macs(shape)


def operations(steps: Iterable[Step]) -> Iterable[Operation]:
    """Every operation, in the order in which modules are built."""
    for step in steps:
        match step:
            case Operation():
                yield step
            case Fork():
                for branch in step.branches:
                    yield from operations(branch)
            case Web():
                for meeting in step.meetings:
                    for _, edge in meeting.edges:
                        yield from operations(edge)
