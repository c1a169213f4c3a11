"""A simplified graph taken apart: cut where every path passes, split where paths share nothing."""

from __future__ import annotations

from collections.abc import Callable

from optunas.architecture.canonical import Node, canonical
from optunas.architecture.compose import joined
from optunas.architecture.flow import Steps, meet, outcome
from optunas.architecture.knots import Edge, Knot, dominators, last_common
from optunas.architecture.layer import Shape
from optunas.architecture.merge import extend
from optunas.architecture.steps import Web

Solve = Callable[[list[Node], Shape], Steps]
"""Brings nodes, with an input of some shape, to their normal form."""


class Cuts:
    """Takes a graph apart; what can't be taken apart is a web."""

    def __init__(self, knots: dict[int, Knot], solve: Solve) -> None:
        self.knots = knots
        self.solve = solve
        self.above = dominators(knots)

    def to(self, edges: list[Edge], join: str, start: int = 0) -> Steps:
        """The steps from the node `start` to where `edges` are joined."""
        parts: list[Steps] = []
        while (last := self._cut(edges)) != start:
            parts.append(self._between_cuts(edges, join, last))
            edges, join = self.knots[last].edges, self.knots[last].join
        threaded = list(self._between_cuts(edges, join, start))
        for part in reversed(parts):
            extend(threaded, part)
        return tuple(threaded)

    def _cut(self, edges: list[Edge]) -> int:
        """The last node that every path along `edges` passes."""
        return last_common([s for s, _ in edges if s is not None], self.above)

    def _between_cuts(self, edges: list[Edge], join: str, start: int) -> Steps:
        if len(edges) == 1:
            return edges[0][1]
        groups = self._apart(edges, join, start)
        if len(groups) > 1:
            branches = [self._alone(group, join, start) for group in groups]
            return meet(branches, join, self.knots[start].shape)
        return (self._web(edges, join, start),)

    def _apart(self, edges: list[Edge], join: str, start: int) -> list[list[Edge]]:
        """Edges in groups whose paths from `start` share no node."""
        groups: list[tuple[set[int], list[int]]] = []
        for position, (source, _) in enumerate(edges):
            nodes, places = self._between(source, start), [position]
            for group in [group for group in groups if group[0] & nodes]:
                groups.remove(group)
                nodes |= group[0]
                places = group[1] + places
            groups.append((nodes, places))
        parts = [sorted(places) for _, places in groups]
        if join == "concat":
            parts = _unbroken(parts)
        return [[edges[place] for place in part] for part in sorted(parts)]

    def _between(self, number: int | None, start: int) -> set[int]:
        found: set[int] = set()
        waiting = [number]
        while waiting:
            number = waiting.pop()
            if number is not None and number != start and number not in found:
                found.add(number)
                waiting += [source for source, _ in self.knots[number].edges]
        return found

    def _alone(self, edges: list[Edge], join: str, start: int) -> Steps:
        """A branch by itself, as if there were no others: its constants may begin later."""
        if len(edges) == 1 and edges[0][0] == start:
            return edges[0][1]
        return self.solve(self._nodes(edges, join, start), self.knots[start].shape)

    def _web(self, edges: list[Edge], join: str, start: int) -> Web:
        return canonical(self._nodes(edges, join, start), self.knots[start].shape)

    def _nodes(self, edges: list[Edge], join: str, start: int) -> list[Node]:
        """What lies between `start` and where edges are joined, which comes last."""
        inside = set().union(*(self._between(source, start) for source, _ in edges))
        inner = [number for number in self.knots if number in inside]
        names = {start: 0} | {number: place for place, number in enumerate(inner, 1)}
        ends = [outcome(steps, self.knots[s or 0].shape) for s, steps in edges]
        knots = [*(self.knots[number] for number in inner), Knot(join, edges, joined(join, ends))]
        return [
            (k.join, [(names[s], steps) for s, steps in k.edges if s is not None], k.shape)
            for k in knots
        ]


def _unbroken(parts: list[list[int]]) -> list[list[int]]:
    """Merge groups until each is a run of neighbours: a concatenation keeps its order."""
    merged: list[list[int]] = []
    for part in sorted(parts):
        while merged and merged[-1][-1] > part[0]:
            part = sorted(merged.pop() + part)
        merged.append(part)
    return merged
