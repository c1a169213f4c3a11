"""What the model expects of a network, from the results of this study and of earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from optunas.ranks import Array, spearman
from optunas.samplers.model.acquisition import (
    area_gain,
    log_expected_improvement,
    log_feasibility,
    log_sampled_improvement,
)
from optunas.samplers.model.encoding import Encoder
from optunas.samplers.model.fitting import fitted
from optunas.samplers.model.gaussian import Hyperparameters, Points, Posterior, factored, joined
from optunas.samplers.model.history import FEWEST, History
from optunas.samplers.model.prior import Prior
from optunas.samplers.model.recall import Recall
from optunas.samplers.model.targets import Weighting
from optunas.spaces.sight import View

ALIKE, WEIGHT = 0.8, 5.0
"""How well earlier studies are supposed to rank, and how many results that is worth."""
WORST = -3.0  # a normal score that is below all


class Data(NamedTuple):
    """Results at points, and the variance that each has beyond the others'."""

    points: Points
    targets: Array
    extra: Array


class Belief:
    """A posterior for each objective and each constraint. `others` show which features there are
    to come."""

    def __init__(
        self,
        history: History,
        prior: Prior,
        weighting: Weighting,
        others: Sequence[View],
        recall: Recall,
    ) -> None:
        self._history, self._prior, self._weighting = history, prior, weighting
        self._recall = recall
        scale = [*history.settled.views, *prior.views]
        self._encode = Encoder(scale, [*history.views, *others], recall.table)
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
        earlier = self._learn_sources(objective)
        if earlier and not self._history.views:
            return earlier
        before = self._data(self._history.settled, objective, earlier)
        now = self._data(self._history, objective, earlier)
        return self._posterior(before, now, earlier.numbers if earlier else None)

    def _learn_sources(self, objective: int) -> Posterior | None:
        """What earlier studies say by themselves."""
        sources = self._prior.sources
        if not sources:
            return None
        points = joined([self._points(s.views, i + 1) for i, s in enumerate(sources)])
        told = np.concatenate([source.targets[:, objective] for source in sources])
        data = Data(points, told, np.zeros(len(told)))
        start = Hyperparameters.prior(len(points.blocks), 1 + len(sources))
        return self._posterior(data, data, start)

    def _data(self, history: History, objective: int, earlier: Posterior | None) -> Data:
        """This study's results, after those of earlier studies."""
        points, targets = self._points(history.views), history.targets[:, objective]
        extra = np.array([result.extra for result in history.results])
        if earlier is None:
            return Data(points, targets, extra)
        placed = _placed(targets, earlier.at(points)[0])
        return Data(
            joined([earlier.points, points]),
            np.concatenate([earlier.targets, placed]),
            np.concatenate([earlier.extra, extra]),
        )

    def _posterior(
        self, before: Data, now: Data, start: Hyperparameters | None = None
    ) -> Posterior:
        """By hyperparameters that are found in what was known before this stretch of trials, which
        are the first of all results now."""
        start = start or Hyperparameters.prior(len(now.points.blocks), 1)
        numbers = self._recall.once(fitted, *before, start)
        first = len(before.points)
        factor = self._recall.once(factored, numbers, now.points[:first], now.extra[:first])
        return Posterior(numbers, *now, factor)

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
        history, prior = self._history, self._prior
        if not history.views:
            points = self._points(prior.views)
            return np.stack([posterior.at(points)[0] for posterior in self._merits], axis=-1)
        first, last = len(prior.views), len(prior.views) + len(history.views)
        means = np.stack([posterior.believed[first:last] for posterior in self._merits], axis=-1)
        return means[history.feasible] if any(history.feasible) else means

    def _violated(self) -> list[str]:
        """Constraints that some network broke; what arithmetic can tell was seen before."""
        told = self._history.constraints
        return sorted({name for one in told for name, value in one.items() if value > 0})

    def _learn_constraint(self, name: str) -> tuple[Posterior, float]:
        """A posterior of the standardised constraint, and where its zero lies."""
        before = self._told(self._history.settled, name)
        now = self._told(self._history, name)
        before = before if len(before.points) >= FEWEST else now
        middle, spread = before.targets.mean(), before.targets.std() or 1.0
        before, now = (
            data._replace(targets=(data.targets - middle) / spread) for data in (before, now)
        )
        return self._posterior(before, now), float(-middle / spread)

    def _told(self, history: History, name: str) -> Data:
        """The values of a constraint."""
        told = [
            (view, one[name])
            for view, one in zip(history.views, history.constraints, strict=True)
            if name in one
        ]
        values = np.array([value for _, value in told])
        return Data(self._points([view for view, _ in told]), values, np.zeros(len(told)))


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
