"""Two trials side by side: what is better, what it costs, and what was changed for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from optuna.trial import FrozenTrial
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from optunas.attributes import outcome, text
from optunas.insights.difference import Change, Difference, Gap, LayerLine, difference
from optunas.terminal.tables import table_of
from optunas.wording import amount, by, change, count, plain, setting, title

STYLES = {"-": "red", "+": "green", "=": ""}
LAYER_LENGTH = 400  # signs of one layer; a cell of a graph can be longer


def comparison_page(one: FrozenTrial, other: FrozenTrial) -> Iterator[RenderableType]:
    """The parts of the page, from top to bottom."""
    found = difference(one, other)
    yield _head(one, other, found)
    if found.scores or found.costs:
        yield _numbers(found)
    yield _layers(found)
    yield from _settings("Parameters that differ", found.parameters, found)
    if found.parameters:
        yield Text(f"{found.alike} more are equal, or of stages that neither has.", "italic")
    else:
        yield Text(f"All {found.alike} parameters are equal." if found.alike else "No parameters.")
    yield from _settings("Recipe: what differs", found.recipe, found)


def _head(one: FrozenTrial, other: FrozenTrial, found: Difference) -> Text:
    networks = {True: "the same network", False: "different networks", None: ""}
    same = networks[found.same_network]
    return Text(
        f"Trial {one.number} ({_kind(one)}) and trial {other.number} ({_kind(other)})"
        + (f": {same}" if same else ""),
        "bold",
    )


def _kind(trial: FrozenTrial) -> str:
    end = outcome(trial)
    state = end.value if end is not None else trial.state.name.lower()
    role = text(trial, "role")
    return f"{role}, {state}" if role else state


def _numbers(found: Difference) -> Table:
    table = table_of("", (*_names(found), "difference"), ("",))
    for gap in (*found.scores, *found.costs):
        table.add_row(title(gap.name), *_cells(gap))
    return table


def _cells(gap: Gap) -> tuple[str, str, str]:
    said = change(gap.one, gap.other, gap.unit)
    return amount(gap.one, gap.unit), amount(gap.other, gap.unit), said


def _names(found: Difference) -> tuple[str, str]:
    return f"trial {found.one}", f"trial {found.other}"


def _layers(found: Difference) -> RenderableType:
    if found.layers is None:
        return Text(f"The networks can't be held against each other: {plain(found.unread)}")
    table = table_of(
        f"Layers: - only trial {found.one}, + only trial {found.other}",
        ("output", "params", "MACs"),
        ("", "layer"),
    )
    for line in found.layers:
        table.add_row(*_line(line), style=STYLES[line.mark])
    return table


def _line(line: LayerLine) -> tuple[Text | str, ...]:
    row, mark = line.row, line.mark.replace("=", " ")
    layer = plain(str(row.layer), LAYER_LENGTH)
    return mark, Text(layer), by(row.output_shape), f"{row.params:,}", count(row.macs)


def _settings(name: str, changes: Sequence[Change], found: Difference) -> Iterator[RenderableType]:
    if changes:
        table = table_of(name, (), ("name", *_names(found)))
        for one in changes:
            table.add_row(Text(plain(one.name)), Text(setting(one.one)), Text(setting(one.other)))
        yield table
