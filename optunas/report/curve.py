"""A trial's learning curve: a picture (SVG) and a table (CSV). No torch."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from optunas.architecture.picture.palette import DARK, LIGHT
from optunas.architecture.picture.svg import FONT
from optunas.attributes import CURVE
from optunas.numeric import is_number

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 54, 54, 34, 40
MOST_EPOCHS = 2000
MOST_POINTS = 300
TICKS = 5

Rows = list[list[float]]


def curve_rows(stored: Any) -> Rows:
    """The curve as it stands in a trial's attribute; empty where that is none."""
    if not isinstance(stored, list) or not 0 < len(stored) <= MOST_EPOCHS:
        return []
    rows = [row for row in stored if isinstance(row, list) and len(row) == len(CURVE)]
    sound = all(is_number(value) for row in rows for value in row)
    return rows if sound and len(rows) == len(stored) else []


def curve_csv(rows: Rows) -> str:
    """A line an epoch, in the order of `attributes.CURVE`."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("epoch", *CURVE))
    writer.writerows((epoch, *row) for epoch, row in enumerate(rows, start=1))
    return file.getvalue()


def curve_svg(rows: Rows, title: str = "Learning curve") -> str:
    """Accuracy and F1 (left axis, per cent), both losses (right axis), by epoch."""
    columns = {name: [row[i] for row in rows] for i, name in enumerate(CURVE)}
    shares = columns["accuracy"] + columns["f1"]
    losses = columns["loss"] + columns["train_loss"]
    left = _axis(min(shares), max(shares), 0.0, 1.0)
    right = _axis(0.0, max(losses))
    lines = [
        _line("acc", columns["accuracy"], left),
        _line("f1", columns["f1"], left),
        _line("val", columns["loss"], right),
        _line("trn", columns["train_loss"], right),
    ]
    inside = [_grid(left, right), _epochs(len(rows)), *lines, _legend(columns)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" class="optunas-curve" '
        f'font-family="{escape(FONT, {chr(34): "&quot;"})}" font-size="12">'
        f"<title>{escape(title)}</title><style>{_style()}</style>"
        f'<rect class="back" width="{WIDTH}" height="{HEIGHT}" rx="8"/>{"".join(inside)}</svg>'
    )


Axis = tuple[float, float]
"""The numbers at the bottom and at the top."""

NAMES = {
    "acc": ("accuracy", "accuracy"),
    "f1": ("f1", "F1"),
    "val": ("loss", "validation loss"),
    "trn": ("train_loss", "training loss"),
}
"""Class of a line: its column, and what it is called."""


def _axis(low: float, high: float, floor: float = 0.0, ceiling: float = float("inf")) -> Axis:
    """A little more than what there is, and never of no height."""
    room = max(0.05 * (high - low), 0.005 * max(abs(high), 1.0))
    return max(floor, low - room), min(ceiling, high + room)


def _x(place: float, of: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (place / max(of - 1, 1) if of > 1 else 0.5)


def _y(value: float, axis: Axis) -> float:
    share = (value - axis[0]) / (axis[1] - axis[0])
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(1.0, max(0.0, share))


def _line(name: str, values: Sequence[float], axis: Axis) -> str:
    step = max(1, -(-len(values) // MOST_POINTS))
    shown = sorted({*range(0, len(values), step), len(values) - 1})
    points = [(_x(i, len(values)), _y(values[i], axis)) for i in shown]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    if len(points) <= 30:
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in points)
    else:
        dots = ""
    return f'<g class="{name}"><polyline points="{path}"/>{dots}</g>'


def _grid(left: Axis, right: Axis) -> str:
    parts = []
    for tick in range(TICKS):
        share = tick / (TICKS - 1)
        y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share
        percent = 100 * (left[0] + share * (left[1] - left[0]))
        loss = right[0] + share * (right[1] - right[0])
        digits = 0 if left[1] - left[0] > 0.1 else 1 if left[1] - left[0] > 0.01 else 2
        parts.append(
            f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{percent:.{digits}f} %</text>'
            f'<text x="{WIDTH - RIGHT + 6}" y="{y + 4:.1f}">{loss:.3g}</text>'
        )
    return "".join(parts)


def _epochs(count: int) -> str:
    """Some whole epochs below the picture, the first and the last among them."""
    step = max(1, round((count - 1) / 8))
    shown = [epoch for epoch in range(1, count + 1, step) if count - epoch >= step] + [count]
    y = HEIGHT - BOTTOM + 16
    marks = [
        f'<text x="{_x(epoch - 1, count):.1f}" y="{y}" text-anchor="middle">{epoch}</text>'
        for epoch in shown
    ]
    middle = (LEFT + WIDTH - RIGHT) / 2
    return "".join(marks) + f'<text x="{middle:g}" y="{y + 17}" text-anchor="middle">epoch</text>'


def _legend(columns: dict[str, list[float]]) -> str:
    parts, x = [], 12
    for name, (column, said) in NAMES.items():
        last = columns[column][-1]
        value = f"{100 * last:.2f} %" if name in ("acc", "f1") else f"{last:.3g}"
        text = f"{said} {value}"
        parts.append(
            f'<g class="{name}"><path d="M{x} 18h14"/></g>'
            f'<text class="said" x="{x + 19}" y="22">{text}</text>'
        )
        x += 26 + round(6.6 * len(text))
    return "".join(parts)


def _style() -> str:
    """Light colours, and the dark ones where the reader has asked for them."""
    dash = ".optunas-curve .f1,.optunas-curve .trn{stroke-dasharray:5 3}"
    look = ".optunas-curve g{fill:none;stroke-width:2}.optunas-curve circle{stroke:none}"
    dark = _colours(DARK.back, DARK.ink, DARK.muted, DARK.frame, DARK.params, DARK.macs)
    light = _colours(LIGHT.back, LIGHT.ink, LIGHT.muted, "#e3e7ec", LIGHT.params, LIGHT.macs)
    return f"{look}{dash}{light}@media (prefers-color-scheme:dark){{{dark}}}"


def _colours(back: str, ink: str, muted: str, grid: str, share: str, loss: str) -> str:
    rules = {
        ".back": f"fill:{back}",
        "text": f"fill:{muted}",
        ".said": f"fill:{ink}",
        ".grid": f"stroke:{grid}",
        ".acc,{0} .f1": f"stroke:{share}",
        ".val,{0} .trn": f"stroke:{loss}",
        ".acc circle,{0} .f1 circle": f"fill:{share}",
        ".val circle,{0} .trn circle": f"fill:{loss}",
    }
    name = ".optunas-curve"
    return "".join(f"{name} {which.replace('{0}', name)}{{{how}}}" for which, how in rules.items())
