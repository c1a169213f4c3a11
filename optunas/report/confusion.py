"""The confusion matrix of a network, as a picture (SVG). No torch."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from optunas.architecture.picture.palette import DARK, LIGHT
from optunas.architecture.picture.svg import FONT
from optunas.architecture.picture.text import clipped, printable, width

Matrix = Sequence[Sequence[int]]
"""matrix[true class][answer] = images"""

MOST = 20  # classes that find room; of more the most confused are shown
CELL = 34
NAME_ROOM = 110.0


def confusion_svg(matrix: Matrix, classes: Sequence[str]) -> str:
    """Rows: what an image is; columns: what the network answered; a cell's shade: its share of the
    row. Of more than 20 classes those are shown whose images are mistaken most often."""
    shown = most_confused(matrix, MOST)
    names = [clipped(printable(classes[i][:80]), "words", NAME_ROOM) for i in shown]
    side = CELL * len(shown)
    room = max(width(name, "words") for name in names) + 12
    left, top = room + 20, room + 44
    size = f'width="{left + side + 14:.0f}" height="{top + side + 14:.0f}"'
    box = f'viewBox="0 0 {left + side + 14:.0f} {top + side + 14:.0f}"'
    cells = "".join(_row(matrix, shown, place, left, top) for place in range(len(shown)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} role="img" '
        f'class="optunas-confusion" font-family="{escape(FONT, {chr(34): "&quot;"})}" '
        f'font-size="11"><title>Confusion matrix</title><style>{_style()}</style>'
        f'<rect class="back" width="100%" height="100%" rx="8"/>'
        f'<text class="head" x="14" y="22">{escape(_said(matrix, shown))}</text>'
        f"{_names(names, left, top)}{cells}</svg>"
    )


def most_confused(matrix: Matrix, most: int) -> list[int]:
    """The classes, or those `most` that take part in most mistakes, in their order."""
    if len(matrix) <= most:
        return list(range(len(matrix)))
    wrong = [
        sum(row) + sum(other[i] for other in matrix) - 2 * row[i] for i, row in enumerate(matrix)
    ]
    return sorted(sorted(range(len(matrix)), key=lambda i: (-wrong[i], i))[:most])


def f1_by_class(matrix: Matrix) -> list[float | None]:
    """The F1 of each class; None for one that occurs neither in the labels nor in the answers."""
    answered = [sum(column) for column in zip(*matrix, strict=True)]
    occurs = [sum(row) + given for row, given in zip(matrix, answered, strict=True)]
    return [2 * matrix[i][i] / n if n else None for i, n in enumerate(occurs)]


def _said(matrix: Matrix, shown: Sequence[int]) -> str:
    part = "" if len(shown) == len(matrix) else f" ({len(shown)} of {len(matrix)} classes)"
    return f"row: image, column: answer{part}"


def _names(names: Sequence[str], left: float, top: float) -> str:
    parts = []
    for place, name in enumerate(names):
        middle = place * CELL + CELL / 2
        x, y = left + middle + 4, top - 8
        parts.append(
            f'<text x="{left - 8:.1f}" y="{top + middle + 4:.1f}" text-anchor="end">'
            f"{escape(name)}</text>"
            f'<text transform="translate({x:.1f} {y:.1f}) rotate(-90)">{escape(name)}</text>'
        )
    return "".join(parts)


def _row(matrix: Matrix, shown: Sequence[int], place: int, left: float, top: float) -> str:
    row = matrix[shown[place]]
    images = max(sum(row), 1)
    y = top + place * CELL
    parts = []
    for column, answer in enumerate(shown):
        count, x = row[answer], left + column * CELL
        kind = "right" if shown[place] == answer else "wrong"
        share = count / images
        parts.append(
            f'<rect class="cell" x="{x:.1f}" y="{y:.1f}" width="{CELL}" height="{CELL}"/>'
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{CELL}" height="{CELL}" '
            f'fill-opacity="{share**0.5:.2f}"/>'
        )
        if count:
            look = "full" if share**0.5 > 0.55 else "count"
            text = str(count) if count < 10_000 else f"{count / 1000:.0f}k"
            parts.append(
                f'<text class="{look}" x="{x + CELL / 2:.1f}" y="{y + CELL / 2 + 4:.1f}" '
                f'text-anchor="middle">{text}</text>'
            )
    return "".join(parts)


def _style() -> str:
    light = _colours(LIGHT.back, LIGHT.ink, LIGHT.frame, LIGHT.params, LIGHT.macs, "#ffffff")
    dark = _colours(DARK.back, DARK.ink, DARK.frame, DARK.params, DARK.macs, "#12161c")
    return f"{light}@media (prefers-color-scheme:dark){{{dark}}}"


def _colours(back: str, ink: str, cell: str, right: str, wrong: str, full: str) -> str:
    rules = {
        ".back": f"fill:{back}",
        "text": f"fill:{ink}",
        ".head": "font-size:12px;font-weight:600",
        ".cell": f"fill:{cell};stroke:{back}",
        ".right": f"fill:{right}",
        ".wrong": f"fill:{wrong}",
        ".full": f"fill:{full}",
    }
    return "".join(f".optunas-confusion {name}{{{rule}}}" for name, rule in rules.items())
