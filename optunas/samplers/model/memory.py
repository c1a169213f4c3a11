"""Which trials of a long study the model looks at."""

from __future__ import annotations

from collections.abc import Sequence

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optunas.samplers.model.targets import from_best, merits

MOST = 1000
GOLDEN = (5**0.5 - 1) / 2


def remembered(
    trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection], most: int = MOST
) -> list[FrozenTrial]:
    """At most `most` trials in their order: the best quarter, the newest quarter, and of the others
    some that lie evenly, the same ones next time, as far as may be.

    The time of a proposal grows with the cube of what the model knows, its worth much less.
    """
    if len(trials) <= most:
        return list(trials)
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE and trial.values]
    best = [complete[i] for i in from_best(merits(complete, directions))[: most // 4]]
    newest = trials[-(most // 4) :]
    kept = {trial.number for trial in (*best, *newest)}
    others = [trial.number for trial in trials if trial.number not in kept]
    kept |= set(sorted(others, key=_turn)[: most - len(kept)])
    return [trial for trial in trials if trial.number in kept]


def _turn(number: int) -> float:
    """Numbers with the smallest turns lie evenly (Weyl's sequence of the golden ratio)."""
    return number * GOLDEN % 1
