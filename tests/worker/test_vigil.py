"""Who is taken for dead, and who is not: by a clock that the test sets."""

import time

import optuna
import pytest
from optuna.trial import FrozenTrial

from optunas.attributes import Outcome, conclude
from optunas.process import BEAT
from optunas.storage import SharedStorage, open_storage
from optunas.worker.vigil import Vigil


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def storage() -> SharedStorage:
    return open_storage("sqlite:///:memory:", beat_s=0.001)


@pytest.fixture
def study(storage: SharedStorage) -> optuna.Study:
    return optuna.create_study(study_name="s", storage=storage)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def vigil(clock: Clock) -> Vigil:
    return Vigil(10, clock)


def running(study: optuna.Study, storage: SharedStorage) -> FrozenTrial:
    """A trial whose heart has stopped."""
    trial = study.ask()
    storage.pulse.release(trial._trial_id)
    time.sleep(0.05)  # a beat that was under way
    return study.trials[trial.number]


def passes(vigil: Vigil, clock: Clock, study: optuna.Study, seconds: float) -> None:
    clock.now += seconds
    vigil.look(study.trials)


def test_a_heartbeat_is_a_sign_of_life(
    study: optuna.Study, storage: SharedStorage, vigil: Vigil, clock: Clock
) -> None:
    trial = running(study, storage)
    for second in range(30):
        storage.set_trial_system_attr(trial._trial_id, BEAT, second)
        passes(vigil, clock, study, 1)
    assert vigil.silence(study.trials[0]) == 0
    for _ in range(11):
        passes(vigil, clock, study, 1)
    assert vigil.silence(study.trials[0]) == pytest.approx(11)


def test_whatever_is_written_down_is_a_sign_of_life(
    study: optuna.Study, storage: SharedStorage, vigil: Vigil, clock: Clock
) -> None:
    trial = running(study, storage)
    for epoch in range(30):
        storage.set_trial_intermediate_value(trial._trial_id, epoch, 0.5)
        passes(vigil, clock, study, 1)
        assert vigil.silence(study.trials[0]) == 0


def test_a_sign_that_came_after_the_last_look_counts(
    study: optuna.Study, storage: SharedStorage, vigil: Vigil, clock: Clock
) -> None:
    trial = running(study, storage)
    for _ in range(20):
        passes(vigil, clock, study, 1)
    assert vigil.silence(study.trials[0]) > 10
    storage.set_trial_system_attr(trial._trial_id, BEAT, 1)
    assert vigil.silence(study.trials[0]) == 0


def test_who_could_not_look_takes_nobody_for_dead(
    study: optuna.Study, storage: SharedStorage, vigil: Vigil, clock: Clock
) -> None:
    """The database was down, or this process was frozen, for an hour."""
    running(study, storage)
    passes(vigil, clock, study, 1)
    passes(vigil, clock, study, 3600)
    assert vigil.silence(study.trials[0]) == 0
    for _ in range(4):
        passes(vigil, clock, study, 3600)
    assert vigil.silence(study.trials[0]) > 0


def test_a_slow_heart_is_given_three_beats(
    study: optuna.Study, storage: SharedStorage, vigil: Vigil, clock: Clock
) -> None:
    trial = running(study, storage)
    slow = {**trial.user_attrs["worker"], "beat_s": 20}
    storage.set_trial_user_attr(trial._trial_id, "worker", slow)
    for _ in range(60):
        passes(vigil, clock, study, 1)
    assert vigil.silence(study.trials[0]) == 0
    passes(vigil, clock, study, 1)
    assert vigil.silence(study.trials[0]) == pytest.approx(60)


@pytest.mark.parametrize("end", ["failed", "stopped"])
def test_of_trials_that_ended_those_are_watched_that_somebody_puts_back(
    end: str, study: optuna.Study, vigil: Vigil, clock: Clock
) -> None:
    trial = study.ask()
    if end == "stopped":
        conclude(trial, Outcome.INTERRUPTED, "stopped")
    study.tell(trial, state=optuna.trial.TrialState.FAIL)
    for _ in range(20):
        passes(vigil, clock, study, 1)
    assert (vigil.silence(study.trials[0]) > 0) is (end == "stopped")


def test_a_thread_looks_while_this_one_does_something_else(
    study: optuna.Study, storage: SharedStorage
) -> None:
    running(study, storage)
    vigil = Vigil(0.2)
    with vigil.kept(study):
        deadline = time.monotonic() + 10
        while not vigil.silence(study.trials[0]) and time.monotonic() < deadline:
            time.sleep(0.02)
    assert vigil.silence(study.trials[0]) >= 0.2
