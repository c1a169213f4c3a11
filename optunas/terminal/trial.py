"""One trial, whole: how it ended, its network layer by layer, its learning curve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any

from optuna.trial import FrozenTrial
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from optunas.architecture import Row
from optunas.attributes import CURVE, continues, number, outcome, promoted_after, promotes, text
from optunas.described import described
from optunas.errors import OptunasError
from optunas.terminal.tables import table_of
from optunas.wording import by, count, percent, plain, setting

FACTS = ("reason", "role", "key", "device", "engine", "seed", "reused_from")
MEASURES = {
    "latency_ms": ("latency", "ms"),
    "inference_memory_mb": ("memory", "MiB for one image"),
    "memory_mb": ("memory", "MiB in training"),
    "train_seconds": ("training", "s"),
}
BAR = 12


def trial_page(trial: FrozenTrial) -> Iterator[RenderableType]:
    """The parts of the page, from top to bottom."""
    yield _head(trial)
    yield _facts(trial)
    yield from _network(trial)
    if trial.user_attrs.get("curve"):
        yield _curve(trial.user_attrs["curve"])
    yield Text("Parameters (those of absent stages and blocks are ignored)", "italic")
    yield _params(trial)


def _head(trial: FrozenTrial) -> Text:
    end = outcome(trial)
    values = ", ".join(f"{value:.5g}" for value in trial.values or ())
    state = end.value if end is not None else trial.state.name.lower()
    return Text(f"Trial {trial.number}: {state}" + (f", value {values}" if values else ""), "bold")


def _facts(trial: FrozenTrial) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, value in _costs(trial):
        table.add_row(name, value)
    for name in FACTS:
        if text(trial, name):
            table.add_row(name.replace("_", " "), Text(text(trial, name)))
    if continues(trial):
        table.add_row("continues", f"trial {continues(trial)[-1]}")
    if promotes(trial) is not None:
        after = promoted_after(trial)
        table.add_row("promotes", f"trial {promotes(trial)}, which was stopped after epoch {after}")
    recipe = trial.user_attrs.get("recipe")
    if isinstance(recipe, dict):
        said = ", ".join(f"{name} {value}" for name, value in recipe.items() if value is not None)
        table.add_row("recipe", Text(said))
    return table


def _costs(trial: FrozenTrial) -> Iterator[tuple[str, str]]:
    for name in ("accuracy", "f1"):
        share = number(trial, name)
        if share is not None:
            yield name, percent(share)
    for name in ("params", "macs"):
        amount = number(trial, name)
        if amount is not None:
            yield name, f"{amount:,}" + _margin(trial, name)
    for name, (what, unit) in MEASURES.items():
        amount = number(trial, name)
        if amount is not None:
            said = f"{amount:,.0f}" if amount >= 100 else f"{amount:.3g}"
            spread = _spread(trial) if name == "latency_ms" else ""
            yield what, f"{said} {unit}{spread}{_margin(trial, name)}"


def _margin(trial: FrozenTrial, name: str) -> str:
    """How far the cost is from its limit, where it has one."""
    over = number(trial, f"margin.{name}")
    if over is None or not isfinite(over):
        return ""
    if over == 0:
        return " (at its limit)"
    return f" ({100 * abs(over):.3g} % {'over' if over > 0 else 'below'} its limit)"


def _spread(trial: FrozenTrial) -> str:
    """How sure the latency is, and of how many images."""
    spread, batch = number(trial, "latency_iqr_ms"), number(trial, "latency_batch")
    return "" if spread is None or batch is None else f" (IQR {spread:.2g}, batch {batch:g})"


def _network(trial: FrozenTrial) -> Iterator[RenderableType]:
    if "architecture" not in trial.user_attrs:
        return
    try:
        network = described(trial)
        rows = network.rows()
    except OptunasError as error:
        yield Text(plain(error))
        return
    table = table_of("Network", ("output", "params", "MACs"), ("layer",))
    table.add_row("input", by(network.input_shape), "", "")
    for row in rows:
        table.add_row(
            Text(str(row.layer)), by(row.output_shape), f"{row.params:,}", count(row.macs)
        )
    table.add_row("in all", "", *_sums(rows), style="bold")
    yield table


def _sums(rows: Sequence[Row]) -> tuple[str, str]:
    return f"{sum(row.params for row in rows):,}", count(sum(row.macs for row in rows))


def _curve(curve: Any) -> RenderableType:
    names = ("epoch", "train loss", "loss", "accuracy", "F1", "seconds")
    table = table_of("Learning curve (validation)", names)
    table.add_column("")
    try:
        for epoch, row in enumerate(curve, start=1):
            train_loss, loss, accuracy, f1, seconds = (float(value) for value in row)
            bar = "█" * round(BAR * min(1.0, max(0.0, accuracy)))
            numbers = (percent(accuracy), percent(f1), f"{seconds:.2f}", bar)
            table.add_row(str(epoch), f"{train_loss:.4f}", f"{loss:.4f}", *numbers)
    except (TypeError, ValueError):
        return Text(f"its learning curve can't be read: it is no list of {', '.join(CURVE)}")
    return table


def _params(trial: FrozenTrial) -> Table:
    table = table_of("", (), ("name", "value"))
    for name, value in trial.params.items():
        table.add_row(Text(plain(name)), Text(setting(value)))
    return table
