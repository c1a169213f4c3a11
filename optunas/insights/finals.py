"""What the networks came to, pruned ones included: their values at the end are estimated.

Leaving pruned networks out would bias every comparison: a choice whose bad networks were stopped
looks as good as the others. A pruner goes by what it has seen, the values until then, so given
those the end is missing at random (Rubin, Biometrika 1976), and can be imputed: by regression on
the value at the network's last epoch and its choices, fitted on those that were trained to the end.
Each is imputed several times, with the doubt in the regression and its noise drawn at random, so
that what is computed from it carries that doubt (Rubin, Multiple Imputation, 1987).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from optuna.trial import FrozenTrial

from optunas.attributes import Outcome, outcome
from optunas.insights.choices import columns, one_hot
from optunas.insights.reading import Aim, reports, value
from optunas.ranks import Array

Rows = NDArray[np.bool_]

DRAWS = 10
LEFT_OUT = 0.2
"""Where a larger share of the networks is left out, the others are a selection that misleads."""

PENALTIES = 10.0 ** np.arange(-1, 5)
FEWEST = 10
"""So many networks trained to the end, that reported after the same epoch, estimate the end."""


def with_finals(trials: Sequence[FrozenTrial], aim: Aim) -> tuple[list[FrozenTrial], Array]:
    """The trained networks and those pruned ones whose end can be estimated, in their order, and
    their values (networks, DRAWS): of the trained ones the same throughout. None at all where more
    than `LEFT_OUT` of them would be missing.
    """
    kept = [t for t in trials if value(t, aim) is not None or outcome(t) is Outcome.PRUNED]
    table = one_hot(columns(kept), len(kept))
    known = np.array([value(trial, aim) for trial in kept], dtype=np.float64)
    values = np.repeat(known[:, None], DRAWS, axis=1)
    early = [reports(trial, aim) for trial in kept]
    rng = np.random.default_rng(0)
    last = [_stopped_at(trial, aim) for trial in kept]
    for epoch in sorted({epoch for epoch in last if epoch is not None}):
        then = np.array([rows.get(epoch, np.nan) for rows in early], dtype=np.float64)
        teachers = np.isfinite(known) & np.isfinite(then)
        learners = np.array([stopped == epoch for stopped in last], dtype=bool)
        if teachers.sum() >= FEWEST:
            values[learners] = _imputed(then, table, known, teachers, learners, rng)
    there = np.flatnonzero(np.isfinite(values).all(1))
    if len(there) < (1 - LEFT_OUT) * len(kept):
        return [], np.zeros((0, DRAWS))
    return [kept[place] for place in there], values[there]


def _stopped_at(trial: FrozenTrial, aim: Aim) -> int | None:
    """The last epoch of a network that the pruner stopped; None of any other."""
    if outcome(trial) is not Outcome.PRUNED:
        return None
    return max(reports(trial, aim), default=None)


def _imputed(
    then: Array, table: Array, known: Array, teachers: Rows, learners: Rows, rng: Generator
) -> Array:
    """(learners, DRAWS) what the value then and the choices say of the end, each time otherwise."""
    seen = np.column_stack([then, table])
    middle, spread = seen[teachers].mean(0), max(float(then[teachers].std()), 1e-9)
    design = seen - middle
    design[:, 0] /= spread
    level = float(known[teachers].mean())
    posterior = _Posterior(design[teachers], known[teachers] - level)
    return level + posterior.draw(design[learners], rng)


class _Posterior:
    """Bayesian linear regression: a flat prior on the first column, on all others a normal one
    around 0 whose width leaves least error for networks that are left out."""

    def __init__(self, design: Array, values: Array) -> None:
        fits = [self._fit(design, values, penalty) for penalty in PENALTIES]
        _, self._mean, self._root, self._scale, self._freedom = min(fits, key=lambda fit: fit[0])

    @staticmethod
    def _fit(
        design: Array, values: Array, penalty: float
    ) -> tuple[float, Array, Array, float, float]:
        rows, width = design.shape
        prior = np.full(width, penalty)
        prior[0] = 1e-6
        inverse = np.linalg.inv(design.T @ design + np.diag(prior))
        mean = inverse @ (design.T @ values)
        leverage = (design @ inverse * design).sum(1) + 1 / rows
        left = values - design @ mean
        freedom = max(rows - float(leverage.sum()), 1.0)
        missed = float(np.square(left / np.maximum(1 - leverage, 1e-6)).sum())
        root = np.asarray(np.linalg.cholesky(inverse + 1e-12 * np.eye(width)), dtype=np.float64)
        return missed, mean, root, float(np.square(left).sum()) / freedom, freedom

    def draw(self, design: Array, rng: Generator) -> Array:
        """(n, p) -> (n, DRAWS)"""
        scales = np.sqrt(self._scale * self._freedom / rng.chisquare(self._freedom, DRAWS))
        doubt = self._root @ rng.standard_normal((len(self._mean), DRAWS))
        noise = rng.standard_normal((len(design), DRAWS))
        return (design @ self._mean)[:, None] + scales * (design @ doubt + noise)
