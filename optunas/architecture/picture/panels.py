"""Cells that stand in several places are drawn once, below the network, and named where they stand.

So do the figures of the papers: a network of boxes `cell A`, and beside it what a cell A is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace
from functools import singledispatchmethod
from string import ascii_uppercase

from optunas.architecture.picture.scene import Cell, Chain, Fork, Frame, Knot, Leaf, Node
from optunas.architecture.picture.words import words_of


def with_panels(scene: Node) -> tuple[Node, list[Frame]]:
    """The scene with named boxes where shared cells were, and the cells by these names."""
    counts = Counter(alike(node) for node in _nodes(scene) if isinstance(node, Cell))
    several = {alike(n) for n in _nodes(scene) if isinstance(n, Cell) and n.inputs > 1}
    naming = Naming({key for key, count in counts.items() if count > 1} | several)
    return naming.named(scene), list(naming.panels.values())


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for part in node.parts:
        yield from _nodes(part)


def alike(node: Node) -> Hashable:
    """Equal for parts that look the same but for their shapes and channels."""
    match node:
        case Leaf():
            return (type(node.layer), node.count, *words_of(node.layer, shaped=True))
        case Cell():
            knots = (
                (k.join, *((n, alike(e)) for n, e in k.edges), alike(k.body)) for k in node.knots
            )
            return ("cell", node.inputs, *knots)
        case Fork():
            return (node.join, *map(alike, node.branches))
        case Frame():
            return (node.count, node.layer and type(node.layer), alike(node.body))
    return tuple(map(alike, node.parts))


@dataclass
class Naming:
    """Gives cells whose keys are `shared` a name and a panel, in the order of their appearance."""

    shared: set[Hashable]
    panels: dict[Hashable, Frame] = field(default_factory=dict)

    @singledispatchmethod
    def named(self, node: Node) -> Node:
        """The node, with boxes for the shared cells in it."""
        return node

    @named.register
    def _(self, node: Chain) -> Node:
        return replace(node, items=tuple(map(self.named, node.items)))

    @named.register
    def _(self, node: Fork) -> Node:
        return replace(node, branches=tuple(map(self.named, node.branches)))

    @named.register
    def _(self, node: Frame) -> Node:
        body = self.named(node.body)
        if not (isinstance(body, Leaf) and isinstance(node.body, Cell)):
            return replace(node, body=body)
        layer = node.layer or body.layer
        return replace(body, layer=layer, count=node.count, copies=body.copies)

    @named.register
    def _(self, node: Cell) -> Node:
        key = alike(node)
        inner = replace(node, knots=tuple(map(self._knot, node.knots)))
        if key not in self.shared:
            return inner
        if key not in self.panels:
            name = _name(len(self.panels))
            self.panels[key] = Frame(None, bare(inner), name=name)
        name = self.panels[key].name
        leaves = [leaf for leaf in _nodes(node) if isinstance(leaf, Leaf)]
        params, macs = sum(leaf.params for leaf in leaves), sum(leaf.macs for leaf in leaves)
        copies = min((leaf.copies // leaf.count for leaf in leaves), default=1)
        return Leaf(node.after, node.graph, params, macs, copies=copies, said=name)

    def _knot(self, knot: Knot) -> Knot:
        edges = tuple((number, self.named(item)) for number, item in knot.edges)
        return replace(knot, edges=edges, body=self.named(knot.body))


def _name(number: int) -> str:
    letters = ascii_uppercase[number % 26] * (number // 26 + 1)
    return f"cell {letters}"


def bare(node: Node) -> Node:
    """The node without shapes and costs, as those differ from place to place."""
    match node:
        case Leaf():
            return replace(node, after=None, before=None, params=0, macs=0, copies=1, bare=True)
        case Chain():
            return replace(node, after=None, items=tuple(map(bare, node.items)))
        case Fork():
            return replace(node, after=None, branches=tuple(map(bare, node.branches)))
        case Frame():
            return replace(node, after=None, body=bare(node.body))
        case Cell():
            knots = tuple(
                Knot(k.join, tuple((n, bare(e)) for n, e in k.edges), bare(k.body))
                for k in node.knots
            )
            return replace(node, after=None, knots=knots)
    return node
