"""A sample of many trials: what is estimated, and not counted, needs no more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from optuna.trial import FrozenTrial

LARGEST = 1000
"""So many networks carry an estimate; of more a random sample is drawn, always the same one."""


def sampled(trials: Sequence[FrozenTrial], largest: int = LARGEST) -> list[FrozenTrial]:
    """At most `largest` of the trials, in their order."""
    if len(trials) <= largest:
        return list(trials)
    chosen = np.random.default_rng(0).choice(len(trials), largest, replace=False)
    return [trials[place] for place in sorted(chosen)]
