"""Tables of what a search found. Numbers are never cut; on a narrow terminal the words wrap."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from optuna import Study
from optuna.trial import FrozenTrial
from rich import box
from rich.table import Table
from rich.text import Text

from optunas.attributes import Outcome, evaluated, number, outcome, text
from optunas.proxies.agreement import correlations
from optunas.proxies.names import SIZES
from optunas.tally import Tally, best_trials, groups
from optunas.wording import count, percent

SHOWN = 5
ROLES = {"baseline": "hand-made", "random draw": "random draws", "search": "search"}

Cell = Callable[[FrozenTrial], str]


def table_of(title: str, numbers: Sequence[str], words: Sequence[str] = ()) -> Table:
    """An empty table whose columns of numbers keep their width; words, on the left, wrap."""
    table = Table(
        title=title or None, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for name in words:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def best_table(study: Study, trials: Sequence[FrozenTrial], shown: int = SHOWN) -> Table:
    """The best networks (with several objectives: the Pareto front) with what they cost."""
    several = len(study.directions) > 1
    best = best_trials(study, trials)[:shown]
    columns = _columns(study, best)
    title = "The Pareto front" if several else "The best networks"
    table = table_of(title, ("trial", *columns), ("from",))
    for trial in best:
        cells = (cell(trial) for cell in columns.values())
        table.add_row(Text(text(trial, "role") or "search"), str(trial.number), *cells)
    return table


def comparison_table(study: Study, trials: Sequence[FrozenTrial]) -> Table:
    """The search beside its baselines: the same recipe, in the same study."""
    members = {role: found for role, found in groups(trials).items() if evaluated(found)}
    best = {role: next(iter(best_trials(study, found)), None) for role, found in members.items()}
    known = [trial for trial in best.values() if trial is not None]
    columns = {n: c for n, c in _columns(study, known).items() if n not in _NOT_COMPARED}
    title = "The search and its baselines"
    table = table_of(title, ("trials", "best", *columns, "training"), ("",))
    for role, found in members.items():
        trial = best[role]
        cells = [""] * (1 + len(columns))
        if trial is not None:
            cells = [str(trial.number), *(cell(trial) for cell in columns.values())]
        seconds = f"{_seconds_in_all(found):,.0f} s"
        table.add_row(ROLES[role], str(len(evaluated(found))), *cells, seconds)
    return table


def proxy_table(study: Study) -> Table | None:
    """How well each zero-cost proxy ranked the study's networks; None where none was asked."""
    found = correlations(study)
    if all(one.proxy in SIZES for one in found):
        return None
    table = table_of("Proxies: rank correlation with the aim", ("rho", "95 %", "networks"), ("",))
    for one in found:
        interval = f"{one.low:.2f} .. {one.high:.2f}"
        table.add_row(one.proxy, f"{one.rho:.2f}", interval, str(one.networks))
    return table


_NOT_COMPARED = ("training", "latency\nms", "memory\nMiB")


def status_table(studies: Sequence[Study]) -> Table:
    """One line a study: where it stands."""
    table = table_of("", ("finished", "best", "value", "params"), ("study", "trials"))
    for study in studies:
        trials = study.get_trials(deepcopy=False)
        tally = Tally.of(trials)
        best = next(iter(best_trials(study, trials)), None)
        cells = ("", "", "") if best is None else (
            str(best.number), _values(best), _cost(best, "params")
        )  # fmt: skip
        table.add_row(Text(study.study_name), str(tally), str(tally.finished), *cells)
    return table


def _columns(study: Study, trials: Sequence[FrozenTrial]) -> dict[str, Cell]:
    """The columns that say something of these trials; their values, where nothing else does."""
    columns: dict[str, Cell] = {
        "accuracy": lambda t: _share(t, "accuracy"),
        "F1": lambda t: _share(t, "f1"),
        "params": lambda t: _cost(t, "params"),
        "MACs": lambda t: _cost(t, "macs"),
        "latency\nms": lambda t: _plain(t, "latency_ms"),
        "memory\nMiB": lambda t: _plain(t, "memory_mb"),
        "training": lambda t: _seconds(t),
    }
    telling = {name: cell for name, cell in columns.items() if any(map(cell, trials))}
    if "accuracy" not in telling:
        names = study.metric_names or (["value"] if len(study.directions) == 1 else ["values"])
        return {", ".join(names): _values, **telling}
    return telling


def _seconds_in_all(trials: Sequence[FrozenTrial]) -> float:
    return sum(
        number(trial, "train_seconds") or 0
        for trial in evaluated(trials)
        if outcome(trial) is not Outcome.REUSED
    )


def _share(trial: FrozenTrial, name: str) -> str:
    value = number(trial, name)
    return "" if value is None else percent(value)


def _cost(trial: FrozenTrial, name: str) -> str:
    value = number(trial, name)
    return "" if value is None else count(value)


def _plain(trial: FrozenTrial, name: str) -> str:
    value = number(trial, name)
    return "" if value is None else f"{value:.3g}"


def _seconds(trial: FrozenTrial) -> str:
    value = number(trial, "train_seconds")
    return "" if value is None else f"{value:,.1f} s"


def _values(trial: FrozenTrial) -> str:
    return ", ".join(f"{value:.4g}" for value in trial.values or ())
