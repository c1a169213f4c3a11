"""What is to be drawn: boxes, chains, forks, cells and frames; parts that are alike merge."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from optunas.architecture.graph import Graph
from optunas.architecture.layer import Layer, Shape
from optunas.architecture.picture.words import identity


@dataclass(frozen=True)
class After:
    """The shape behind a part; behind folded copies the first one's and the last one's."""

    first: Shape
    last: Shape


@dataclass(frozen=True)
class Node:
    """A part of the scene."""

    after: After | None

    @property
    def key(self) -> Hashable:
        """Equal for parts that are drawn alike: copies may differ in channels, not in pixels."""
        if self.after is None:
            return None
        shape = self.after.last
        return shape[1:] if len(shape) > 2 else len(shape)

    @property
    def is_empty(self) -> bool:
        """Whether it is a shortcut: nothing is drawn but a wire."""
        return False

    @property
    def parts(self) -> tuple[Node, ...]:
        """The parts inside."""
        return ()

    def absorb(self, other: Any) -> Any:
        """This part, standing for `other` as well, which is drawn alike."""
        after = self.after and other.after and After(self.after.first, other.after.last)
        return replace(self, after=after)


@dataclass(frozen=True)
class Leaf(Node):
    """A box: a layer, or `count` equal ones in a row, with the cost of all `copies` of it.

    `said` stands instead of the layer's arguments. `bare`: neither shape nor channels are shown.
    """

    layer: Layer
    params: int = 0
    macs: int = 0
    count: int = 1
    copies: int = 1
    before: Shape | None = None
    said: str | None = None
    bare: bool = False

    @property
    def key(self) -> Hashable:
        return (identity(self.layer), self.count, super().key)

    def absorb(self, other: Leaf) -> Leaf:
        whole: Leaf = super().absorb(other)
        params, macs = self.params + other.params, self.macs + other.macs
        return replace(whole, params=params, macs=macs, copies=self.copies + other.copies)


@dataclass(frozen=True)
class Chain(Node):
    """Parts one after another."""

    items: tuple[Node, ...]

    @property
    def is_empty(self) -> bool:
        return not self.items

    @property
    def parts(self) -> tuple[Node, ...]:
        return self.items

    @property
    def key(self) -> Hashable:
        return ("chain", *(item.key for item in self.items))

    def absorb(self, other: Chain) -> Chain:
        whole: Chain = super().absorb(other)
        return replace(whole, items=absorbed(self.items, other.items))


@dataclass(frozen=True)
class Fork(Node):
    """Branches side by side that meet again; an empty `Chain` is a shortcut."""

    join: str
    branches: tuple[Node, ...]

    @property
    def parts(self) -> tuple[Node, ...]:
        return self.branches

    @property
    def key(self) -> Hashable:
        return (self.join, super().key, *(branch.key for branch in self.branches))

    def absorb(self, other: Fork) -> Fork:
        whole: Fork = super().absorb(other)
        return replace(whole, branches=absorbed(self.branches, other.branches))


@dataclass(frozen=True)
class Frame(Node):
    """A frame around a part: a block that was opened (`layer`), or `count` repeats, or both."""

    body: Node
    layer: Layer | None = None
    count: int = 1
    beside: bool = False
    name: str = ""

    @property
    def parts(self) -> tuple[Node, ...]:
        return (self.body,)

    @property
    def key(self) -> Hashable:
        return (self.layer and identity(self.layer), self.count, self.beside, self.body.key)

    def absorb(self, other: Frame) -> Frame:
        whole: Frame = super().absorb(other)
        return replace(whole, body=self.body.absorb(other.body))


@dataclass(frozen=True)
class Knot:
    """A node of a graph: (number, what stands on the edge) of each source, joined, then `body`."""

    join: str
    edges: tuple[tuple[int, Node], ...]
    body: Node

    @property
    def key(self) -> Hashable:
        """Equal for nodes that are drawn alike."""
        return (self.join, *((number, item.key) for number, item in self.edges), self.body.key)

    def absorb(self, other: Knot) -> Knot:
        """This node, standing for `other` as well."""
        numbers = [number for number, _ in self.edges]
        items = absorbed([e for _, e in self.edges], [e for _, e in other.edges])
        edges = tuple(zip(numbers, items, strict=True))
        return replace(self, edges=edges, body=self.body.absorb(other.body))


@dataclass(frozen=True)
class Cell(Node):
    """A graph: inputs 0, 1, ..., then the knots; the last one is the output."""

    graph: Graph
    inputs: int
    knots: tuple[Knot, ...]

    @property
    def parts(self) -> tuple[Node, ...]:
        on_edges = [item for knot in self.knots for _, item in knot.edges]
        return (*on_edges, *(knot.body for knot in self.knots))

    @property
    def key(self) -> Hashable:
        return ("cell", self.inputs, *(knot.key for knot in self.knots))

    def absorb(self, other: Cell) -> Cell:
        whole: Cell = super().absorb(other)
        pairs = zip(self.knots, other.knots, strict=True)
        return replace(whole, knots=tuple(ours.absorb(others) for ours, others in pairs))

    def alive(self) -> set[int]:
        """The numbers that lead to the output."""
        found = {self.inputs + len(self.knots) - 1}
        for number in range(self.inputs + len(self.knots) - 1, self.inputs - 1, -1):
            if number in found:
                found |= {source for source, _ in self.knots[number - self.inputs].edges}
        return found


def absorbed(ours: Sequence[Node], others: Sequence[Node]) -> tuple[Node, ...]:
    """Parts, each standing for the other one at its place as well."""
    return tuple(a.absorb(b) for a, b in zip(ours, others, strict=True))
