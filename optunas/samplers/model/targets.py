"""Results as targets for the model: ranks, whatever the metric; what pruned trials suggest.

A metric's scale means little (a network that never learns is as far from a good one as from a bad
one), its order means much. Targets are therefore normal scores: the k-th of n results gets the
quantile (k - 1/2) / n of the standard normal distribution; the greater the better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from scipy.special import ndtri
from scipy.stats import rankdata

from optunas.samplers.model.gaussian import Array

AUGMENTED = 0.05  # Knowles 2006
UTOPIA = 3.0  # a normal score that is out of reach
FEW = 3  # results at an epoch, below which its values tell nothing
ESTIMATED, UNSURE = 0.25, 0.5  # variances, in normal scores


@dataclass(frozen=True)
class Result:
    """What is known of a trial's merit: one number an objective, the greater the better.

    `extra` is the variance, in units of normal scores, that an estimate has beyond a measurement.
    """

    merits: tuple[float, ...]
    extra: float = 0.0


def normal_scores(merits: Array) -> Array:
    """(n,) numbers -> (n,) normal scores; equal numbers share one."""
    return np.asarray(ndtri((rankdata(merits) - 0.5) / max(len(merits), 1)))


def results(
    trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]
) -> Mapping[int, Result]:
    """By trial number: measured for completed trials, estimated for pruned ones."""
    signs = [1.0 if d is StudyDirection.MAXIMIZE else -1.0 for d in directions]
    known = {
        trial.number: Result(tuple(s * v for s, v in zip(signs, trial.values, strict=True)))
        for trial in trials
        if trial.state is TrialState.COMPLETE and trial.values
    }
    if len(signs) > 1:
        return known
    complete = [trial for trial in trials if trial.number in known]
    for trial in trials:
        if trial.state is TrialState.PRUNED and trial.intermediate_values:
            known[trial.number] = _estimate(trial, complete, signs[0])
    return known


def _estimate(trial: FrozenTrial, complete: Sequence[FrozenTrial], sign: float) -> Result:
    """The end that completed trials had who stood there at that epoch.

    Where too few did, all that is known is that somebody thought little of it: the worst end so
    far, with much doubt.
    """
    step, value = max(trial.intermediate_values.items())
    ends = np.array([sign * other.values[0] for other in complete])
    there = [other.intermediate_values.get(step, np.nan) for other in complete]
    then = sign * np.array(there, dtype=np.float64)
    both = ~np.isnan(then)
    if both.sum() < FEW or np.isnan(value):
        return Result((float(ends.min()) if len(ends) else sign * value,), UNSURE)
    share = np.mean(then[both] < sign * value) + 0.5 * np.mean(then[both] == sign * value)
    return Result((float(np.quantile(ends[both], share)),), ESTIMATED)


def scores(found: Sequence[Result]) -> Array:
    """(n, objectives) targets: each objective by its own ranks."""
    merits = np.array([result.merits for result in found], dtype=np.float64)
    return np.stack([normal_scores(column) for column in merits.T], axis=1)


@dataclass(frozen=True)
class Weighting:
    """One number out of several objectives, by weights (objectives,) that add up to 1.

    The augmented Chebyshev norm of normal scores (ParEGO, Knowles 2006). With weights drawn anew
    for each proposal, every part of the Pareto front is looked for.
    """

    weights: Array

    @classmethod
    def drawn(cls, objectives: int, rng: np.random.Generator) -> Weighting:
        """Weights at random, evenly over all."""
        return cls(rng.dirichlet(np.ones(objectives)))

    def __call__(self, targets: Array) -> Array:
        """(..., objectives) -> (...), the greater the better; of one objective, the target."""
        if len(self.weights) == 1:
            return targets[..., 0]
        losses = self.weights * (UTOPIA - targets)
        return np.asarray(-(losses.max(-1) + AUGMENTED * losses.sum(-1)))
