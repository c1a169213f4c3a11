"""What a study's page in optuna-dashboard says: a note in GitHub Markdown. No torch.

What stands in the study was written by anybody: it is shown as code, and cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from optuna import Study
from optuna.trial import FrozenTrial

from optunas.attributes import number
from optunas.fingerprint import STRATEGY, command_of, fingerprint_of
from optunas.metrics import DIRECTIONS
from optunas.numeric import is_number
from optunas.report.markdown import code, table, trial_link_from_study
from optunas.report.note import UNITS
from optunas.tally import Tally, best_trials, groups
from optunas.wording import amount, percent, title

SHOWN = 5
LONG = 400
BELOW = "*optunas keeps the text above up to date; what stands below this line is yours.*"
VERSIONS = ("optunas", "optuna", "torch")
SHARES = ("accuracy", "f1")


def study_note(study: Study, trials: Sequence[FrozenTrial], noted: int | None = None) -> str:
    """The note. noted: how many trials have one of their own, where not all have."""
    best = best_trials(study, trials)[:SHOWN]
    parts = [
        _headline(study, trials, best),
        table(("", ""), _facts(study, trials)),
        _best(study, best),
        _compared(study, trials),
        _join(study),
    ]
    if noted is not None and len(trials) > noted:
        parts.append(f"A trial has a note where it is one of the first {noted}, or among the best.")
    return "\n\n".join(part for part in parts if part)


def merged(before: str, note: str) -> str:
    """The note, and below it what a person has written into the one before."""
    above, line, below = before.partition(BELOW)
    theirs = (below if line else above).strip()
    return f"{note}\n\n---\n{BELOW}\n" + (f"\n{theirs}\n" if theirs else "")


def _headline(study: Study, trials: Sequence[FrozenTrial], best: Sequence[FrozenTrial]) -> str:
    tally = Tally.of(trials)
    if not best:
        return f"**No network has been trained to its end yet.** {tally}."
    first = best[0]
    words = [f"{_called(name)} **{_valued(name, v)}**" for name, v in _values(study, first)]
    cost = [f"{amount(v)} {title(n)}" for n in ("params", "macs") if (v := number(first, n))]
    several = f" (one of {len(best_trials(study, trials))} on the front)" if len(words) > 1 else ""
    link = trial_link_from_study(first.number)
    return f"Best so far: trial {link}{several}, {', '.join([*words, *cost])}. {tally}."


def _facts(study: Study, trials: Sequence[FrozenTrial]) -> Iterator[tuple[str, str]]:
    found = fingerprint_of(study)
    yield "aims at", ", ".join(f"{_way(study, i)} {code(n)}" for i, n in enumerate(_names(study)))
    limits = found.get("limits")
    if isinstance(limits, dict) and limits:
        within = [f"{_called(n)} ≤ {_limit(n, v)}" for n, v in limits.items()]
        yield "limits", ", ".join(within[:8])
    for name in ("data", "space"):
        if name in found:
            yield name, code(found[name], LONG)
    choices = found.get("choices")
    if isinstance(choices, dict):
        yield "choices", f"{len(choices)}: {code(', '.join(map(str, choices)), LONG)}"
    for called, part in (("recipe", found.get("recipe")), ("strategy", found.get(STRATEGY))):
        if isinstance(part, dict):
            yield called, code(_pairs(part), LONG)
    versions: dict[str, Any] = {
        name: found[name] for name in ("optunas", "optuna", "torch") if name in found
    }
    if versions:
        yield "versions", code(_pairs(versions))
    seconds = sum(number(trial, "train_seconds") or 0.0 for trial in trials)
    yield "training in all", f"{seconds / 3600:.2f} h" if seconds > 3600 else f"{seconds:.0f} s"


def _best(study: Study, best: Sequence[FrozenTrial]) -> str:
    if not best:
        return ""
    shares = [name for name in SHARES if any(number(t, name) is not None for t in best)]
    costs = [name for name in UNITS if any(number(t, name) is not None for t in best)]
    heads = ["trial", *map(title, shares), *map(title, costs)]
    rows = [
        [
            trial_link_from_study(trial.number),
            *(_valued(name, number(trial, name)) for name in (*shares, *costs)),
        ]
        for trial in best
    ]
    return "**The best**\n\n" + table(heads, rows, numbers=len(heads) - 1)


def _compared(study: Study, trials: Sequence[FrozenTrial]) -> str:
    """The best of the search beside the best hand-made network and random draw."""
    rows = []
    for role, members in groups(trials).items():
        found = best_trials(study, members)[:1]
        for first in found:
            values = ", ".join(_valued(name, value) for name, value in _values(study, first))
            rows.append((role, str(len(members)), trial_link_from_study(first.number), values))
    if len(rows) < 2:
        return ""
    heads = ("proposed by", "trials", "best", ", ".join(code(n) for n in _names(study)))
    return table(heads, rows, numbers=3)


def _join(study: Study) -> str:
    command = command_of(study)
    if command is None:
        return ""
    return f"To join from another machine that reaches the storage, or go on: {code(command, LONG)}"


def _names(study: Study) -> list[str]:
    names = study.metric_names
    return list(names) if names else [f"value {i}" for i in range(len(study.directions))]


def _way(study: Study, place: int) -> str:
    return study.directions[place].name.lower()


def _values(study: Study, trial: FrozenTrial) -> list[tuple[str, float]]:
    return list(zip(_names(study), trial.values or (), strict=False))


def _valued(name: str, value: float | None) -> str:
    if value is None:
        return ""
    if name in SHARES and 0 <= value <= 1:
        return percent(value)
    return amount(value, UNITS.get(name, "")) if name in DIRECTIONS else f"{value:.5g}"


def _called(name: Any) -> str:
    """What a metric or a limit is called, where it is one of ours; else what stands there."""
    return title(name) if isinstance(name, str) and name in DIRECTIONS else code(name, 40)


def _limit(name: Any, value: Any) -> str:
    sound = is_number(value) and abs(value) < 1e18
    return amount(value, UNITS.get(str(name), "")) if sound else code(value, 40)


def _pairs(part: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in part.items() if value not in (None, ""))
