"""What the networks reached for what they cost, and which of them nobody beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from optuna import Study
from optuna.trial import FrozenTrial

from optunas.attributes import BASELINE, RANDOM, Outcome, outcomes, text
from optunas.insights.reading import (
    Aim,
    aim_of,
    aims,
    default_cost,
    is_feasible,
    last_report,
    limits_of,
    measure,
    trials_of,
    value,
)


@dataclass(frozen=True)
class Point:
    """A network. `value` is None where it was never trained (rejected), and of a pruned one what
    its last epoch came to, which is not comparable with the others.

    `role`: `baseline`, `random draw` or `search`; `outcome`: an `attributes.Outcome`, as text.
    """

    trial: int
    cost: float
    value: float | None
    on_front: bool
    feasible: bool
    role: str
    outcome: str


@dataclass(frozen=True)
class Front:
    """Every finished network whose cost is known, in the order of the trials.

    `cost`: the name of the cost, an attribute or an objective; `limit`: its upper limit, where
    there is one; `value` and `direction` (`maximize`, `minimize`): the objective.
    """

    points: tuple[Point, ...]
    cost: str
    limit: float | None
    value: str
    direction: str
    cost_direction: str = "minimize"

    @property
    def best(self) -> tuple[Point, ...]:
        """The Pareto front, the cheapest first."""
        sign = 1 if self.cost_direction == "minimize" else -1
        return tuple(sorted((p for p in self.points if p.on_front), key=lambda p: sign * p.cost))


def front(
    study: Study, cost: str | None = None, trials: Sequence[FrozenTrial] | None = None
) -> Front:
    """Value against cost, and the Pareto front of what was trained to the end within all limits.

    cost: `params`, `macs`, `latency_ms`, `memory_mb`, `inference_memory_mb`, any numeric user
    attribute, or the name of another objective. By default one that the study aims at, else one
    that it limits, else the parameters.
    """
    trials = trials_of(study, trials)
    aim, every = aim_of(study), aims(study)
    cost = default_cost(study, trials) if cost is None else cost
    priced = next((other for other in every if other.name == cost), None)
    is_more_better = priced is not None and priced.maximise
    ends = outcomes(trials)
    points = [
        _point(trial, found, aim, ends[trial.number])
        for trial in trials
        if trial.number in ends and (found := measure(trial, cost, every)) is not None
    ]
    best = _nondominated(points, aim, -1 if is_more_better else 1)
    return Front(
        tuple(_placed(point, best) for point in points),
        cost,
        limits_of(study, trials).get(cost),
        aim.name,
        aim.direction,
        "maximize" if is_more_better else "minimize",
    )


def _point(trial: FrozenTrial, cost: float, aim: Aim, end: Outcome) -> Point:
    role = text(trial, "role")
    role = role if role in (BASELINE, RANDOM) else "search"
    reached = value(trial, aim)
    if reached is None and end is Outcome.PRUNED:
        reached = last_report(trial, aim)
    return Point(trial.number, cost, reached, False, is_feasible(trial), role, end.value)


def _nondominated(points: Sequence[Point], aim: Aim, sign: int) -> set[int]:
    """The trials that no other beats: nowhere worse, somewhere better."""
    able = [
        (sign * p.cost, aim.sign * p.value, p.trial)
        for p in points
        if p.outcome == Outcome.TRAINED and p.feasible and p.value is not None
    ]
    best, top = set[int](), -inf
    for _, reached, trial in sorted(able, key=lambda one: (one[0], -one[1], one[2])):
        if reached > top:
            best.add(trial)
            top = reached
    return best


def _placed(point: Point, best: set[int]) -> Point:
    if point.trial not in best:
        return point
    return Point(
        point.trial, point.cost, point.value, True, point.feasible, point.role, point.outcome
    )
