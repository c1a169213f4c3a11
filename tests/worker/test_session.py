"""`work` runs trials until the plan is fulfilled, and leaves nothing half done."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, Trial, TrialState

from optunas.attributes import Outcome, conclude, evaluated, outcomes
from optunas.errors import StudyError
from optunas.process import signature, this_process
from optunas.storage import open_storage
from optunas.worker.recovery import put_back
from optunas.worker.session import FAILURES, Plan, work


class Told:
    """Writes down what the worker says."""

    def __init__(self) -> None:
        self.began_: list[int] = []
        self.ended_: list[int] = []
        self.notes: list[str] = []

    def began(self, trial: Trial) -> None:
        self.began_.append(trial.number)

    def ended(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self.ended_.append(trial.number)

    def note(self, line: str) -> None:
        self.notes.append(line)


pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def study() -> optuna.Study:
    return optuna.create_study()


def states(study: optuna.Study) -> list[str]:
    return [trial.state.name for trial in study.get_trials()]


def rejected(trial: Trial) -> float:
    conclude(trial, Outcome.REJECTED, "too large")
    raise optuna.TrialPruned


def test_trials_count_those_that_evaluated_a_network(study: optuna.Study) -> None:
    ends: dict[int, Callable[[Trial], float]] = {1: rejected, 3: lambda trial: 1 / 0}

    def objective(trial: Trial) -> float:
        if trial.number == 5:
            raise optuna.TrialPruned
        return ends.get(trial.number, lambda trial: 1.0)(trial)

    told = Told()
    work(study, objective, Plan(trials=4), told)
    assert states(study) == ["COMPLETE", "PRUNED", "COMPLETE", "FAIL", "COMPLETE", "PRUNED"]
    assert len(evaluated(study.trials)) == 4
    assert told.began_ == told.ended_ == [0, 1, 2, 3, 4, 5]
    assert study.trials[3].user_attrs["reason"] == "ZeroDivisionError: division by zero"


def test_a_second_call_does_the_rest_and_a_third_nothing(study: optuna.Study) -> None:
    for trials, held in ((2, 2), (5, 5), (5, 5), (3, 5)):
        work(study, lambda trial: 1.0, Plan(trials=trials), Told())
        assert len(study.trials) == held


def test_every_trial_is_signed(study: optuna.Study) -> None:
    work(study, lambda trial: 1.0, Plan(trials=2), Told())
    for trial in study.trials:
        signed = signature(trial)
        assert signed is not None
        assert signed["pid"] == os.getpid()


def test_hours_end_the_search(study: optuna.Study) -> None:
    def objective(trial: Trial) -> float:
        time.sleep(0.1)
        return 1.0

    started = time.monotonic()
    work(study, objective, Plan(hours=1.0 / 3600), Told())
    passed = time.monotonic() - started
    assert passed < 1.3
    assert 4 <= len(study.trials) <= 10
    assert set(states(study)) == {"COMPLETE"}


def test_no_trial_is_begun_that_would_probably_outlast_the_hours(study: optuna.Study) -> None:
    def objective(trial: Trial) -> float:
        time.sleep(0.4)
        return 1.0

    started = time.monotonic()
    work(study, objective, Plan(hours=0.7 / 3600), Told())
    assert len(study.trials) == 1
    assert time.monotonic() - started < 0.7


def test_trials_and_hours_end_it_whichever_comes_first(study: optuna.Study) -> None:
    work(study, lambda trial: 1.0, Plan(trials=3, hours=1), Told())
    assert len(study.trials) == 3


@pytest.mark.parametrize(
    "plan", [{"trials": 0}, {"trials": -4}, {"hours": 0}, {"hours": float("nan")}, {"hours": -1}]
)
def test_a_plan_wants_something(plan: dict[str, Any]) -> None:
    with pytest.raises(StudyError, match=r"at least 1 trial|more than 0 hours"):
        Plan(**plan)


def test_a_streak_of_failures_ends_in_an_error_with_the_last_reason(study: optuna.Study) -> None:
    with pytest.raises(StudyError, match=f"{FAILURES} trials in a row were failed.*broken 9"):
        work(study, lambda trial: _raise(RuntimeError(f"broken {trial.number}")), Plan(99), Told())
    assert states(study) == ["FAIL"] * FAILURES


def test_a_streak_of_rejections_ends_too(
    study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optunas.worker.session.REJECTIONS", 5)
    with pytest.raises(StudyError, match=r"5 trials in a row were rejected.*too large"):
        work(study, rejected, Plan(99), Told())


def _raise(error: BaseException) -> float:
    raise error


def test_a_sampler_that_is_through_ends_the_search_with_a_word() -> None:
    study = optuna.create_study(sampler=optuna.samplers.GridSampler({"x": [1, 2, 3]}))
    told = Told()
    work(study, lambda trial: trial.suggest_int("x", 1, 3), Plan(trials=99), told)
    assert len(study.trials) == 3
    assert told.notes == ["the sampler has nothing more to propose: the space is searched"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_mid_trial_marks_it_and_puts_it_back(
    study: optuna.Study, number: signal.Signals
) -> None:
    def objective(trial: Trial) -> float:
        x = trial.suggest_int("x", 0, 10**9)
        if trial.number == 1:
            os.kill(os.getpid(), number)
            time.sleep(5)
        return x

    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        work(study, objective, Plan(trials=3), Told())
    assert signal.getsignal(number) is before
    assert states(study) == ["COMPLETE", "FAIL", "WAITING"]
    work(study, objective, Plan(trials=3), Told())
    assert states(study) == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert study.trials[2].params == study.trials[1].params
    assert outcomes(study.trials)[1] is Outcome.INTERRUPTED


def test_a_signal_between_trials_waits_until_optuna_has_written(study: optuna.Study) -> None:
    class Sends(Told):
        def ended(self, study: optuna.Study, trial: FrozenTrial) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            super().ended(study, trial)

    told = Sends()
    with pytest.raises(KeyboardInterrupt):
        work(study, lambda trial: 1.0, Plan(trials=3), told)
    assert states(study) == ["COMPLETE"]
    assert told.ended_ == [0]


def test_outside_the_main_thread_signals_are_left_alone(study: optuna.Study) -> None:
    seen: list[Any] = []

    def objective(trial: Trial) -> float:
        seen.append(signal.getsignal(signal.SIGINT))
        return 1.0

    thread = threading.Thread(target=work, args=(study, objective, Plan(trials=2), Told()))
    thread.start()
    thread.join(10)
    assert states(study) == ["COMPLETE"] * 2
    assert seen == [signal.getsignal(signal.SIGINT)] * 2


@pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit()])
def test_what_is_no_exception_passes_through(study: optuna.Study, error: BaseException) -> None:
    with pytest.raises(type(error)):
        work(study, lambda trial: _raise(error), Plan(trials=2), Told())


def test_what_no_trial_waits_for_is_put_back_for_a_longer_search(study: optuna.Study) -> None:
    other = study.ask()  # another worker, with the last place
    other.set_user_attr("worker", {**this_process(), "trial": 0, "ticket": 1})

    class Late(Told):
        def note(self, line: str) -> None:
            super().note(line)
            if line.startswith("waiting for trial 0 (process"):
                study.tell(other, 1.0)

    told = Late()
    work(study, lambda trial: 1.0, Plan(trials=1), told)
    assert states(study) == ["COMPLETE"]
    assert len(told.notes) == 1


def test_a_place_that_was_taken_meanwhile_costs_no_training(
    study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []

    def objective(trial: Trial) -> float:
        ran.append(trial.number)
        return 1.0

    monkeypatch.setattr("optunas.worker.session.takes_place", lambda *args: ran != [])
    study.enqueue_trial({"x": 1}, user_attrs={"role": "baseline"})

    class Fills(Told):
        def ended(self, study: optuna.Study, trial: FrozenTrial) -> None:
            super().ended(study, trial)
            ran.append(-1)

    work(study, objective, Plan(trials=1), Fills())
    assert ran == [-1, 1, -1]
    assert states(study) == ["FAIL", "COMPLETE"]
    assert outcomes(study.trials)[0] is Outcome.INTERRUPTED
    assert study.trials[1].user_attrs["role"] == "baseline"


def test_a_failing_objective_after_an_interruption_is_not_put_back_for_ever(
    study: optuna.Study,
) -> None:
    calls: list[int] = []

    def objective(trial: Trial) -> float:
        calls.append(trial.number)
        if trial.number == 0:
            conclude(trial, Outcome.INTERRUPTED, "stopped")
            raise KeyboardInterrupt
        return float("nan") if trial.number < 3 else 1.0

    with pytest.raises(KeyboardInterrupt):
        work(study, objective, Plan(trials=1), Told())
    work(study, objective, Plan(trials=1), Told())
    assert calls == [0, 1, 2, 3]
    assert list(outcomes(study.trials).values()) == ["interrupted", "failed", "failed", "trained"]


def test_a_storage_that_fails_in_mid_search_is_named_as_the_cause(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/s.db")
    study = optuna.create_study(storage=storage)

    def objective(trial: Trial) -> float:
        if trial.number == 1:
            for file in tmp_path.iterdir():
                file.write_bytes(b"no database" * 1000)
        return 1.0

    with pytest.raises((optuna.exceptions.StorageInternalError, OSError)):
        work(study, objective, Plan(trials=3), Told())


def test_foreign_trials_that_still_run_are_waited_for_and_counted(tmp_path: Path) -> None:
    study = optuna.create_study()
    foreign = study.ask()

    def later() -> None:
        time.sleep(0.5)
        study.tell(foreign, 1.0)

    thread = threading.Thread(target=later)
    thread.start()
    told = Told()
    work(study, lambda trial: 1.0, Plan(trials=2), told)
    thread.join()
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 2
    assert told.notes == ["waiting for trial 0 (process ? on an unknown host)"]


LONG = 20.0


@contextmanager
def taken_over(study: optuna.Study, trial: Trial, url: str) -> Iterator[threading.Event]:
    """Another worker takes the trial over, meanwhile; it has done so at the end, and at the event.

    An event, for who is interrupted while waiting: a `Thread.join` that was interrupted once takes
    its thread for ended (Python 3.11, `Thread._wait_for_tstate_lock`).
    """
    is_done = threading.Event()

    def take() -> None:
        try:
            assert open_storage(url).give_up_on(study.study_name, trial.number, "silent")
            put_back(study, trial.number)
        finally:
            is_done.set()

    threading.Thread(target=take).start()
    try:
        yield is_done
    finally:
        is_done.wait()


@pytest.mark.parametrize("how", ["at once", "at the next report", "at the end"])
def test_who_has_lost_its_trial_stops_and_takes_another(tmp_path: Path, how: str) -> None:
    beat_s = 0.05 if how == "at once" else 1000
    storage = open_storage(f"sqlite:///{tmp_path}/s.db", beat_s=beat_s)
    study = optuna.create_study(storage=storage)
    told, began = Told(), time.monotonic()

    def objective(trial: Trial) -> float:
        x = trial.suggest_int("x", 0, 10**9)
        if trial.number == 0:
            with taken_over(study, trial, storage.address) as is_done:
                is_done.wait()
                if how == "at once":
                    time.sleep(LONG)
                if how == "at the next report":
                    trial.report(0.5, 1)
        return x

    work(study, objective, Plan(trials=2), told, storage)
    assert time.monotonic() - began < LONG
    assert states(study) == ["FAIL", "COMPLETE", "COMPLETE"]
    assert study.trials[1].params == study.trials[0].params
    assert told.notes == ["trial 0 was taken over by another worker, while this one was silent"]
    assert told.ended_ == [1, 2]


def test_who_loses_its_trial_in_an_import_finishes_that_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python keeps the parts of a module whose import was interrupted: it can't be had again."""
    (tmp_path / "slow_module.py").write_text(
        "import time\nend = time.monotonic() + 1.5\n"
        "while time.monotonic() < end:\n    time.sleep(0.01)\nwhole = True\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    storage = open_storage(f"sqlite:///{tmp_path}/s.db", beat_s=0.05)
    study = optuna.create_study(storage=storage)
    imported: list[bool] = []

    def objective(trial: Trial) -> float:
        if trial.number > 0:
            return 1.0
        with taken_over(study, trial, storage.address):
            import slow_module

            imported.append(slow_module.whole)
            time.sleep(LONG)
        return 0.0

    began = time.monotonic()
    work(study, objective, Plan(trials=2), Told(), storage)
    assert time.monotonic() - began < LONG
    assert imported == [True]
    assert states(study) == ["FAIL", "COMPLETE", "COMPLETE"]


def test_what_was_queued_twice_is_run_once(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/s.db")
    study = optuna.create_study(storage=storage)
    study.tell(study.ask(), state=TrialState.FAIL)
    for _ in range(2):
        put_back(study, 0)
    ran: list[int] = []
    work(study, lambda trial: ran.append(trial.number) or 1.0, Plan(trials=2), Told(), storage)
    assert ran == [1, 3]
    assert study.trials[2].user_attrs["outcome"] == "rejected"


@pytest.mark.parametrize("bad", [{"retries": -1}, {"grace_s": 0}])
def test_a_plan_that_can_not_be(bad: dict[str, Any]) -> None:
    with pytest.raises(StudyError, match="run again 0 times or more"):
        Plan(**bad)
