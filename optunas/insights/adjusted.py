"""What a choice is worth when everything else is held equal: partialling out, with intervals.

A sampler that learns takes good choices together, so plain means are confounded: a kernel looks
good because it was tried with the good operation. Here what the other parameters say of the value,
and of the choice itself, is taken off first; what is left of the one is then regressed on what is
left of the other (Frisch & Waugh 1933; Robinson, Econometrica 1988). Both are predicted by ridge
regression on the one-hot choices, each network by a fit that leaves it out, so that parameters may
outnumber networks (double machine learning: Chernozhukov et al., Econometrics Journal 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan

import numpy as np
from numpy.typing import NDArray

from optunas.insights.choices import ABSENT, Column, one_hot
from optunas.insights.student import half_width, two_sided
from optunas.ranks import Array

FEWEST = 5
"""So many networks must have a choice, and as many another one, before anything is estimated."""

PENALTIES = 10.0 ** np.arange(-2, 5)

OWN = 0.05
"""Of a choice's variance so much must be its own, and not follow from the other parameters."""


@dataclass(frozen=True)
class Estimate:
    """A mean difference with its standard error, 95 % interval and two-sided p (Student's t)."""

    difference: float
    error: float
    low: float
    high: float
    p: float


UNKNOWN = Estimate(nan, inf, -inf, inf, 1.0)


def differences(columns: Sequence[Column], values: Array) -> list[list[Estimate]]:
    """For each parameter and choice: the mean of `values` with it less that with the others of the
    same parameter as they were taken, all other parameters held equal.

    values: (networks, draws); where they are imputed, each draw is estimated by itself, and the
    spread between the draws is added (Rubin 1987). Only networks count in which the parameter is
    there, and whose value is not NaN. Not held equal are parameters that are there or not by that
    very choice: what a third stage is made of belongs to having it.
    """
    known = np.isfinite(values).all(1)
    tables = [one_hot([column], len(values)) for column in columns]
    there = np.column_stack([column.codes != ABSENT for column in columns] or [known])
    found = []
    for place in range(len(columns)):
        rows = known & there[:, place]
        follows = _follow(tables[place][rows], there[rows])
        others = [t[rows] for i, t in enumerate(tables) if i != place and not follows[i]]
        held = np.hstack([np.zeros((int(rows.sum()), 0)), *others])
        found.append(_of_one(held, tables[place][rows], values[rows]))
    return found


def _follow(mine: Array, there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(parameters,) whether one is there with some of the choices `mine`, and with others never."""
    taken = mine[:, mine.sum(0) > 0]
    met = taken.T @ there  # (choices, parameters) how often
    return np.asarray((met == 0).any(0) & (met > 0).any(0))


def _of_one(others: Array, mine: Array, values: Array) -> list[Estimate]:
    counts = mine.sum(0)
    enough = (counts >= FEWEST) & (len(values) - counts >= FEWEST)
    if not enough.any() or not np.ptp(values):
        return [UNKNOWN] * len(counts)
    adjust = _Leaver(others)
    left, chosen = adjust(values), adjust(mine)
    own = chosen.var(0) / np.maximum(mine.var(0), 1e-12)
    return [
        _slope(chosen[:, place], left) if enough[place] and own[place] > OWN else UNKNOWN
        for place in range(len(counts))
    ]


class _Leaver:
    """Takes off what ridge regression on `others` (n, p) says, each row left out of its own fit."""

    def __init__(self, others: Array) -> None:
        centred = others - others.mean(0)
        self._rows = len(centred)
        self._basis, self._squares = _principal(centred)

    def __call__(self, targets: Array) -> Array:
        """(n, k) -> (n, k) what is left, by the penalty that leaves least."""
        centred = targets - targets.mean(0)
        tried = [self._left(centred, penalty) for penalty in (*PENALTIES, inf)]
        return min(tried, key=lambda left: float(np.square(left).sum()))

    def _left(self, targets: Array, penalty: float) -> Array:
        shrink = self._squares / (self._squares + penalty) if penalty < inf else 0 * self._squares
        fitted = self._basis @ (shrink[:, None] * (self._basis.T @ targets))
        own = np.square(self._basis) @ shrink + 1 / self._rows  # the mean is fitted, too
        return (targets - fitted) / np.maximum(1 - own, 1e-6)[:, None]


def _principal(centred: Array) -> tuple[Array, Array]:
    """Left singular vectors and squared singular values, those that are not 0."""
    rows, width = centred.shape
    if rows <= width:
        squares, basis = np.linalg.eigh(centred @ centred.T)
    else:
        squares, turn = np.linalg.eigh(centred.T @ centred)
        basis = centred @ turn / np.sqrt(np.maximum(squares, 1e-12))
    kept = squares > 1e-9 * max(rows, 1)
    return basis[:, kept], squares[kept]


def _slope(chosen: Array, left: Array) -> Estimate:
    """Regression of each column of `left` (n, draws) through 0, put together by Rubin's rules; of
    each the larger of the plain and the heteroscedastic standard error."""
    weight = float(chosen @ chosen)
    freedom = len(left) - 2.0
    slopes = chosen @ left / weight
    errors = np.square(left - np.outer(chosen, slopes))
    plain = errors.sum(0) / freedom / weight
    robust = np.square(chosen) @ errors / weight**2
    within = float(np.maximum(plain, robust).mean())
    draws = left.shape[1]
    between = float(slopes.var(ddof=1)) * (1 + 1 / draws) if draws > 1 else 0.0
    if between > 1e-12 * within:
        ratio = between / (within + between)
        of_draws = (draws - 1) / ratio**2
        of_rows = (freedom + 1) / (freedom + 3) * freedom * (1 - ratio)
        freedom = 1 / (1 / of_draws + 1 / of_rows)  # Barnard & Rubin, Biometrika 1999
    return _estimate(float(slopes.mean()), float(np.sqrt(within + between)), freedom)


def _estimate(difference: float, error: float, freedom: float) -> Estimate:
    if not error > 0:
        return UNKNOWN
    margin = half_width(freedom) * error
    p = float(two_sided(difference / error, freedom))
    return Estimate(difference, error, difference - margin, difference + margin, p)
