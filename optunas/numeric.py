"""What counts as a number among values of any kind: `True` does not, though Python takes it for 1.

Arguments may be typed by anybody, and what stands in a study may have been written by anybody.
"""

from math import isfinite
from typing import Any, TypeGuard


def is_whole(value: Any, least: int = 1) -> TypeGuard[int]:
    """A whole number of at least so much."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def is_number(value: Any) -> TypeGuard[float]:
    """A finite number."""
    if isinstance(value, int):
        return not isinstance(value, bool)
    return isinstance(value, float) and isfinite(value)
