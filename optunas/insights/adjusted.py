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

from optunas.insights.choices import ABSENT, Column
from optunas.ranks import Array

FEWEST = 5
"""So many networks must have a choice, and as many another one, before anything is estimated."""

PENALTIES = 10.0 ** np.arange(-2, 5)


@dataclass(frozen=True)
class Estimate:
    """A mean difference with its standard error, 95 % interval and two-sided p (Student's t)."""

    difference: float
    error: float
    low: float
    high: float
    p: float


UNKNOWN = Estimate(nan, inf, -inf, inf, 1.0)


def one_hot(columns: Sequence[Column], rows: int) -> tuple[Array, Array]:
    """(rows, choices) of zeros and ones, and (choices,) which column each belongs to."""
    blocks = [column.codes[:, None] == np.arange(len(column.labels)) for column in columns]
    owner = [place for place, column in enumerate(columns) for _ in column.labels]
    table = np.hstack([np.zeros((rows, 0)), *blocks]).astype(np.float64)
    return table, np.array(owner, dtype=np.float64)


def differences(columns: Sequence[Column], values: Array) -> list[list[Estimate]]:
    """For each parameter and choice: the mean of `values` (n,) with it less that with the others of
    the same parameter as they were taken, all other parameters held equal.

    Only networks count in which the parameter is there, and whose value is not NaN.
    """
    table, owner = one_hot(columns, len(values))
    known = np.isfinite(values)
    found = []
    for place, column in enumerate(columns):
        rows = known & (column.codes != ABSENT)
        mine = table[np.ix_(rows, owner == place)]
        found.append(_of_one(table[np.ix_(rows, owner != place)], mine, values[rows]))
    return found


def _of_one(others: Array, mine: Array, values: Array) -> list[Estimate]:
    counts = mine.sum(0)
    enough = (counts >= FEWEST) & (len(values) - counts >= FEWEST)
    if not enough.any() or not np.ptp(values):
        return [UNKNOWN] * len(counts)
    adjust = _Leaver(others)
    left = adjust(values[:, None])
    chosen = adjust(mine)
    return [
        _slope(chosen[:, place], left[:, 0]) if enough[place] else UNKNOWN
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
    """Regression through 0; the larger of the plain and the heteroscedastic standard error."""
    weight = float(chosen @ chosen)
    freedom = len(left) - 2
    if weight < 1e-9 or freedom < 1:
        return UNKNOWN
    slope = float(chosen @ left) / weight
    errors = np.square(left - slope * chosen)
    plain = errors.sum() / freedom / weight
    robust = float(np.square(chosen) @ errors) / weight**2
    return _estimate(slope, float(np.sqrt(max(plain, robust))), freedom)


def _estimate(difference: float, error: float, freedom: float) -> Estimate:
    from scipy.stats import t  # takes long to import

    if not error > 0:
        return UNKNOWN
    margin = float(t.ppf(0.975, freedom)) * error
    p = 2 * float(t.sf(abs(difference) / error, freedom))
    return Estimate(difference, error, difference - margin, difference + margin, p)
