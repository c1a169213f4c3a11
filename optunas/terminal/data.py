"""Data as a person sees it: its classes and splits, and what was found in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from optunas.terminal.tables import table_of

if TYPE_CHECKING:
    from optunas.data import Data, Finding

MOST = 40
"""Classes that are all shown; of more, the largest and the smallest."""

WARNING = "yellow"


def data_lines(data: Data, most: int | None = 200_000) -> Iterator[tuple[str, Text]]:
    """A name and a line each: what the data is, what was left out, what was found.

    most: how many files are compared with each other, as of `optunas.data.findings`.
    """
    from optunas.data import findings
    from optunas.data.listing import printable

    yield "data", Text(printable(data.describe()))
    for note in data.notes:
        yield "", Text(note)
    found = findings(data, most=most)
    yield from (_line(one) for one in found if one.level == "fact")
    yield from (_line(one) for one in found if one.level == "warning")


def data_page(data: Data) -> list[RenderableType]:
    """The images of each class in each split, and everything that `data_lines` tells."""
    rows = Table.grid(padding=(0, 2))
    for name, line in data_lines(data, most=None):
        rows.add_row(name, line)
    return [class_table(data), rows]


def class_table(data: Data) -> Table:
    """A row for each class with its images in each split, and one for all."""
    from optunas.data.finding import PARTS, Whole

    whole = Whole(data)
    table = table_of("", (*PARTS, "all"), ("class",))
    totals = whole.counts.sum(axis=0)
    for label in _shown(list(map(int, totals))):
        if label is None:
            table.add_row(Text(f"and {len(totals) - MOST:,} more"), *[""] * 4)
        else:
            numbers = (*whole.counts[:, label], totals[label])
            table.add_row(Text(whole.class_name(label)), *(f"{n:,}" for n in numbers))
    sums = (*whole.counts.sum(axis=1), totals.sum())
    table.add_section()
    table.add_row("all", *(f"{n:,}" for n in sums))
    return table


def _shown(totals: list[int]) -> list[int | None]:
    """The classes to show, in their order; of many the largest and the smallest, None between."""
    if len(totals) <= MOST:
        return list(range(len(totals)))
    order = sorted(range(len(totals)), key=lambda label: -totals[label])
    return [*order[: MOST // 2], None, *order[-MOST // 2 :]]


def _line(one: Finding) -> tuple[str, Text]:
    return ("warning", Text(one.line, WARNING)) if one.level == "warning" else ("", Text(one.line))
