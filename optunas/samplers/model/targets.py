"""Results as targets for the model: ranks, whatever the metric; what pruned trials suggest.

A metric's scale means little (a network that never learns is as far from a good one as from a bad
one), its order means much. Targets are therefore normal scores: the k-th of n results gets the
quantile (k - 1/2) / n of the standard normal distribution; the greater the better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optunas.pruners import reported
from optunas.ranks import Array, ranks

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
    from scipy.special import ndtri  # 0.2 s, which a study's first trials do without

    return np.asarray(ndtri((ranks(merits) - 0.5) / max(len(merits), 1)))


def _signs(directions: Sequence[StudyDirection]) -> Array:
    return np.array([1.0 if d is StudyDirection.MAXIMIZE else -1.0 for d in directions])


def merits(complete: Sequence[FrozenTrial], directions: Sequence[StudyDirection]) -> Array:
    """(n, objectives): the values of completed trials, each the greater the better."""
    values = np.array([trial.values for trial in complete], dtype=np.float64)
    return values.reshape(len(complete), len(directions)) * _signs(directions)


def from_best(table: Array) -> list[int]:
    """(n, objectives) merits -> row numbers, best first; several objectives by mean rank."""
    ranks = np.argsort(np.argsort(-table, axis=0, kind="stable"), axis=0, kind="stable")
    return [int(i) for i in np.argsort(ranks.mean(axis=1), kind="stable")]


Curve = Mapping[int, tuple[float, ...]]
"""What a trial reported: by step the value of each objective."""


def results(
    trials: Sequence[FrozenTrial],
    directions: Sequence[StudyDirection],
    read: Callable[[FrozenTrial], Curve] = reported,
) -> Mapping[int, Result]:
    """By trial number: measured for completed trials, estimated for pruned ones.

    `read`: what a trial reported.
    """
    signs = _signs(directions)
    complete = [t for t in trials if t.state is TrialState.COMPLETE and t.values]
    ends = merits(complete, directions)
    known = {t.number: Result(tuple(end)) for t, end in zip(complete, ends.tolist(), strict=True)}
    stopped: dict[int, list[tuple[int, Array]]] = {}
    for trial in trials:
        if told := read(trial) if trial.state is TrialState.PRUNED else {}:
            step, values = max(told.items())
            stopped.setdefault(step, []).append((trial.number, signs * values))
    curves = [read(trial) for trial in complete] if stopped else []
    nothing = (np.nan,) * len(signs)
    for step, some in stopped.items():
        there = np.array([curve.get(step, nothing) for curve in curves]).reshape(ends.shape) * signs
        numbers, values = zip(*some, strict=True)
        known |= zip(numbers, _estimates(np.array(values), there, ends), strict=True)
    return {n: result for n, result in known.items() if not any(map(isnan, result.merits))}


def _estimates(values: Array, earlier: Array, ends: Array) -> list[Result]:
    """For each of the values (m, objectives) after an epoch, the end that completed trials had who
    stood there at that epoch, objective by objective.

    `earlier` and `ends` (n, objectives) are theirs. Where too few reported that epoch, all that is
    known is that somebody thought little of it: the worst end so far, with much doubt.
    """
    if not len(ends):
        return [Result(tuple(row), UNSURE) for row in values.tolist()]
    both = ~np.isnan(earlier).any(1)
    told = np.asarray(~np.isnan(values).any(1))
    worst = Result(tuple(ends.min(0).tolist()), UNSURE)
    if both.sum() < FEW:
        return [worst] * len(values)
    columns = zip(values.T, earlier[both].T, ends[both].T, strict=True)
    guessed = np.stack([np.quantile(end, _shares(v, then)) for v, then, end in columns], axis=1)
    found = [Result(tuple(row), ESTIMATED) for row in guessed.tolist()]
    return [result if sure else worst for result, sure in zip(found, told.tolist(), strict=True)]


def _shares(values: Array, others: Array) -> Array:
    """(m,) numbers: the share of the others that each is above; of equal ones half."""
    ordered = np.sort(others)
    below, not_above = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    return np.asarray((below + not_above) / (2 * len(others)))


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
