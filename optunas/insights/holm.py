"""Many comparisons at once: which of them are sure."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

LEVEL = 0.05


def holm(p_values: Sequence[float], level: float = LEVEL) -> list[bool]:
    """Which tests are significant, where the chance of any false one among them is `level`.

    Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 1979.
    """
    known = [1.0 if isnan(p) else p for p in p_values]
    passed = [False] * len(known)
    for rank, place in enumerate(sorted(range(len(known)), key=known.__getitem__)):
        if known[place] > level / (len(known) - rank):
            break
        passed[place] = True
    return passed
