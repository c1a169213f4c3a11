"""Ranks, and how well two rows of numbers agree in them: without scipy, whose `stats` takes longer
to import than many a trial's bookkeeping."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, nan

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NORMAL = 1.96  # 95 % of the normal distribution lie within


def ranks(numbers: Array) -> Array:
    """(n,) -> (n,) ranks from 1, the least first; equal numbers share the mean of theirs."""
    _, place, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place])


def spearman(one: Sequence[float] | Array, other: Sequence[float] | Array) -> float:
    """Spearman's rho of two rows of numbers; NaN below 3, and where one is the same throughout."""
    first, second = ranks(np.asarray(one)), ranks(np.asarray(other))
    if len(first) < 3 or not np.ptp(first) or not np.ptp(second):
        return nan
    return float(np.corrcoef(first, second)[0, 1])


def spearman_interval(rho: float, number: int) -> tuple[float, float]:
    """The 95 % confidence interval of a rho over so many pairs; NaN below 4 of them.

    By Fisher's transformation, with the variance of Bonett & Wright (Psychometrika, 2000).
    """
    if not isfinite(rho) or number < 4:
        return nan, nan
    middle = np.arctanh(np.clip(rho, -1 + 1e-12, 1 - 1e-12))
    margin = NORMAL * np.sqrt((1 + rho**2 / 2) / (number - 3))
    return float(np.tanh(middle - margin)), float(np.tanh(middle + margin))
