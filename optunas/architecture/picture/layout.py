"""Where everything goes: sequences from top to bottom, branches side by side.

Each part knows its size and its port, the x of the wire that comes in above and goes out below;
a sequence puts the ports of its parts under each other. What is side by side keeps to a budget of
width: branches that don't fit go into rows below each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatchmethod

from optunas.architecture.picture import boxes
from optunas.architecture.picture.cells import cell
from optunas.architecture.picture.rows import rows
from optunas.architecture.picture.scene import Cell, Chain, Fork, Frame, Leaf, Node
from optunas.architecture.picture.shapes import Border, Join, Part, Placed, Wire, moved
from optunas.architecture.picture.text import sizes, width

STEP = 16
"""Px between the parts of a sequence: the wire with its arrow head."""
BUDGET = 520
"""Px that branches side by side may take."""
BETWEEN = 10
ARC = 16
RADIUS = 9
INSIDE = 8
LABEL = 22


def laid_out(scene: Node) -> Part:
    """The scene at its places, the upper left corner at (0, 0)."""
    leaves = list(_wide_leaves(scene))
    trunk = max(map(boxes.wide_width, leaves), default=boxes.WIDE[0])
    return Layout(trunk).place(scene, BUDGET, 0)


def _wide_leaves(node: Node) -> Iterator[Leaf]:
    """The leaves that have the whole width for themselves."""
    if isinstance(node, Leaf):
        yield node
    elif not (isinstance(node, Fork) and sum(not b.is_empty for b in node.branches) > 1) and (
        not isinstance(node, Cell)
    ):
        for part in node.parts:
            yield from _wide_leaves(part)


@dataclass(frozen=True)
class Layout:
    """Places nodes. `trunk`: the width of boxes in the trunk; in branches they are `narrow`."""

    trunk: float

    @singledispatchmethod
    def place(self, node: Node, budget: float, narrow: float) -> Part:
        """Lay out a node within about `budget` px; `narrow`: px of a branch's boxes, or 0."""
        raise AssertionError(node)

    @place.register
    def _(self, node: Leaf, budget: float, narrow: float) -> Part:
        box = boxes.narrow_box(node, narrow) if narrow else boxes.wide_box(node, self.trunk)
        return Part(box.width, box.height, box.width / 2, (box,))

    @place.register
    def _(self, node: Chain, budget: float, narrow: float) -> Part:
        if narrow:
            narrow = max([boxes.narrow_width(i) for i in node.items if isinstance(i, Leaf)] or [1])
        return stacked([self.place(item, budget, narrow) for item in node.items])

    @place.register
    def _(self, node: Frame, budget: float, narrow: float) -> Part:
        if narrow and isinstance(node.body, Leaf):
            narrow = boxes.narrow_width(node.body)
        body = self.place(node.body, budget - 2 * INSIDE, narrow)
        label = boxes.label(node, max(body.width, boxes.NARROW[1]))
        inner = max(body.width, label.width)
        left = (inner - body.width) / 2 + INSIDE
        size = inner + 2 * INSIDE, body.height + LABEL + INSIDE
        border = Border(0, 0, *size, node, label)
        inlets = tuple(left + x for x in body.inlets)
        things = (border, *moved(body.things, left, LABEL))
        return Part(*size, left + body.port, things, inlets=inlets)

    @place.register
    def _(self, node: Fork, budget: float, narrow: float) -> Part:
        branches = [branch for branch in node.branches if not branch.is_empty]
        arcs = len(node.branches) - len(branches)
        if len(branches) > 1:
            budget, narrow = max(budget - ARC * arcs, boxes.NARROW[1]), 1
        parts = [self._branch(branch, budget, narrow) for branch in branches]
        return joined(parts, arcs, node, budget)

    @place.register
    def _(self, node: Cell, budget: float, narrow: float) -> Part:
        return cell(node, lambda item: self._branch(item, budget, 1), budget)

    def _branch(self, node: Node, budget: float, narrow: float) -> Part:
        if narrow and isinstance(node, Leaf):
            narrow = boxes.narrow_width(node)
        return self.place(node, budget, narrow)


def stacked(parts: list[Part]) -> Part:
    """Parts below each other, their ports on one line, wires between them."""
    port = max([part.port for part in parts] or [0])
    right = max([part.width - part.port for part in parts] or [0])
    things: list[Placed] = []
    y = 0.0
    for number, part in enumerate(parts):
        if number:
            things.append(Wire(port, y, ((0, 0), (0, STEP)), head=not part.open))
            y += STEP
        things += moved(part.things, port - part.port, y)
        y += part.height
    return Part(port + right, y, port, tuple(things), bool(parts) and parts[0].open)


def joined(parts: list[Part], arcs: int, fork: Fork, budget: float) -> Part:
    """Branches between the wire that splits and the join, shortcuts as arcs at the right."""
    body = rows(parts, budget, BETWEEN)
    note = sizes(fork.after.first, fork.after.last) if fork.after and fork.join == "concat" else ""
    half = (width("concat", "join") + 14) / 2 if fork.join == "concat" else RADIUS
    middle = body.height + RADIUS + 2
    things = list(body.things)
    right = body.width
    for arc in range(arcs):
        right += ARC if arc else ARC + 4
        x, y = right - 6 - body.port, 3 + 2 * arc
        bend = ((0, 0), (0, y), (x, y), (x, middle), (half, middle))
        things.append(Wire(body.port, 0, bend, head=True))
    things.append(Join(body.port, middle, fork.join, 2 * half, note, note_left=arcs > 0))
    beside = half + 6 + width(note, "shape") if note else 0
    left = max(0, beside - body.port) if arcs else 0
    right = right if arcs else max(right, body.port + beside)
    things = [*moved(things, left, 0)]
    return Part(left + right, middle + RADIUS, left + body.port, tuple(things), open=True)
