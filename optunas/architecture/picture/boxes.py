"""The box of a layer: which lines it has, and how large it is."""

from __future__ import annotations

from optunas.architecture.graph import Graph
from optunas.architecture.picture.scene import Frame, Leaf
from optunas.architecture.picture.shapes import GAP, Box, Line, Run
from optunas.architecture.picture.text import amount, broken, clipped, sizes, width, wrapped
from optunas.architecture.picture.words import kind_of, words_of

WIDE = (220, 330)
"""Least and most px of a box that has the whole width for itself."""
NARROW = (64, 132)
"""Least and most px of a box in a branch."""
PAD = 8
LINE = {"title": 17, "words": 14, "shape": 15}
BARS = 8


def wide_width(leaf: Leaf) -> float:
    """Px that the box of a leaf would like to have for its lines."""
    title, args = _title(leaf, WIDE[1]), ", ".join(said(leaf))
    shape, number = _shape(leaf), _number(leaf)
    first = _runs_width([*title, shape])
    second = width(args, "words") + (number.width + GAP if number else 0)
    slim = _runs_width([*title, Run(args, "words"), shape])
    wanted = slim if _is_slim(leaf) else max(first, second)
    return min(max(wanted + 2 * PAD, WIDE[0]), WIDE[1])


def narrow_width(leaf: Leaf) -> float:
    """Px that the box of a leaf in a branch would like to have."""
    words = said(leaf)
    shape = _shape(leaf)
    titles = _titles(leaf, NARROW[1] - 2 * PAD)
    lines = [*map(_runs_width, titles), shape.width if shape else 0]
    wanted = max([*lines, *(width(word + ",", "words") for word in words)])
    return min(max(wanted + 2 * PAD, NARROW[0]), NARROW[1])


def wide_box(leaf: Leaf, outer: float) -> Box:
    """Title and shape, below them arguments and parameters; one line where that is enough."""
    room = outer - 2 * PAD
    words = said(leaf)
    shape, number = _shape(leaf), _number(leaf)
    title = _title(leaf, room - (shape.width + GAP if shape else 0))
    args = Run(", ".join(words), "words")
    if _is_slim(leaf) and _runs_width([*title, args, shape]) <= room:
        return _box(leaf, outer, [Line((*title, args) if words else title, shape)])
    beside = number.width + GAP if number else 0
    lines_said = wrapped(words, "words", room - beside, 3)
    lines = [Line((Run(line, "words"),)) for line in lines_said]
    if number:
        first = lines[0].left if lines else ()
        lines[:1] = [Line(first, number)]
    return _box(leaf, outer, [Line(title, shape), *lines])


def narrow_box(leaf: Leaf, outer: float) -> Box:
    """Title, arguments, shape, one below the other."""
    room = outer - 2 * PAD
    words = said(leaf)
    *above, title = _titles(leaf, room)
    args = Run(", ".join(words), "words")
    if _is_slim(leaf) and not above and _runs_width([*title, args]) <= room:
        return _box(leaf, outer, [Line((*title, args) if words else title)])
    lines = [*map(Line, above), Line(title)]
    lines += [Line((Run(line, "words"),)) for line in wrapped(words, "words", room, 3)]
    shape = _shape(leaf)
    if shape and not _is_slim(leaf):
        lines.append(Line((Run(clipped(shape.text, "shape", room), "shape"),)))
    return _box(leaf, outer, lines)


def said(leaf: Leaf) -> list[str]:
    """What the box says below its name."""
    if leaf.said is not None:
        return [] if isinstance(leaf.layer, Graph) else [leaf.said]
    return words_of(leaf.layer, leaf.bare or leaf.after is not None)


def label(frame: Frame, room: float) -> Line:
    """What a frame says: `MBConv 5×5, stride 2 ×3`."""
    times = _times(frame.count, frame.beside)
    if frame.layer is None:
        title = (Run(frame.name, "title"),) if frame.name else ()
        return Line((*title, *times))
    room -= sum(run.width + GAP for run in times)
    name = Run(clipped(type(frame.layer).__name__, "title", room), "title")
    words = ", ".join(words_of(frame.layer, frame.after is not None))
    left = room - name.width - GAP
    more = (Run(clipped(words, "words", left), "words"),) if words and left > 40 else ()
    return Line((name, *times, *more))


def line_height(line: Line) -> float:
    """Px from the line before it."""
    role = line.left[0].role if line.left else "words"
    return LINE.get(role, LINE["title"])


def _box(leaf: Leaf, outer: float, lines: list[Line]) -> Box:
    bars = BARS if leaf.params or leaf.macs else 4
    height = 4 + sum(map(line_height, lines)) + bars
    return Box(0, 0, outer, height, leaf, tuple(lines))


def _is_slim(leaf: Leaf) -> bool:
    """What changes no shape and costs next to nothing needs one line only."""
    if leaf.bare:
        return kind_of(leaf.layer) in ("plain", "pool")
    same = leaf.after is None or leaf.after.last == leaf.before
    return not leaf.macs and (same or kind_of(leaf.layer) in ("plain", "pool"))


def _title(leaf: Leaf, room: float) -> tuple[Run, ...]:
    times = _times(leaf.count)
    room -= sum(run.width + GAP for run in times)
    return (Run(clipped(name_of(leaf), "title", room), "title"), *times)


def _titles(leaf: Leaf, room: float) -> list[tuple[Run, ...]]:
    """The name, in two lines where it is long: `ReLUSeparable`, `Conv`."""
    times = _times(leaf.count)
    room -= sum(run.width + GAP for run in times)
    first, *more = broken(name_of(leaf), "title", room)
    if not more:
        return [(Run(first, "title"), *times)]
    return [(Run(first, "title"),), (Run(clipped("".join(more), "title", room), "title"), *times)]


def name_of(leaf: Leaf) -> str:
    """The layer's own name, as one would write it; a cell's name for a graph."""
    if isinstance(leaf.layer, Graph) and leaf.said:
        return leaf.said
    return type(leaf.layer).__name__


def _times(count: int, beside: bool = False) -> tuple[Run, ...]:
    if count == 1:
        return ()
    return (Run(f"×{count} side by side" if beside else f"×{count}", "times"),)


def _shape(leaf: Leaf) -> Run | None:
    if leaf.after is None or (kind_of(leaf.layer) == "plain" and leaf.after.last == leaf.before):
        return None
    return Run(sizes(leaf.after.first, leaf.after.last), "shape")


def _number(leaf: Leaf) -> Run | None:
    if not leaf.params:
        return None
    return Run(("Σ " if leaf.copies > 1 else "") + amount(leaf.params), "number")


def _runs_width(runs: list[Run | None] | tuple[Run, ...] | list[Run]) -> float:
    there = [run.width for run in runs if run and run.text]
    return sum(there) + GAP * (len(there) - 1)
