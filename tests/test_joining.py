"""`optunas.work`: a worker that counts, takes over and leaves in order, without a command line."""

import threading
import time
from pathlib import Path

import optuna
import pytest
from optuna.trial import Trial, TrialState

import optunas
from optunas.attributes import Outcome, evaluated, outcomes
from optunas.errors import StorageError, StudyError
from optunas.process import this_process
from optunas.storage import open_storage

pytestmark = pytest.mark.usefixtures("quiet")


def new_study(folder: Path, name: str = "s") -> optuna.Study:
    return optunas.create_study(name, storage=f"sqlite:///{folder}/s.db", sampler="random")


def objective(trial: Trial) -> float:
    return trial.suggest_float("x", 0, 1)


def test_trials_are_the_studys(tmp_path: Path) -> None:
    optunas.work(new_study(tmp_path), objective, trials=3)
    optunas.work(new_study(tmp_path), objective, trials=5)
    optunas.work(new_study(tmp_path), objective, trials=4)
    assert len(new_study(tmp_path).trials) == 5


def test_of_several_at_once_the_total_is_exact(tmp_path: Path) -> None:
    new_study(tmp_path)
    studies = [new_study(tmp_path) for _ in range(3)]
    threads = [
        threading.Thread(target=optunas.work, args=(study, objective), kwargs={"trials": 10})
        for study in studies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trials = studies[0].trials
    assert len(evaluated(trials)) == 10
    left = [trial.state for trial in trials if not trial.state.is_finished()]
    assert set(left) <= {TrialState.WAITING}  # one that came too late for the last place


def test_the_trial_of_a_worker_that_is_gone_is_taken_over_and_told(tmp_path: Path) -> None:
    study, notes = new_study(tmp_path), []
    lost = study.ask()
    lost.suggest_float("x", 0, 1)
    lost.set_user_attr("worker", {**this_process(), "pid": 2**22, "trial": 0})
    optunas.work(study, objective, trials=1, note=notes.append)
    assert [trial.state for trial in study.trials] == [TrialState.FAIL, TrialState.COMPLETE]
    assert study.trials[1].params == study.trials[0].params
    assert any("process 4194304" in note and "run again" in note for note in notes)


def test_who_is_stopped_puts_its_trial_back(tmp_path: Path) -> None:
    study = new_study(tmp_path)

    def stopped(trial: Trial) -> float:
        objective(trial)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optunas.work(study, stopped, trials=2)
    assert study.trials[-1].state is TrialState.WAITING
    optunas.work(study, objective, trials=2)
    assert outcomes(study.trials)[0] is Outcome.INTERRUPTED
    assert len(evaluated(study.trials)) == 2


def test_the_hours_are_the_studys(tmp_path: Path) -> None:
    began = time.monotonic()
    threading.Timer(1.0, optunas.work, (new_study(tmp_path), objective), {"hours": 9.0}).start()
    optunas.work(new_study(tmp_path), objective, hours=2 / 3600)
    assert 1.5 < time.monotonic() - began < 15


def test_it_works_with_a_plain_study_of_optuna() -> None:
    study = optuna.create_study()
    optunas.work(study, objective, trials=2)
    assert len(study.trials) == 2


def test_what_is_wrong_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="got neither: name one"):
        optunas.work(new_study(tmp_path), objective)
    with pytest.raises(StudyError, match="at least 1 trial; got trials=0"):
        optunas.work(new_study(tmp_path), objective, trials=0)
    assert not new_study(tmp_path).trials
    opened = open_storage(f"sqlite:///{tmp_path}/other.db", patience_s=0.1)
    study = optuna.create_study(storage=opened)
    for file in tmp_path.glob("other.db*"):
        file.write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError, match="SQLite database"):
        optunas.work(study, objective, trials=1)
