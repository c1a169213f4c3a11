"""`--hours`: measured, planned, kept, and what becomes of a trial that would be late."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from optunas.attributes import outcomes
from optunas.deadline import agree_on_deadline
from optunas.planning import kept, promised, write_down
from optunas.promise import WINNER, Promise
from optunas.search import Search
from optunas.storage import open_storage
from optunas.training import Epoch
from optunas.worker import SLACK, OutOfTime, Plan

from .small import RECIPE, Run, small_objective
from .test_cli import folder, study  # noqa: F401 - fixtures
from .worker.test_session import Told


def test_a_search_of_some_hours_plans_them_and_ends_with_a_winner(
    folder: Path,  # noqa: F811
    run: Run,
) -> None:
    begin = time.monotonic()
    code, out, err = run("run", "few.py", "--hours", "0.012", "-o", "winner", "--seed", "1")
    seconds = time.monotonic() - begin
    assert (code, err) == (0, "")
    assert "In that time: about " in out
    assert "are kept to retrain the winner." in out
    made = promised(study(folder))
    assert made is not None
    assert 0 < made.winner <= WINNER * 0.012 * 3600
    trained = [t for t in study(folder).trials if t.state is TrialState.COMPLETE]
    assert trained
    assert all(t.user_attrs["recipe"]["epochs"] == made.epochs for t in trained)
    known = json.loads((folder / "winner" / "winner.json").read_text())
    assert known["recipe"]["train_fraction"] == 1.0
    assert seconds < 2 * 0.012 * 3600  # a machine of tests is a busy one; studied in performance/

    code, out, _ = run(
        "run", "few.py", "--hours", "0.0005", "--seed", "1"
    )  # resumed: as it was promised
    assert code == 0
    assert promised(study(folder)) == made
    assert made.describe() in out


def test_what_was_typed_is_not_planned(folder: Path, run: Run) -> None:  # noqa: F811
    code, _, _ = run("run", "few.py", "--hours", "0.002", "--epochs", "2")
    assert code == 0
    made = promised(study(folder))
    assert made is not None
    assert (made.epochs, made.train_fraction, made.winner) == (2, 1.0, 0.0)


def late(end: list[float]) -> Callable[[int, Epoch], None]:
    """Lets the hours end during the first epoch."""

    def told(trial: int, epoch: Epoch) -> None:
        if epoch.number == 1:
            while time.monotonic() < end[0]:
                time.sleep(0.01)

    return told


def test_a_trial_that_would_be_late_is_put_back_and_goes_on_another_time(tmp_path: Path) -> None:
    hours = 3.0 / 3600
    end = [time.monotonic() + 3.0 * (1 + SLACK) + 1.0]
    objective = small_objective(on_epoch=late(end), checkpoints=tmp_path)
    storage = open_storage(optuna.storages.InMemoryStorage())
    search = Search(objective, "s", Plan(hours=hours), storage, "random")
    found = search.study(on_change=print)
    told = Told()
    search.run(found, told)
    assert told.notes == ["the time is up; the trial that was running goes on when the search does"]
    states = [trial.state for trial in found.trials]
    assert states == [TrialState.FAIL, TrialState.WAITING]
    assert outcomes(found.trials)[0] == "interrupted"

    again = Search(small_objective(checkpoints=tmp_path), "s", Plan(trials=1), storage, "random")
    again.run(found, Told())
    assert found.trials[1].state is TrialState.COMPLETE
    assert len(found.trials[1].user_attrs["curve"]) == RECIPE.epochs
    assert list(tmp_path.iterdir()) == []


def test_out_of_time_is_an_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt):
        raise OutOfTime


def test_hours_are_counted_once_for_all_that_work_on_a_study(
    folder: Path,  # noqa: F811
    run: Run,
) -> None:
    assert run("run", "few.py", "--trials", "1")[0] == 0
    agree_on_deadline(study(folder), time.time() + 8)
    began = time.monotonic()
    code, out, _ = run("run", "few.py", "--hours", "5")
    assert code == 0
    assert time.monotonic() - began < 60
    assert "note: the hours of this study are counted already: it ends in 0.1" in out


def test_what_hours_were_planned_for_holds_for_those_without(
    folder: Path,  # noqa: F811
    run: Run,
) -> None:
    assert run("run", "few.py", "--trials", "1")[0] == 0
    write_down(study(folder), Promise(2, 1.0, 100, 1.0, 0.0))
    assert run("run", "few.py", "--trials", "3", "--no-reuse")[0] == 0
    assert study(folder).trials[-1].user_attrs["recipe"]["epochs"] == 2
    code, _, err = run("run", "few.py", "--trials", "4", "--epochs", "3")
    assert code == 2
    assert "epochs 2 in the study, 3 here; leave out --epochs" in err


def test_of_two_promises_at_once_the_first_is_kept(tmp_path: Path) -> None:
    first, second = Promise(2, 1.0, 9, 1.0, 0.0), Promise(5, 1.0, 9, 1.0, 0.0)
    storage = open_storage(f"sqlite:///{tmp_path}/s.db")
    search = Search(small_objective(), "s", Plan(hours=1.0), storage, "random")
    write_down(kept(search, first).study(print), first)
    assert write_down(kept(search, second).study(print), second) == first
