"""The nodes of a graph while it is simplified, and the places that every path passes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from optunas.architecture.flow import Steps
from optunas.architecture.layer import Shape

Edge = tuple[int | None, Steps]
"""Where from, and the steps on the way; None for constants, which come from nowhere."""


@dataclass
class Knot:
    """A node while a graph is simplified: the edges that are joined in it."""

    join: str
    edges: list[Edge]
    shape: Shape


Above = dict[int, tuple[int, int]]
"""For each node that hears the input: the last one that every path to it passes, and how many."""


def dominators(knots: dict[int, Knot]) -> Above:
    """What stands above each node; nodes that hear constants alone have nothing above."""
    above: Above = {0: (0, 0)}
    for number, knot in knots.items():
        sources = [source for source, _ in knot.edges if source is not None and source in above]
        if number and sources:
            last = last_common(sources, above)
            above[number] = last, above[last][1] + 1
    return above


def last_common(numbers: Iterable[int], above: Above) -> int:
    """The last node that every path to each of the nodes passes, or is."""

    def common(one: int, other: int) -> int:
        while one != other:
            if above[one][1] >= above[other][1]:
                one = above[one][0]
            else:
                other = above[other][0]
        return one

    return reduce(common, numbers)
