"""What the insights read of a study: which trials count, the value aimed at, the costs.

Whatever stands in a study was written by somebody else, so it is read as `attributes.number` and
`attributes.text` read it: what is no finite number is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from optuna import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optunas.attributes import CURVE, Outcome, number, outcome
from optunas.fingerprint import fingerprint_of
from optunas.metrics import DIRECTIONS, LEARNED
from optunas.numeric import is_number, is_whole
from optunas.pruners.reports import reported

COSTS = ("latency_ms", "memory_mb", "inference_memory_mb", "macs", "params")
"""What a network may cost; where several are limited, the first of these is drawn."""

NAME_LENGTH = 200


@dataclass(frozen=True)
class Aim:
    """The objective that the insights speak of: its place, its name, which way it is better."""

    index: int
    name: str
    maximise: bool

    @property
    def sign(self) -> int:
        """1 where more is better, or else -1."""
        return 1 if self.maximise else -1

    @property
    def direction(self) -> str:
        """`maximize` or `minimize`, as Optuna says it."""
        return "maximize" if self.maximise else "minimize"


def trials_of(study: Study, trials: Sequence[FrozenTrial] | None) -> Sequence[FrozenTrial]:
    """The trials given, or else all of the study's."""
    return study.get_trials(deepcopy=False) if trials is None else trials


def aims(study: Study) -> list[Aim]:
    """Every objective of the study: named by the study, by its fingerprint, or by its place."""
    ways = study.directions
    names: Any = study.metric_names or fingerprint_of(study).get("metrics")
    if not isinstance(names, list) or len(names) != len(ways):
        names = ["value"] if len(ways) == 1 else [f"objective {n}" for n in range(1, len(ways) + 1)]
    pairs = zip(names, ways, strict=True)
    return [
        Aim(i, str(name)[:NAME_LENGTH], way is StudyDirection.MAXIMIZE)
        for i, (name, way) in enumerate(pairs)
    ]


def aim_of(study: Study) -> Aim:
    """The objective that is learned (accuracy, F1), or else the first one."""
    every = aims(study)
    return next((aim for aim in every if aim.name in LEARNED), every[0])


def value(trial: FrozenTrial, aim: Aim) -> float | None:
    """What a completed trial came to; None for any other, and for what is no finite number."""
    if trial.state is not TrialState.COMPLETE or not trial.values:
        return None
    if aim.index >= len(trial.values) or not isfinite(trial.values[aim.index]):
        return None
    return float(trial.values[aim.index])


def last_report(trial: FrozenTrial, aim: Aim) -> float | None:
    """The value at the last epoch that was reported, of whatever trial; None where none was."""
    steps = reports(trial, aim)
    return steps[max(steps)] if steps else None


def reports(trial: FrozenTrial, aim: Aim) -> dict[int, float]:
    """The value after each epoch that was reported, without those that are no finite number."""
    found: dict[int, float] = {}
    for step, row in reported(trial).items():
        if aim.index < len(row) and isfinite(row[aim.index]):
            found[step] = float(row[aim.index])
    return found


def is_feasible(trial: FrozenTrial) -> bool:
    """Whether the trial is within all its limits."""
    return all(margin <= 0 for margin in trial.constraints.values())


def trained(trials: Sequence[FrozenTrial], aim: Aim) -> list[FrozenTrial]:
    """The networks that were trained to the end here and now, and came to a finite value.

    A reused result is the same measurement once more, so it does not count again.
    """
    return [t for t in trials if outcome(t) is Outcome.TRAINED and value(t, aim) is not None]


def measure(trial: FrozenTrial, name: str, every: Sequence[Aim] = ()) -> float | None:
    """A cost by its name: a user attribute, or the objective of that name; None where unknown."""
    found = number(trial, name)
    if found is None:
        aim = next((aim for aim in every if aim.name == name), None)
        found = value(trial, aim) if aim is not None else None
    return float(found) if found is not None and isfinite(found) else None


def limits_of(study: Study, trials: Sequence[FrozenTrial] = ()) -> dict[str, float]:
    """The limits by name: as the study's fingerprint has them, or as the trials' margins imply.

    A margin is `cost / limit - 1` (`Limits.margins`).
    """
    stored = fingerprint_of(study).get("limits")
    limits = dict(stored) if isinstance(stored, dict) else {}
    known = {name: float(limits[name]) for name in COSTS if _is_limit(limits.get(name))}
    for name in COSTS:
        implied = None if name in known else _implied(trials, name)
        if implied is not None:
            known[name] = implied
    return known


def default_cost(study: Study, trials: Sequence[FrozenTrial]) -> str:
    """The cost to look at: one that is aimed at, one that is limited, or else the parameters."""
    main, every = aim_of(study), aims(study)
    others = [aim.name for aim in every if aim is not main and aim.index != main.index]
    limited = [name for name in COSTS if name in limits_of(study, trials)]
    wanted = [n for n in others if DIRECTIONS.get(n) == "minimize"] + others + limited + ["params"]
    known = [name for name in wanted if any(measure(t, name, every) is not None for t in trials)]
    return (known or wanted[-1:])[0]


def curve(trial: FrozenTrial, column: str) -> list[float]:
    """A column of the learning curve, an epoch each; empty where it can't be read."""
    rows = trial.user_attrs.get("curve")
    place = CURVE.index(column)
    try:
        numbers = [float(row[place]) for row in rows] if isinstance(rows, list) else []
    except (TypeError, ValueError, LookupError):
        return []
    return numbers if all(map(isfinite, numbers)) else []


def epochs_of(trial: FrozenTrial) -> int | None:
    """How many epochs a full training of this trial takes, as its recipe says."""
    recipe = trial.user_attrs.get("recipe")
    epochs = recipe.get("epochs") if isinstance(recipe, dict) else None
    return epochs if is_whole(epochs) and epochs < 10**6 else None


def _implied(trials: Sequence[FrozenTrial], name: str) -> float | None:
    for trial in trials:
        cost, margin = number(trial, name), number(trial, f"margin.{name}")
        if cost is not None and margin is not None and margin > -1:
            limit = cost / (1 + margin)
            if _is_limit(limit):
                return float(f"{limit:.9g}")
    return None


def _is_limit(found: Any) -> bool:
    return is_number(found) and found > 0
