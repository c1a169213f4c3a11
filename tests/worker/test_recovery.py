"""Interrupted trials come back into the queue, once, and nobody else's do."""

import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from optunas.attributes import Outcome, conclude, continues, outcomes
from optunas.process import sign, this_process
from optunas.worker.recovery import KILLS, give_up, put_back, take_over


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study()


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
    assert list(take_over(study)) == [0]
    assert list(take_over(study)) == []
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
    for _ in range(KILLS - 1):
        assert list(give_up(study)) == []
        list(take_over(study))
        left_by(study, dead())
    assert list(give_up(study)) == [KILLS - 1]
    assert list(take_over(study)) == []
    assert [trial.state for trial in study.trials] == [TrialState.FAIL] * KILLS
    assert outcomes(study.trials)[KILLS - 1] is Outcome.FAILED


def test_a_trial_that_was_stopped_again_and_again_is_not_given_up(study: optuna.Study) -> None:
    for number in range(KILLS + 1):
        trial = left_by(study, dead())
        conclude(trial, Outcome.INTERRUPTED, "stopped from outside")
        study.tell(number, state=TrialState.FAIL)
        list(take_over(study))
    left_by(study, dead())
    assert list(give_up(study)) == []


@pytest.mark.parametrize("other", [{"host": "elsewhere"}, {"machine": "another"}])
def test_a_process_of_another_machine_is_not_judged(
    study: optuna.Study, other: dict[str, str]
) -> None:
    left_by(study, {**dead(), **other})
    assert list(take_over(study)) == []
    assert study.trials[0].state is TrialState.RUNNING


def test_a_living_worker_and_an_unsigned_trial_are_left_alone(study: optuna.Study) -> None:
    sign(study.ask())
    study.ask()
    assert list(take_over(study)) == []


def test_an_inherited_signature_is_none_of_the_trials_own(study: optuna.Study) -> None:
    left_by(study, dead(), number=7)
    assert list(take_over(study)) == []


def test_a_trial_that_was_stopped_and_never_put_back_is_put_back_once(
    study: optuna.Study,
) -> None:
    trial = left_by(study, dead())
    conclude(trial, Outcome.INTERRUPTED, "stopped from outside")
    study.tell(trial, state=TrialState.FAIL)
    assert list(take_over(study)) == [0]
    assert list(take_over(study)) == []
    assert [t.state for t in study.trials] == [TrialState.FAIL, TrialState.WAITING]
    assert "outcome" not in study.trials[1].user_attrs
    assert "reason" not in study.trials[1].user_attrs


def test_a_stopped_trial_of_a_living_worker_is_left_to_it(study: optuna.Study) -> None:
    trial = left_by(study, this_process())
    conclude(trial, Outcome.INTERRUPTED, "stopped from outside")
    study.tell(trial, state=TrialState.FAIL)
    assert list(take_over(study)) == []


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


@pytest.mark.filterwarnings("ignore:Heartbeat of storage")
def test_a_silent_worker_of_another_host_is_found_by_the_heartbeat(tmp_path: Path) -> None:
    import time

    from optunas.storage import open_storage

    url = f"sqlite:///{tmp_path}/s.db"
    storage = open_storage(url, heartbeat_s=1, grace_s=2)
    study = optuna.create_study(storage=storage)

    trial = study.ask()
    storage.record_heartbeat(trial._trial_id)  # type: ignore[attr-defined]
    time.sleep(4)
    list(take_over(study))
    assert [t.state for t in study.trials] == [TrialState.FAIL, TrialState.WAITING]
