"""Ranks, and how well two rows of numbers agree in them: without scipy, whose `stats` takes longer
to import than many a trial's bookkeeping."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


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
