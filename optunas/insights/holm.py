"""Many comparisons at once: which of them are sure."""

from __future__ import annotations

from collections.abc import Sequence

LEVEL = 0.05


def holm(p_values: Sequence[float], level: float = LEVEL) -> list[bool]:
    """Which tests are significant, where the chance of any false one among them is `level`.

    Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 1979.
    """
    passed = [False] * len(p_values)
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if not p_values[place] <= level / (len(p_values) - rank):
            break
        passed[place] = True
    return passed
