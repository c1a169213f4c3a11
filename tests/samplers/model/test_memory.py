"""Stretches of trials: what changes slowly is learned once in each, from what all can see."""

from collections import Counter
from datetime import datetime, timedelta

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from optunas.samplers.model.memory import LONGEST, remembered, settled, stretch

BEGAN = datetime(2026, 1, 1)
MAXIMIZE = [StudyDirection.MAXIMIZE]


def trial(number: int, began: float, ended: float | None) -> FrozenTrial:
    running = ended is None
    state = TrialState.RUNNING if running else TrialState.COMPLETE
    made = create_trial(state=state, value=None if running else float(number % 7))
    made.number = number
    made.datetime_start = BEGAN + timedelta(seconds=began)
    made.datetime_complete = None if ended is None else BEGAN + timedelta(seconds=ended)
    return made


def test_stretches_grow_with_the_study_and_end() -> None:
    assert [stretch(n) for n in (0, 1, 31, 32, 33, 34, 63)] == [0, 1, 31, 32, 32, 34, 62]
    lengths = Counter(map(stretch, range(64 * LONGEST)))
    growing = [lengths[stretch(n)] for n in range(64, 64 * LONGEST)]
    assert growing == sorted(growing)
    assert growing[-1] == LONGEST
    assert all(n - stretch(n) < max(n / 16, 1) for n in range(64 * LONGEST))


def test_what_had_ended_when_a_stretch_began_stays_the_same() -> None:
    """Trial 1 ends while the stretch that begins with trial 3 goes on, and trial 4 in it."""
    early = [trial(0, 0, 5), trial(1, 1, None), trial(2, 2, 6), trial(3, 7, None)]
    late = [trial(0, 0, 5), trial(1, 1, 9), trial(2, 2, 6), trial(3, 7, 8), trial(4, 8, 9)]
    ended = [
        [t.number for t in settled(trials, 3) if t.state is TrialState.COMPLETE]
        for trials in (early, late)
    ]
    assert ended == [[0, 2], [0, 2]]


def test_a_long_study_is_remembered_the_same_throughout_a_stretch() -> None:
    trials = [trial(n, n, n + 0.5) for n in range(1500)]
    begin = stretch(1499)
    first, last = ({t.number for t in remembered(trials[: n + 1], MAXIMIZE)} for n in (begin, 1499))
    assert {n for n in last if n < begin} == {n for n in first if n < begin}
    assert last >= set(range(begin, 1500))
    assert 900 < len(first) <= len(last) <= 1000
