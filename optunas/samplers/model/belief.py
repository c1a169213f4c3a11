"""What the model expects of a network, from the results of this study and of earlier ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optunas.ranks import Array, spearman
from optunas.samplers.model.acquisition import (
    area_gain,
    log_expected_improvement,
    log_feasibility,
    log_sampled_improvement,
)
from optunas.samplers.model.encoding import Encoder
from optunas.samplers.model.gaussian import Points, Posterior, fit, joined
from optunas.samplers.model.history import History
from optunas.samplers.model.prior import Prior
from optunas.samplers.model.targets import Weighting
from optunas.spaces.sight import View

ALIKE, WEIGHT = 0.8, 5.0
"""How well earlier studies are supposed to rank, and how many results that is worth."""
WORST = -3.0  # a normal score that is below all


class Belief:
    """A posterior for each objective and each constraint. `others` show which features there are
    to come."""

    def __init__(
        self, history: History, prior: Prior, weighting: Weighting, others: Sequence[View]
    ) -> None:
        self._history, self._prior, self._weighting = history, prior, weighting
        self._encode = Encoder([*history.views, *prior.views], others)
        self._own = self._points(history.views)
        objectives = range(len(weighting.weights))
        self._merits = [self._with_running(self._learn(i)) for i in objectives]
        self._known = self._believed()
        self._best = float(weighting(self._known).max())
        self._constraints = [self._learn_constraint(name) for name in self._violated()]

    def promise(self, views: Sequence[View]) -> Array:
        """(n,) numbers, the greater the better worth a training."""
        points = self._points(views)
        merits = [posterior.at(points) for posterior in self._merits]
        if len(merits) == 1:
            value = log_expected_improvement(*merits[0], self._best)
        else:
            means, deviations = (np.stack(part, axis=-1) for part in zip(*merits, strict=True))
            value = log_sampled_improvement(means, deviations, self._gain)
        for posterior, zero in self._constraints:
            mean, deviation = posterior.at(points)
            value = value + log_feasibility(mean - zero, deviation)
        known = len(self._history.views)
        pulls = np.array([self._prior.pull(view, known) for view in views])
        return np.asarray(value + pulls)

    def _points(self, views: Sequence[View], task: int = 0) -> Points:
        return Points(self._encode(views), np.full(len(views), task))

    def _learn(self, objective: int) -> Posterior:
        own = self._own
        targets = self._history.targets[:, objective]
        extra = np.array([result.extra for result in self._history.results])
        sources = self._prior.sources
        if not sources:
            return fit(own, targets, extra)
        before = joined([self._points(s.views, i + 1) for i, s in enumerate(sources)])
        told = np.concatenate([source.targets[:, objective] for source in sources])
        tasks, sure = len(sources) + 1, np.zeros(len(told))
        earlier = fit(before, told, sure, tasks)
        if len(own) == 0:
            return earlier
        placed = _placed(targets, earlier.at(own)[0])
        return fit(
            joined([own, before]),
            np.concatenate([placed, told]),
            np.concatenate([extra, sure]),
            tasks,
            earlier.numbers,
        )

    def _with_running(self, posterior: Posterior) -> Posterior:
        """Networks in training count as what is expected of them: nobody looks beside them."""
        running = self._history.running
        if not running:
            return posterior
        points = self._points(running)
        return posterior.knowing(points, posterior.at(points)[0])

    def _gain(self, targets: Array) -> Array:
        """Of two objectives the area that a network adds to the front, of more a weighted sum."""
        if targets.shape[-1] == 2:
            return area_gain(targets, self._known, WORST)
        return self._weighting(targets) - self._best

    def _believed(self) -> Array:
        """(n, objectives): what is believed of the networks with a result; noise does not count."""
        history, sources = self._history, self._prior.sources
        known = [v for v, feasible in zip(history.views, history.feasible, strict=True) if feasible]
        known = known or list(history.views) or [v for source in sources for v in source.views]
        points = self._points(known)
        return np.stack([posterior.at(points)[0] for posterior in self._merits], axis=-1)

    def _violated(self) -> list[str]:
        """Constraints that some network broke; what arithmetic can tell was seen before."""
        told = self._history.constraints
        return sorted({name for one in told for name, value in one.items() if value > 0})

    def _learn_constraint(self, name: str) -> tuple[Posterior, float]:
        """A posterior of the standardised constraint, and where its zero lies."""
        told = [
            (view, one[name])
            for view, one in zip(self._history.views, self._history.constraints, strict=True)
            if name in one
        ]
        values = np.array([value for _, value in told])
        middle, spread = values.mean(), values.std() or 1.0
        points = self._points([view for view, _ in told])
        posterior = fit(points, (values - middle) / spread, np.zeros(len(told)))
        return posterior, float(-middle / spread)


def _placed(targets: Array, expected: Array) -> Array:
    """This study's targets where the earlier ones expect these networks.

    Targets are ranks within a study. What a warm start proposes first is among the best of the
    earlier study, so that the worst of it is far from bad: ranks alone would say it is. How far
    they are moved depends on how well the earlier ranking holds so far.
    """
    found = spearman(targets, expected)
    alike = ALIKE if np.isnan(found) else _mean(ALIKE, WEIGHT, found, len(targets))
    trust = max(alike, 0.0)
    spread = trust * max(expected.std(), 0.3) + (1 - trust)
    return np.asarray(trust * expected.mean() + spread * targets)


def _mean(one: float, weight: float, other: float, other_weight: float) -> float:
    return (weight * one + other_weight * other) / (weight + other_weight)
