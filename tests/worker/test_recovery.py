"""Interrupted trials come back into the queue, once, and nobody else's do."""

import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from optunas.attributes import Outcome, conclude, continues, outcomes
from optunas.process import TOKEN, sign, this_process
from optunas.storage import SharedStorage, open_storage
from optunas.worker.recovery import (
    RETRIES,
    Rescue,
    is_continued_twice,
    put_back,
    take_over,
)
from optunas.worker.vigil import Vigil


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study()


def taken(study: optuna.Study) -> list[int]:
    return [rescue.number for rescue in take_over(study)]


def dead() -> dict[str, object]:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return {**this_process(), "pid": process.pid}


def left_by(study: optuna.Study, worker: object, number: int | None = None) -> optuna.Trial:
    trial = study.ask()
    trial.suggest_int("x", 0, 9)
    signed = {**worker, "trial": trial.number if number is None else number}  # type: ignore[dict-item]
    trial.set_user_attr("worker", signed)
    return trial


def test_a_dead_workers_trial_is_failed_and_enqueued_again(study: optuna.Study) -> None:
    trial = left_by(study, dead())
    assert taken(study) == [0]
    assert taken(study) == []
    first, second = study.trials
    assert (first.state, second.state) == (TrialState.FAIL, TrialState.WAITING)
    assert second.params == trial.params
    assert continues(second) == [0]
    assert outcomes(study.trials) == {0: Outcome.INTERRUPTED}
    again = study.ask()
    assert again.number == 1
    assert again.suggest_int("x", 0, 9) == trial.params["x"]


def test_what_has_ended_several_workers_is_given_up(study: optuna.Study) -> None:
    left_by(study, dead())
    for _ in range(RETRIES):
        (rescue,) = take_over(study)
        assert not rescue.given_up
        left_by(study, dead())
    (rescue,) = take_over(study)
    assert rescue.given_up
    assert str(rescue).endswith("the 4. that this candidate has ended; it is not run again")
    assert taken(study) == []
    assert [trial.state for trial in study.trials] == [TrialState.FAIL] * (1 + RETRIES)
    assert outcomes(study.trials)[RETRIES] is Outcome.FAILED


def test_a_trial_that_was_stopped_again_and_again_is_not_given_up(study: optuna.Study) -> None:
    for number in range(RETRIES + 1):
        trial = left_by(study, dead())
        conclude(trial, Outcome.INTERRUPTED, "stopped from outside")
        study.tell(number, state=TrialState.FAIL)
        assert taken(study) == [number]
    left_by(study, dead())
    assert [rescue.given_up for rescue in take_over(study)] == [False]


@pytest.mark.parametrize("other", [{"host": "elsewhere"}, {"machine": "another"}])
def test_a_process_of_another_machine_is_not_judged(
    study: optuna.Study, other: dict[str, str]
) -> None:
    left_by(study, {**dead(), **other})
    assert taken(study) == []
    assert study.trials[0].state is TrialState.RUNNING


def test_a_living_worker_and_an_unsigned_trial_are_left_alone(study: optuna.Study) -> None:
    sign(study.ask())
    study.ask()
    assert taken(study) == []


def test_an_inherited_signature_is_none_of_the_trials_own(study: optuna.Study) -> None:
    left_by(study, dead(), number=7)
    assert taken(study) == []


def test_a_trial_that_was_stopped_and_never_put_back_is_put_back_once(
    study: optuna.Study,
) -> None:
    trial = left_by(study, dead())
    conclude(trial, Outcome.INTERRUPTED, "stopped from outside")
    study.tell(trial, state=TrialState.FAIL)
    assert taken(study) == [0]
    assert taken(study) == []
    assert [t.state for t in study.trials] == [TrialState.FAIL, TrialState.WAITING]
    assert "outcome" not in study.trials[1].user_attrs
    assert "reason" not in study.trials[1].user_attrs


def test_a_stopped_trial_of_a_living_worker_is_left_to_it(study: optuna.Study) -> None:
    trial = left_by(study, this_process())
    conclude(trial, Outcome.INTERRUPTED, "stopped from outside")
    study.tell(trial, state=TrialState.FAIL)
    assert taken(study) == []


def test_what_is_put_back_keeps_its_fixed_parameters_role_and_history(
    study: optuna.Study,
) -> None:
    study.enqueue_trial({"x": 4}, user_attrs={"role": "baseline"})
    for number in range(3):
        trial = study.ask()
        assert trial.suggest_int("x", 0, 9) == 4
        study.tell(trial, state=TrialState.FAIL)
        put_back(study, number)
    assert continues(study.trials[-1]) == [0, 1, 2]
    assert study.trials[-1].user_attrs["role"] == "baseline"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["memory", "sqlite", "journal"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> SharedStorage:
    urls = {
        "memory": "sqlite:///:memory:",
        "sqlite": f"sqlite:///{tmp_path}/s.db",
        "journal": f"journal:///{tmp_path}/s.log",
    }
    return open_storage(urls[request.param], beat_s=1000)


def elsewhere(study: optuna.Study) -> optuna.Trial:
    """A trial that a process of another host has begun, by its signature."""
    trial = study.ask()
    trial.suggest_int("x", 0, 9)
    signed = {**this_process(), "host": "elsewhere", "beat_s": 1, "trial": trial.number}
    trial.set_user_attr("worker", signed)
    return trial


def passes(vigil: Vigil, clock: Clock, study: optuna.Study, seconds: int) -> None:
    for _ in range(seconds):
        clock.now += 1
        vigil.look(study.get_trials(deepcopy=False))


def test_a_silent_worker_of_another_host_loses_its_trial(storage: SharedStorage) -> None:
    study = optuna.create_study(storage=storage)
    elsewhere(study)
    vigil = Vigil(10, clock := Clock())
    passes(vigil, clock, study, 10)
    assert list(take_over(study, storage, vigil)) == []
    passes(vigil, clock, study, 1)
    (rescue,) = take_over(study, storage, vigil)
    pid = this_process()["pid"]
    why = f"its worker, process {pid} on elsewhere, has been silent for 10 s"
    assert rescue == Rescue(0, why)
    lost, again = study.trials
    assert (lost.state, again.state) == (TrialState.FAIL, TrialState.WAITING)
    assert lost.user_attrs["reason"] == why
    assert "reason" not in again.user_attrs
    assert "worker" not in again.user_attrs
    assert again.params == lost.params
    passes(vigil, clock, study, 20)
    assert list(take_over(study, storage, vigil)) == []


def test_of_two_that_see_the_same_one_puts_it_back(storage: SharedStorage) -> None:
    study = optuna.create_study(storage=storage)
    elsewhere(study)
    clock = Clock()
    vigils = [Vigil(10, clock) for _ in range(2)]
    for vigil in vigils:
        passes(vigil, clock, study, 11)
    found = [list(take_over(study, storage, vigil)) for vigil in vigils]
    assert [len(rescues) for rescues in found] == [1, 0]
    assert len(study.trials) == 2


def test_what_another_is_about_to_put_back_is_left_to_it(storage: SharedStorage) -> None:
    study = optuna.create_study(study_name="s", storage=storage)
    left_by(study, dead())
    assert storage.give_up_on("s", 0, "its worker is gone")  # by another, who lives
    assert list(take_over(study, storage, Vigil(10))) == []
    put_back(study, 0)
    assert len(study.trials) == 2


def test_what_a_rescuer_left_half_done_is_put_back_after_the_grace_period(
    storage: SharedStorage,
) -> None:
    study = optuna.create_study(study_name="s", storage=storage)
    elsewhere(study)
    assert storage.give_up_on("s", 0, "its worker is gone")
    assert not storage.give_up_on("s", 0, "its worker is gone")
    vigil = Vigil(10, clock := Clock())
    passes(vigil, clock, study, 5)
    assert list(take_over(study, storage, vigil)) == []
    passes(vigil, clock, study, 6)
    assert [rescue.number for rescue in take_over(study, storage, vigil)] == [0]
    assert [t.state for t in study.trials] == [TrialState.FAIL, TrialState.WAITING]


def test_a_trial_that_was_put_back_twice_is_run_once(storage: SharedStorage) -> None:
    study = optuna.create_study(storage=storage)
    trial = study.ask()
    trial.suggest_int("x", 0, 9)
    study.tell(trial, state=TrialState.FAIL)
    for _ in range(2):
        put_back(study, 0)
    first, second = study.ask(), study.ask()
    assert [first.number, second.number] == [1, 2]
    trials = study.get_trials(deepcopy=False)
    assert [is_continued_twice(trials, t) for t in (first, second)] == [False, True]


def test_a_claim_whose_answer_was_lost_leaves_a_trial_to_nobody_for_a_while(
    storage: SharedStorage,
) -> None:
    study = optuna.create_study(study_name="s", storage=storage)
    study.enqueue_trial({"x": 3})
    storage.inner.set_trial_state_values(study.trials[0]._trial_id, TrialState.RUNNING)
    vigil = Vigil(10, clock := Clock())
    passes(vigil, clock, study, 11)
    assert [str(r) for r in take_over(study, storage, vigil)] == [
        "trial 0: its worker has been silent for 10 s; it is run again"
    ]


def test_the_trial_of_another_program_is_never_taken(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/s.db")
    study = optuna.create_study(study_name="s", storage=storage)
    foreign = optuna.load_study(study_name="s", storage=f"sqlite:///{tmp_path}/s.db").ask()
    assert TOKEN not in study.trials[foreign.number].system_attrs
    vigil = Vigil(1, clock := Clock())
    passes(vigil, clock, study, 100)
    assert list(take_over(study, storage, vigil)) == []
