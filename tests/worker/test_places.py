"""The last places of a study, under real processes that begin at the same moment."""

import multiprocessing
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from optunas.process import signature
from optunas.storage import open_storage
from optunas.worker.places import takes_place


def study_at(url: str) -> optuna.Study:
    return optuna.create_study(storage=open_storage(url), study_name="s", load_if_exists=True)


def begin(url: str, gate: Barrier, total: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = study_at(url)
    for _ in range(4):
        gate.wait()
        trial = study.ask()
        if takes_place(study, trial, total):
            time.sleep(0.02)
            study.tell(trial, 1.0)
        else:
            study.tell(trial, state=TrialState.FAIL)


@pytest.mark.parametrize("server", ["sqlite", "postgresql"])
def test_of_workers_that_begin_at_once_exactly_as_many_go_on_as_there_are_places(
    server: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    if server == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    study = study_at(url)
    for x in range(3):
        study.enqueue_trial({"x": x})  # these have low numbers and may begin late
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(4)
    workers = [context.Process(target=begin, args=(url, gate, 6)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    states = [trial.state for trial in study.get_trials()]
    assert states.count(TrialState.COMPLETE) == 6
    assert states.count(TrialState.FAIL) == 10  # and no trial was handed out twice


def test_a_trial_with_room_signs_and_does_not_wait() -> None:
    study = optuna.create_study()
    foreign = study.ask()  # of a program that never signs
    trial = study.ask()
    started = time.monotonic()
    assert takes_place(study, trial, 2)
    assert time.monotonic() - started < 0.5
    assert signature(trial) is not None
    assert signature(foreign) is None


def test_a_trial_of_a_foreign_program_goes_first_after_some_patience() -> None:
    study = optuna.create_study()
    study.ask()
    trial = study.ask()
    started = time.monotonic()
    assert not takes_place(study, trial, 1)
    assert 1 < time.monotonic() - started < 5
