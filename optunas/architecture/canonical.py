"""One numbering for all graphs that are equal but for the names of their nodes.

Nodes are told apart by what leads to them and what they lead to, round after round (colour
refinement). Where some stay alike, each is set apart in turn, and the least text wins. Graphs have
equal texts exactly when they are isomorphic: the text says the whole graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optunas.architecture.flow import Steps
from optunas.architecture.layer import Shape
from optunas.architecture.steps import Meeting, Web, token

Node = tuple[str, list[tuple[int, Steps]], Shape]
"""Join, edges as (number of the source, steps), shape. Number 0 is the input, n the n-th node."""


def canonical(nodes: Sequence[Node], shape: Shape) -> Web:
    """The web of nodes in any topological order, the output last; the input has `shape`."""
    web = _Labelled([(join, [(n, token(steps)) for n, steps in e]) for join, e, _ in nodes])
    order = web.order()
    place = {number: position for position, number in enumerate([0, *order])}
    meetings = [_meeting(nodes[number - 1], place) for number in order]
    return Web(tuple(meetings), f"web[{web.text(order)}]", shape, nodes[-1][2])


def _meeting(node: Node, place: dict[int, int]) -> Meeting:
    join, edges, shape = node
    edges = [(place[number], steps) for number, steps in edges]
    if join != "concat":
        edges.sort(key=lambda edge: (edge[0], token(edge[1])))
    return Meeting(join if len(edges) > 1 else "sum", tuple(edges), shape)


class _Labelled:
    """A graph whose edges carry texts; colours[n] says what is known of number n."""

    def __init__(self, nodes: list[tuple[str, list[tuple[int, str]]]]) -> None:
        texts = sorted({text for _, edges in nodes for _, text in edges})
        rank = {text: number for number, text in enumerate(texts)}
        self.texts = texts
        self.joins = ["", *(join if len(edges) > 1 else "" for join, edges in nodes)]
        self.edges: list[list[tuple[int, int]]] = [[]]
        self.edges += [[(number, rank[text]) for number, text in edges] for _, edges in nodes]
        self.out: list[list[tuple[int, int, int]]] = [[] for _ in self.edges]
        for number, edges in enumerate(self.edges):
            for position, (source, text) in enumerate(edges):
                place = position if self.joins[number] == "concat" else -1
                self.out[source].append((number, text, place))

    def order(self) -> list[int]:
        """Numbers of all but the input, in their canonical order, which is topological."""
        depth = [0]
        for edges in self.edges[1:]:
            depth.append(1 + max(depth[source] for source, _ in edges))
        return self._least(self._refined(depth))

    def _refined(self, colours: list[int]) -> list[int]:
        """Tell apart until nothing new is learnt; earlier differences stay the foremost."""
        count = len(set(colours))
        while count < len(colours):
            seen = list(map(self._seen, range(len(colours)), [colours] * len(colours)))
            rank = {look: place for place, look in enumerate(sorted(set(seen)))}
            colours = [rank[look] for look in seen]
            if len(rank) == count:
                break
            count = len(rank)
        return colours

    def _seen(self, number: int, colours: list[int]) -> tuple[Any, ...]:
        into = [(colours[source], text) for source, text in self.edges[number]]
        if self.joins[number] != "concat":
            into.sort()
        out = sorted((colours[target], *rest) for target, *rest in self.out[number])
        return colours[number], self.joins[number], tuple(into), tuple(out)

    def _least(self, colours: list[int]) -> list[int]:
        alike = _first_class(colours)
        if not alike:
            return sorted(range(1, len(colours)), key=colours.__getitem__)
        trials: dict[str, list[int]] = {}
        for number in alike:
            apart = self._set_apart(colours, number)
            trials.setdefault(self.text(self._any(apart)), apart)
        # where trials that choose freely end in one text, an automorphism leads to each other
        return min(map(self._least, trials.values()), key=self.text)

    def _any(self, colours: list[int]) -> list[int]:
        while alike := _first_class(colours):
            colours = self._set_apart(colours, alike[0])
        return sorted(range(1, len(colours)), key=colours.__getitem__)

    def _set_apart(self, colours: list[int], number: int) -> list[int]:
        apart = [2 * colour + 1 for colour in colours]
        apart[number] -= 1
        return self._refined(apart)

    def text(self, order: list[int]) -> str:
        """The whole graph, with its nodes in this order."""
        place = {number: position for position, number in enumerate([0, *order])}
        return ";".join([self._said(number, place) for number in order])

    def _said(self, number: int, place: dict[int, int]) -> str:
        edges = [(place[source], text) for source, text in self.edges[number]]
        if self.joins[number] != "concat":
            edges.sort()
        said = "|".join([f"{source}:{self.texts[text]}" for source, text in edges])
        return f"{self.joins[number]}({said})"


def _first_class(colours: list[int]) -> list[int]:
    """The numbers of the first colour that several have."""
    classes: dict[int, list[int]] = {}
    for number, colour in enumerate(colours):
        classes.setdefault(colour, []).append(number)
    return next((classes[colour] for colour in sorted(classes) if len(classes[colour]) > 1), [])
