"""Student's t distribution, without `scipy.stats`, which takes a second to import."""

from __future__ import annotations

from typing import Any

import numpy as np

from optunas.ranks import Array


def two_sided(t: Any, freedom: float) -> Array:
    """The chance of a t at least so far from 0, either way."""
    from scipy.special import stdtr

    return np.asarray(2 * stdtr(freedom, -np.abs(t)))


def half_width(freedom: float, share: float = 0.95) -> float:
    """Within plus and minus this lies so large a share of the distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + share) / 2))
