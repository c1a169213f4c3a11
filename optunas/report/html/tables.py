"""Tables of the page: numbers with their units, only the columns that say something."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from optuna import Study
from optuna.trial import FrozenTrial

from optunas.attributes import number, text
from optunas.insights.reading import aims
from optunas.tally import best_trials
from optunas.wording import COUNT, SHARE, amount, plain, title

BEST = 10
HEAD = 40  # signs of the name of a column
SHARES = ("accuracy", "f1")
PRICES = {"params": "", "macs": COUNT}
UNITS = {"latency_ms": "ms", "inference_memory_mb": "MiB", "memory_mb": "MiB", "train_seconds": "s"}
ROLES = {"baseline": "hand-made", "random draw": "random draw"}

Cell = Callable[[FrozenTrial], str]


@dataclass(frozen=True)
class Table:
    """Rows under their heads; the first `words` columns are words, the others numbers."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1
    title: str = ""


def best_table(study: Study, trials: Sequence[FrozenTrial]) -> Table:
    """The best networks; with several objectives the Pareto front, by the first of them."""
    several = len(study.directions) > 1
    best = best_trials(study, trials)[:BEST]
    columns = {
        name: cell for name, cell in cells(study).items() if any(cell(trial) for trial in best)
    }
    rows = tuple(
        (role(trial), str(trial.number), *(cell(trial) for cell in columns.values()))
        for trial in best
    )
    heads = ("from", "trial", *columns)
    return Table(heads, rows, title="The Pareto front" if several else "The best networks")


def cells(study: Study) -> dict[str, Cell]:
    """What is known of a trial, by the name of the column."""
    columns: dict[str, Cell] = {}
    for aim in aims(study):
        if aim.name not in (*SHARES, "params", "macs", *UNITS):
            columns[plain(aim.name, HEAD)] = _value(aim.index)
    for name in SHARES:
        columns[title(name)] = _attribute(name, SHARE)
    columns[title("params")] = _attribute("params")
    columns[title("macs")] = _attribute("macs", COUNT)
    for name, unit in UNITS.items():
        columns[title(name)] = _attribute(name, unit)
    return columns


def role(trial: FrozenTrial) -> str:
    """Who proposed it: hand-made, a random draw, or the search."""
    return ROLES.get(text(trial, "role"), "search")


def told_value(study: Study, trial: FrozenTrial) -> str:
    """A trial's values with their names: `accuracy 98.89 %`, or `value 0.031`."""
    values = trial.values or ()
    return ", ".join(
        f"{plain(aim.name)} {amount(values[aim.index], SHARE if aim.name in SHARES else '')}"
        for aim in aims(study)
        if aim.index < len(values)
    )


def cost(trial: FrozenTrial) -> str:
    """`4,482 parameters, 89.6 k MACs`, as far as they are known."""
    known = [(name, amount(number(trial, name), unit)) for name, unit in PRICES.items()]
    return ", ".join(f"{said} {title(name)}" for name, said in known if said)


def _value(index: int) -> Cell:
    def cell(trial: FrozenTrial) -> str:
        return amount(trial.values[index]) if index < len(trial.values or ()) else ""

    return cell


def _attribute(name: str, unit: str = "") -> Cell:
    return lambda trial: amount(number(trial, name), unit)
