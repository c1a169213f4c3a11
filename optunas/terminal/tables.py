"""Tables of what a search found."""

from __future__ import annotations

from collections.abc import Sequence

from optuna import Study
from optuna.trial import FrozenTrial
from rich.table import Table
from rich.text import Text

from ..attributes import Outcome, evaluated, number, outcome, text
from ..tally import Tally, best_trials, groups

SHOWN = 5


def best_table(study: Study, trials: Sequence[FrozenTrial], shown: int = SHOWN) -> Table:
    """The best networks (with several objectives: the Pareto front) with what they cost."""
    several = len(study.directions) > 1
    extra = [
        name
        for name in ("latency_ms", "memory_mb")
        if any(number(trial, name) is not None for trial in trials)
    ]
    table = Table(
        title="The Pareto front" if several else "The best networks", title_justify="left"
    )
    for name in ("trial", "accuracy", "F1", "parameters", "MACs", *extra, "training", "from"):
        table.add_column(name, justify="left" if name == "from" else "right")
    for trial in best_trials(study, trials)[:shown]:
        table.add_row(
            str(trial.number),
            *(_share(trial, name) for name in ("accuracy", "f1")),
            *(_cost(trial, name) for name in ("params", "macs")),
            *(_plain(trial, name) for name in extra),
            _seconds(trial),
            Text(text(trial, "role") or "search"),
        )
    return table


def comparison_table(study: Study, trials: Sequence[FrozenTrial]) -> Table:
    """The search beside its baselines: the same recipe, in the same study."""
    table = Table(title="The search and its baselines", title_justify="left")
    for name in ("", "trials", "best", "accuracy", "F1", "parameters", "MACs", "training in all"):
        table.add_column(name, justify="right" if name else "left")
    names = {"baseline": "hand-made network", "random draw": "random draws", "search": "search"}
    for role, members in groups(trials).items():
        tried = evaluated(members)
        if not tried:
            continue
        best = next(iter(best_trials(study, members)), None)
        seconds = sum(
            number(t, "train_seconds") or 0 for t in tried if outcome(t) is not Outcome.REUSED
        )
        cells = ("", "", "", "", "") if best is None else (
            f"trial {best.number}",
            *(_share(best, name) for name in ("accuracy", "f1")),
            *(_cost(best, name) for name in ("params", "macs")),
        )  # fmt: skip
        table.add_row(names[role], str(len(tried)), *cells, f"{seconds:,.0f} s")
    return table


def status_table(studies: Sequence[Study]) -> Table:
    """One line a study: where it stands."""
    table = Table()
    for name in ("study", "finished", "trials", "best", "accuracy", "parameters"):
        table.add_column(name, justify="right" if name in ("finished", "accuracy") else "left")
    for study in studies:
        trials = study.get_trials(deepcopy=False)
        tally = Tally.of(trials)
        best = next(iter(best_trials(study, trials)), None)
        cells = ("", "", "") if best is None else (
            f"trial {best.number}", _share(best, "accuracy"), _cost(best, "params")
        )  # fmt: skip
        table.add_row(Text(study.study_name), str(tally.finished), str(tally), *cells)
    return table


def count(value: float) -> str:
    """A large number as a person says it: 48.7 k, 1.40 M."""
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f}"


def percent(share: float) -> str:
    """A share of one as a percentage: 98.61 %."""
    return f"{100 * share:.2f} %"


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
