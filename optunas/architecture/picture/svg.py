"""A layout as SVG: self-contained, without scripts, fonts or references to anything outside."""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatchmethod
from itertools import pairwise
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from optunas.architecture.picture.boxes import PAD, line_height
from optunas.architecture.picture.palette import LIGHT, style
from optunas.architecture.picture.shapes import (
    GAP,
    Border,
    Box,
    Dot,
    Join,
    Legend,
    Line,
    Note,
    Part,
    Placed,
    Run,
    Wire,
)
from optunas.architecture.picture.text import SIZES, amount, printable
from optunas.architecture.picture.words import kind_of

FONT = "system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,'DejaVu Sans',sans-serif"


class Total(NamedTuple):
    """What the whole network costs; the boxes' bars are shares of it."""

    params: int
    macs: int


def written(part: Part, title: str, total: Total | None) -> str:
    """The SVG file as a text."""
    size = {"width": _n(part.width), "height": _n(part.height)}
    root = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            **size,
            "viewBox": f"0 0 {size['width']} {size['height']}",
            "role": "img",
            "class": "optunas-diagram",
            "font-family": FONT,
            "font-size": str(SIZES["words"]),
            "fill": LIGHT.ink,
            "style": "max-width:100%;height:auto",
        },
    )
    SubElement(root, "title").text = printable(title)
    SubElement(root, "style").text = style()
    SubElement(root, "rect", {"class": "back", "fill": LIGHT.back, **size, "rx": "8"})
    pen = Pen(root, total)
    for kind in (Border, Wire, Box, Join, Dot, Note, Legend):
        pen.draw(thing for thing in part.things if isinstance(thing, kind))
    return ElementTree.tostring(root, encoding="unicode")


class Pen:
    """Puts what a layout holds into an SVG element."""

    def __init__(self, root: Element, total: Total | None) -> None:
        self._root = root
        self._total = total

    def draw(self, things: Iterable[Placed]) -> None:
        """Add things of one kind; wires become two paths, whatever their number."""
        wires: list[Wire] = []
        for thing in things:
            if isinstance(thing, Wire):
                wires.append(thing)
            else:
                self._add(thing)
        if wires:
            lines = "".join(map(_path, wires))
            look = {"fill": "none", "stroke": LIGHT.wire, "stroke-width": "1.4"}
            SubElement(self._root, "path", {"class": "wire", **look, "d": lines})
            heads = "".join(_head(wire) for wire in wires if wire.head)
            SubElement(self._root, "path", {"class": "head", "fill": LIGHT.wire, "d": heads})

    @singledispatchmethod
    def _add(self, thing: Placed) -> None:
        raise AssertionError(thing)

    @_add.register
    def _(self, box: Box) -> None:
        group = SubElement(self._root, "g")
        SubElement(group, "title").text = printable(_told(box))
        kind = kind_of(box.leaf.layer)
        look = {"class": kind, "fill": LIGHT.fills[kind], "stroke": LIGHT.edges[kind]}
        place = {"x": _n(box.x), "y": _n(box.y), "width": _n(box.width), "height": _n(box.height)}
        if box.leaf.count > 1:  # a stack of cards
            behind = {**place, "x": _n(box.x + 3), "y": _n(box.y + 3)}
            SubElement(group, "rect", {**look, **behind, "rx": "5"})
        SubElement(group, "rect", {**look, **place, "rx": "5"})
        y = box.y + 3
        for line in box.lines:
            y += line_height(line)
            self._line(group, line, box.x + PAD, box.x + box.width - PAD, y - 3)
        self._bars(group, box)

    def _bars(self, group: Element, box: Box) -> None:
        if self._total is None:
            return
        room, y = box.width - 2 * PAD, box.y + box.height - 7
        for name, own, whole in zip(Total._fields, _cost(box), self._total, strict=True):
            if own:
                long = max(room * own / max(whole, 1), 1)
                place = {"x": _n(box.x + PAD), "y": _n(y), "width": _n(long), "height": "2"}
                SubElement(group, "rect", {"class": name, "fill": getattr(LIGHT, name), **place})
            y += 3

    @_add.register
    def _(self, border: Border) -> None:
        look = {"class": "frame", "fill": LIGHT.frame, "stroke": LIGHT.wire, "rx": "8"}
        dashes = {"stroke-dasharray": "4 3"} if border.frame.layer is None else {}
        place = {"x": _n(border.x), "y": _n(border.y)}
        size = {"width": _n(border.width), "height": _n(border.height)}
        SubElement(self._root, "rect", {**look, **place, **size, **dashes})
        self._line(self._root, border.label, border.x + 9, border.x + border.width, border.y + 15)

    @_add.register
    def _(self, join: Join) -> None:
        look = {"class": "joint", "fill": LIGHT.back, "stroke": LIGHT.wire, "stroke-width": "1.4"}
        place = {"x": _n(join.x - join.width / 2), "y": _n(join.y - 9)}
        size = {"width": _n(join.width), "height": "18", "rx": "9"}
        SubElement(self._root, "rect", {**look, **place, **size})
        sign = {"sum": "+", "multiply": "×"}.get(join.join, join.join)
        self._text(self._root, Run(sign, "join"), join.x, join.y + 4, "middle")
        if join.note:
            side = -1 if join.note_left else 1
            x = join.x + side * (join.width / 2 + 6)
            anchor = "end" if join.note_left else "start"
            self._text(self._root, Run(join.note, "shape"), x, join.y + 4, anchor)

    @_add.register
    def _(self, dot: Dot) -> None:
        look = {"class": "head", "fill": LIGHT.wire, "r": "4"}
        SubElement(self._root, "circle", {**look, "cx": _n(dot.x), "cy": _n(dot.y)})

    @_add.register
    def _(self, note: Note) -> None:
        look = {"class": "joint", "fill": LIGHT.back, "stroke": LIGHT.wire}
        place = {"x": _n(note.x - note.width / 2), "y": _n(note.y - 11)}
        size = {"width": _n(note.width), "height": "22", "rx": "11"}
        SubElement(self._root, "rect", {**look, **place, **size})
        self._text(self._root, Run(note.text, "note"), note.x, note.y + 4, "middle")

    @_add.register
    def _(self, legend: Legend) -> None:
        look = {"class": legend.bar, "fill": getattr(LIGHT, legend.bar)}
        place = {"x": _n(legend.x), "y": _n(legend.y - 6), "width": "16", "height": "3"}
        SubElement(self._root, "rect", {**look, **place})
        self._text(self._root, Run(legend.text, "number"), legend.x + 21, legend.y)

    def _line(self, parent: Element, line: Line, left: float, right: float, y: float) -> None:
        if line.left:
            first, *more = line.left
            text = self._text(parent, first, left, y)
            for run in more:
                span = SubElement(text, "tspan", {"dx": str(GAP), "class": run.role})
                span.text = printable(run.text)
        if line.right:
            self._text(parent, line.right, right, y, "end")

    def _text(
        self, parent: Element, run: Run, x: float, y: float, anchor: str = "start"
    ) -> Element:
        place = {"x": _n(x), "y": _n(y)}
        if anchor != "start":
            place["text-anchor"] = anchor
        text = SubElement(parent, "text", {"class": run.role, **place})
        text.text = printable(run.text)
        return text


def _told(box: Box) -> str:
    """The whole layer, for those who point at its box."""
    leaf = box.leaf
    said = str(leaf.layer)
    said = said if len(said) <= 160 else said[:159] + "…"
    if leaf.count > 1:
        said += f" ×{leaf.count}"
    if leaf.after:
        of = f" in {leaf.copies} places" if leaf.copies > 1 else ""
        said += f": {amount(leaf.params)} parameters, {amount(leaf.macs)} MACs{of}"
    return said


def _cost(box: Box) -> tuple[int, int]:
    return box.leaf.params, box.leaf.macs


def _path(wire: Wire) -> str:
    """A line with rounded corners, or one that swings from place to place."""
    points = [(wire.x + x, wire.y + y) for x, y in _bends(wire.points)]
    said = f"M{_p(points[0])}"
    if wire.curved:
        for before, after in pairwise(points):
            half = (before[1] + after[1]) / 2
            swing = f"C{_p((before[0], half))} {_p((after[0], half))} {_p(after)}"
            said += swing if before[0] != after[0] else f"L{_p(after)}"
        return said
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        near, far = _toward(corner, before), _toward(corner, after)
        said += f"L{_p(near)}Q{_p(corner)} {_p(far)}"
    return said + f"L{_p(points[-1])}"


def _bends(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points without those that stand on each other or amid a straight line."""
    kept: list[tuple[float, float]] = []
    for point in points:
        if kept and point == kept[-1]:
            continue
        if len(kept) > 1 and any(kept[-2][i] == kept[-1][i] == point[i] for i in (0, 1)):
            kept.pop()
        kept.append(point)
    return kept


def _toward(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    """The point a corner's radius away from `a`, or half the way where `b` is near."""
    length = abs(b[0] - a[0]) + abs(b[1] - a[1])
    part = min(5 / length, 0.5)
    return a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part


def _head(wire: Wire) -> str:
    """The arrow head at a wire's end."""
    (x0, y0), (x, y) = _bends(wire.points)[-2:]
    x0 = x if wire.curved else x0
    length = max(abs(x - x0), abs(y - y0))
    dx, dy = (x - x0) / length, (y - y0) / length
    tip = wire.x + x, wire.y + y
    back = tip[0] - 6 * dx, tip[1] - 6 * dy
    left, right = (back[0] - 3.2 * dy, back[1] + 3.2 * dx), (back[0] + 3.2 * dy, back[1] - 3.2 * dx)
    return f"M{_p(tip)}L{_p(left)}L{_p(right)}z"


def _p(point: tuple[float, float]) -> str:
    return f"{_n(point[0])} {_n(point[1])}"


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
