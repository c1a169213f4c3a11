"""A graph's place in the picture: operations and joins as vertices, arrows between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from optunas.architecture.graph import Graph
from optunas.architecture.picture.layers import Arrow, Rows, layered
from optunas.architecture.picture.scene import Cell, Frame, Leaf, Node
from optunas.architecture.picture.shapes import Dot, Join, Part, Placed, Wire, moved
from optunas.architecture.picture.text import width

Place = Callable[[Node], Part]


def cell(node: Cell, place: Place, budget: float) -> Part:
    """Lay out a graph; `place` lays out what stands on its edges and in its nodes."""
    sketch = Sketch(place)
    sketch.add(node)
    return _part(sketch, node.inputs, budget)


@dataclass
class Sketch:
    """The vertices of a graph, in an order that arrows follow."""

    place: Place
    parts: list[Part] = field(default_factory=list)
    late: list[bool] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)

    def add(self, node: Cell) -> None:
        """Add the vertices and arrows of a cell."""
        alive = node.alive()
        ends = [self._vertex(DOT) for _ in range(node.inputs)]
        for number, knot in enumerate(node.knots, node.inputs):
            if number not in alive:
                ends.append(-1)
                continue
            sources = [self._edge(ends[source], item) for source, item in knot.edges]
            ends.append(self._knot(sources, knot.join, knot.body))

    def _edge(self, source: int, item: Node) -> int:
        if item.is_empty:
            return source
        return self._pointed(self._vertex(self.place(item), late=True), [source])

    def _knot(self, sources: list[int], join: str, body: Node) -> int:
        if len(sources) > 1 and not takes_several(body):
            sources = [self._pointed(self._vertex(sign(join)), sources)]
        if body.is_empty:
            return sources[0]
        return self._pointed(self._vertex(self.place(body)), sources)

    def _vertex(self, part: Part, late: bool = False) -> int:
        self.parts.append(part)
        self.late.append(late)
        return len(self.parts) - 1

    def _pointed(self, vertex: int, sources: Sequence[int]) -> int:
        part = self.parts[vertex]
        inlets = part.inlets or (part.port,) * len(sources)
        for source, inlet in zip(sources, inlets, strict=False):
            leaves = _off(self.parts[source], self.parts[source].port)
            self.arrows.append(Arrow(source, vertex, leaves, _off(part, inlet)))
        return vertex


DOT = Part(8, 8, 4, (Dot(4, 4),))


def takes_several(body: Node) -> bool:
    """Whether a node's layer takes the sources one by one."""
    match body:
        case Cell(inputs=inputs) | Leaf(layer=Graph(inputs=inputs)):
            return inputs > 1
        case Frame(body=inner):
            return takes_several(inner)
    return False


def sign(join: str) -> Part:
    """A join as a part of its own."""
    wide = width("concat", "join") + 14 if join == "concat" else 18.0
    return Part(wide, 18, wide / 2, (Join(wide / 2, 9, join, wide),))


def _off(part: Part, x: float) -> float:
    return x - part.width / 2


def _part(sketch: Sketch, inputs: int, budget: float) -> Part:
    parts, arrows = sketch.parts, sketch.arrows
    rows = layered([p.width for p in parts], arrows, budget, sketch.late)
    if inputs == 1:
        _aligned(rows.middles, _off(parts[-1], parts[-1].port))
    lefts = [middle - part.width / 2 for middle, part in zip(rows.middles, parts, strict=True)]
    edge = min([*lefts, *(x - 3 for way in rows.between for x in way)])
    right = max(
        [left + part.width for left, part in zip(lefts, parts, strict=True)]
        + [x + 3 for way in rows.between for x in way]
    )
    lefts = [left - edge for left in lefts]
    tops, heights = _tops(rows, parts, lefts, arrows, edge)
    things: list[Placed] = []
    for part, left, row in zip(parts, lefts, rows.rows, strict=True):
        things += moved(part.things, left, tops[row] + _sunk(part, heights[row]))
    for arrow, between in zip(arrows, rows.between, strict=True):
        start, end = parts[arrow.source], parts[arrow.target]
        first, last = rows.rows[arrow.source], rows.rows[arrow.target]
        x = lefts[arrow.source] + start.port
        y = tops[first] + _sunk(start, heights[first]) + start.height
        points = [(x, y), (x, tops[first] + heights[first])]
        for row, middle in enumerate(between, first + 1):
            points += [(middle - edge, tops[row]), (middle - edge, tops[row] + heights[row])]
        x = lefts[arrow.target] + end.width / 2 + arrow.arrives
        points += [(x, tops[last]), (x, tops[last] + _sunk(end, heights[last]))]
        things.append(_curve(points))
    inlets = tuple(left + DOT.port for left in lefts[:inputs]) if inputs > 1 else ()
    out = lefts[-1] + parts[-1].port
    return Part(right - edge, tops[-1] + heights[-1], out, tuple(things), True, inlets)


def _aligned(middles: list[float], off: float) -> None:
    """Input and output, each alone in its row, on one line."""
    middles[0] = (middles[0] + middles[-1] + off) / 2
    middles[-1] = middles[0] - off


def _tops(
    rows: Rows, parts: list[Part], lefts: list[float], arrows: list[Arrow], edge: float
) -> tuple[list[float], list[float]]:
    """The upper end and height of each row; further apart where arrows go far to the side."""
    count = max(rows.rows) + 1
    heights = [0.0] * count
    for part, row in zip(parts, rows.rows, strict=True):
        heights[row] = max(heights[row], part.height)
    far = [0.0] * count
    for arrow, between in zip(arrows, rows.between, strict=True):
        first = rows.rows[arrow.source]
        start = lefts[arrow.source] + parts[arrow.source].port
        end = lefts[arrow.target] + parts[arrow.target].width / 2 + arrow.arrives
        xs = [start, *(x - edge for x in between), end]
        for step, (a, b) in enumerate(pairwise(xs)):
            far[first + step] = max(far[first + step], abs(a - b))
    tops = [0.0]
    for row in range(count - 1):
        tops.append(tops[-1] + heights[row] + min(18 + far[row] / 9, 40))
    return tops, heights


def _sunk(part: Part, height: float) -> float:
    """Parts hang in the middle of their row."""
    return (height - part.height) / 2


def _curve(points: list[tuple[float, float]]) -> Wire:
    (x, y), *_ = points
    return Wire(x, y, tuple((px - x, py - y) for px, py in points), head=True, curved=True)
