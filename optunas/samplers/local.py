"""Local search: one changed choice at a time, as long as that helps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log
from typing import Unpack

import numpy as np
from optuna.distributions import FloatDistribution, IntDistribution

from optunas.errors import StudyError
from optunas.samplers.proposing import Proposing, Settings
from optunas.samplers.ranking import Individual, individuals, ranked
from optunas.samplers.scene import Scene
from optunas.spaces.neighbours import STRIDES
from optunas.spaces.sight import Sight, View
from optunas.spaces.space import Suggests


class LocalSearchSampler(Proposing):
    """Greedy over the neighbourhood (White et al. 2020, arXiv:2005.02960), with restarts.

    From the best of `startup` random networks: its neighbours, those with one choice changed, are
    evaluated in random order; the first better one takes its place. Where none is better, the
    search starts again: from the next best start, then from random networks.

    No memory is needed for that, so that workers share the climb: a network is a peak where no
    known neighbour is better (with several objectives: dominates it). The sampler tries the
    neighbours of the best peak that has untried ones, workers different ones, and a random network
    where no peak has any. Networks that others added are thus climbed from as well. Neighbours over
    the limits, and those that are known networks because the changed choice is not active, are
    passed over.

    The other arguments are those of `Proposing`. Raises StudyError for `startup` below 1.
    """

    foresees = True

    def __init__(
        self,
        space: Suggests | Sight | None = None,
        *,
        startup: int = 10,
        **settings: Unpack[Settings],
    ) -> None:
        super().__init__(space, **settings)
        if startup < 1:
            raise StudyError(f"local search starts somewhere: startup >= 1; got {startup}")
        self._startup = startup

    def propose(self, scene: Scene) -> View | None:
        """An untried neighbour of the best peak."""
        found = individuals(scene)
        if len(found) + scene.running < self._startup:
            return scene.random()
        untried = (view for peak in peaks(found) for view in self._untried(scene, peak))
        return next(untried, None) or scene.random()

    def _untried(self, scene: Scene, peak: Individual) -> Iterator[View]:
        """Its new neighbours, in an order that all workers of one seed share.

        The same random numbers choose what a step opens in a conditional space: a step is tried
        once.
        """
        rng = np.random.default_rng((self.seed, peak.number, 1))
        for view in scene.around(peak.view, rng):
            if view is not None and scene.is_new(view):
                yield view


def peaks(found: Sequence[Individual]) -> Iterator[Individual]:
    """Those that no neighbour beats, the best first."""
    ranking = ranked(found)
    codes = _codes([one.view for one in ranking])
    for i, one in enumerate(ranking):
        both = (codes[:i] >= 0) & (codes[i] >= 0)
        apart = ((codes[:i] != codes[i]) & both).sum(1)
        better = (ranking[j] for j in np.flatnonzero(apart == 1))
        if not any(other.beats(one) and _a_step(other.view, one.view) for other in better):
            yield one


def _codes(views: Sequence[View]) -> np.ndarray:
    """(n, names): equal numbers for equal values; -1 where a network does not have the choice."""
    names = {name: i for i, name in enumerate({name: None for v in views for name in v.params})}
    codes = np.full((len(views), len(names)), -1)
    values: dict[tuple[str, str], int] = {}
    for row, view in zip(codes, views, strict=True):
        for name, value in view.params.items():
            row[names[name]] = values.setdefault((name, repr(value)), len(values))
    return codes


def _a_step(here: View, there: View) -> bool:
    """Whether the one choice in which they differ is near, as `neighbours` has it."""
    ((name, a, b),) = (
        (name, value, there.params[name])
        for name, value in here.params.items()
        if name in there.params and repr(there.params[name]) != repr(value)
    )
    match here.distributions[name]:
        case IntDistribution(step=step) | FloatDistribution(step=float() as step):
            return bool(abs(a - b) <= step * 1.001)
        case FloatDistribution(low=low, high=high, log=True):
            return bool(abs(log(a / b)) <= max(STRIDES) * log(high / low) * 1.001)
        case FloatDistribution(low=low, high=high):
            return bool(abs(a - b) <= max(STRIDES) * (high - low) * 1.001)
    return True
