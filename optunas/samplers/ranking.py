"""Which networks did better: one or several objectives, constraints, pruned trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import inf, isnan
from operator import attrgetter

import numpy as np
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optunas.attributes import evaluated
from optunas.samplers.scene import Scene
from optunas.spaces.sight import View


@dataclass(frozen=True)
class Individual:
    """A trial that has a result.

    `order` comes first, the smaller the better: by how much constraints and limits are broken in
    total, then completed before pruned, then pruned late before pruned early (as TPE has it).
    `losses` are the objectives, to be minimised; they decide within equal order.
    """

    number: int
    view: View
    order: tuple[float, int, int]
    losses: tuple[float, ...]

    def beats(self, other: Individual) -> bool:
        """Better, with several objectives: dominates."""
        if self.order != other.order:
            return self.order < other.order
        pairs = list(zip(self.losses, other.losses, strict=True))
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def excess(view: View, trial: FrozenTrial) -> float:
    """By how much limits and constraints are broken in total."""
    return view.over + sum(max(value, 0.0) for value in trial.constraints.values())


def individuals(scene: Scene) -> list[Individual]:
    """The trials with results, by number."""
    directions = scene.study.directions
    found = (_individual(trial, scene, directions) for trial in evaluated(scene.trials))
    return [one for one in found if one is not None]


def _individual(
    trial: FrozenTrial, scene: Scene, directions: Sequence[StudyDirection]
) -> Individual | None:
    view = scene.view_of(trial)
    if view is None:
        return None
    broken = excess(view, trial)
    if trial.state is TrialState.COMPLETE:
        order, values = (broken, 0, 0), trial.values
    elif len(directions) == 1 and trial.intermediate_values:
        step = max(trial.intermediate_values)
        order, values = (broken, 1, -step), [trial.intermediate_values[step]]
    else:
        return None
    signs = [-1 if direction is StudyDirection.MAXIMIZE else 1 for direction in directions]
    losses = (inf if isnan(v) else s * v for s, v in zip(signs, values, strict=True))
    return Individual(trial.number, view, order, tuple(losses))


def ranked(found: Sequence[Individual]) -> list[Individual]:
    """The best first; equal ones by number.

    With several objectives by fronts, none of which dominates another within, and in a front the
    lonely before the crowded (NSGA-II, Deb et al. 2002).
    """
    by_order = sorted(found, key=attrgetter("order", "losses", "number"))
    if not by_order or len(by_order[0].losses) == 1:
        return by_order
    groups = (list(group) for _, group in groupby(by_order, attrgetter("order")))
    return [one for group in groups for one in _by_fronts(group)]


def _by_fronts(group: list[Individual]) -> list[Individual]:
    losses = np.array([one.losses for one in group])
    # dominated[i, j]: i by j
    worse, no_better = losses[:, None] > losses, losses[:, None] >= losses
    dominated = np.asarray(worse.any(2) & no_better.all(2))
    left, ranking = np.arange(len(group)), list[Individual]()
    while len(left):
        front = left[~dominated[np.ix_(left, left)].any(1)]
        ranking += [group[i] for i in front[np.argsort(_crowding(losses[front]), kind="stable")]]
        left = np.setdiff1d(left, front)
    return ranking


def _crowding(losses: np.ndarray) -> np.ndarray:
    """(n, objectives) -> (n,): minus the distance between each one's neighbours in the front."""
    crowding = np.zeros(len(losses))
    for column in losses.T:
        order = np.argsort(column, kind="stable")
        inside = column[order[2:]] - column[order[:-2]]
        span = column[order[-1]] - column[order[0]]
        crowding[order[1:-1]] -= inside / span if 0 < span < inf else 0.0
        crowding[order[[0, -1]]] = -inf
    return crowding
