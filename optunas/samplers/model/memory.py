"""Which trials of a long study the model looks at, and how often it learns what changes slowly."""

from __future__ import annotations

from collections.abc import Sequence

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optunas.samplers.model.targets import from_best, merits

MOST = 1000
LONGEST = 256
GOLDEN = (5**0.5 - 1) / 2


def stretch(number: int) -> int:
    """The first trial of the stretch that a trial lies in.

    What changes slowly (hyperparameters, scales, the networks to begin from) is found once in a
    stretch, from the trials that had ended when it began: the same in each process, at any time.
    Stretches are trials of their own up to number 31, then a 32nd to a 16th of the study, and
    `LONGEST` at most.
    """
    return number - number % _length(number)


def _length(number: int) -> int:
    """How long the stretch is that a trial lies in."""
    return min(1 << max(number.bit_length() - 5, 0), LONGEST)


def settled(trials: Sequence[FrozenTrial], begin: int) -> list[FrozenTrial]:
    """The trials before number `begin` that had ended when that one began."""
    times = [trial.datetime_start for trial in trials if trial.number == begin]
    begun = times[0] if times else None
    return [
        trial
        for trial in trials
        if trial.number < begin
        if begun is None or trial.datetime_complete is None or trial.datetime_complete <= begun
    ]


def remembered(
    trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection], most: int = MOST
) -> list[FrozenTrial]:
    """At most `most` trials in their order: all of this stretch, and of those before it the best
    quarter, the newest quarter, and some of the others that lie evenly: the same ones throughout
    the stretch, and next time, as far as may be.

    The time of a proposal grows with the cube of what the model knows, its worth much less.
    """
    if len(trials) <= most:
        return list(trials)
    begin = stretch(len(trials) - 1)
    earlier, room = trials[:begin], most - min(_length(begin), most // 2)
    ended = [trial for trial in earlier if trial.state is TrialState.COMPLETE and trial.values]
    best = [ended[i] for i in from_best(merits(ended, directions))[: most // 4]]
    kept = {trial.number for trial in (*best, *earlier[-(most // 4) :])}
    others = [trial.number for trial in earlier if trial.number not in kept]
    kept |= set(sorted(others, key=_turn)[: room - len(kept)])
    return [trial for trial in earlier if trial.number in kept] + list(trials[begin:])


def _turn(number: int) -> float:
    """Numbers with the smallest turns lie evenly (Weyl's sequence of the golden ratio)."""
    return number * GOLDEN % 1
