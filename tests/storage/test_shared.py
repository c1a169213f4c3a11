"""The wrapped storage: Optuna's own contract, and what must not happen twice.

An unreliable storage stands in for a database that goes away: each call fails before or after it
was carried out, by a plan. The reliability scripts do the same with real servers.
"""

import copy
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
import sqlalchemy
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.testing.pytest_storages import StorageTestCase
from optuna.trial import FrozenTrial, TrialState

from optunas.attributes import at_once
from optunas.process import BEAT, TOKEN, signature, this_process
from optunas.storage import SharedStorage, open_storage, shared
from optunas.worker.recovery import put_back


@pytest.fixture(autouse=True)
def _spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTUNAS_SPOOL", str(tmp_path / "spool"))


class Unmarked(SharedStorage):
    """Without the marks that it leaves in each trial, which the contract does not foresee."""

    def get_trial(self, trial_id: int) -> FrozenTrial:
        return unmarked(super().get_trial(trial_id))

    def get_trial_system_attrs(self, trial_id: int) -> dict[str, Any]:
        return self.get_trial(trial_id).system_attrs

    def get_all_trials(self, study_id: int, deepcopy: bool = True, states: Any = None) -> Any:
        return list(map(unmarked, super().get_all_trials(study_id, deepcopy, states)))


def unmarked(trial: FrozenTrial) -> FrozenTrial:
    trial = copy.deepcopy(trial)
    trial.user_attrs = {k: v for k, v in trial.user_attrs.items() if k != "worker"}
    trial.system_attrs = {k: v for k, v in trial.system_attrs.items() if k != TOKEN}
    return trial


class TestContract(StorageTestCase):
    @pytest.fixture(params=["memory", "sqlite", "journal"])
    def storage(self, request: pytest.FixtureRequest, tmp_path: Path) -> BaseStorage:
        urls = {
            "memory": "sqlite:///:memory:",
            "sqlite": f"sqlite:///{tmp_path}/s.db",
            "journal": f"journal:///{tmp_path}/s.log",
        }
        opened = open_storage(urls[request.param])
        return Unmarked(opened.inner, opened.address)


def gone() -> Exception:
    return sqlalchemy.exc.OperationalError(
        "SELECT", {}, Exception("server closed the connection"), connection_invalidated=True
    )


class Unreliable(InMemoryStorage):
    """Fails where `fails` says so: `("create_new_trial", "after")` once, for instance."""

    def __init__(self) -> None:
        super().__init__()
        self.fails: list[tuple[str, str]] = []
        self.calls: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith(("create", "set_trial_state")):
            return self._broken(name, found)
        return found

    def _broken(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def broken(*args: Any, **named: Any) -> Any:
            self.calls.append(name)
            if (name, "before") in self.fails:
                self.fails.remove((name, "before"))
                raise gone()
            answer = call(*args, **named)
            if (name, "after") in self.fails:
                self.fails.remove((name, "after"))
                raise gone()
            return answer

        return broken


@pytest.fixture
def inner() -> Unreliable:
    return Unreliable()


@pytest.fixture
def storage(inner: Unreliable) -> SharedStorage:
    return open_storage(inner, beat_s=1000)


@pytest.fixture
def study(storage: SharedStorage) -> optuna.Study:
    return optuna.create_study(storage=storage, study_name="s")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_trial_is_made_once(inner: Unreliable, study: optuna.Study, when: str) -> None:
    inner.fails = [("create_new_trial", when)] * 3
    trial = study.ask()
    assert [t.number for t in study.trials] == [trial.number] == [0]
    study.enqueue_trial({"x": 1})
    assert [t.state for t in study.trials] == [TrialState.RUNNING, TrialState.WAITING]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_value_is_told_once(inner: Unreliable, study: optuna.Study, when: str) -> None:
    trial = study.ask()
    inner.fails = [("set_trial_state_values", when)] * 2
    study.tell(trial, 0.5)
    assert study.trials[0].value == 0.5
    assert inner.fails == ([] if when == "before" else [("set_trial_state_values", "after")])
    inner.fails = []
    with pytest.raises(ValueError, match="Cannot tell a COMPLETE trial"):
        study.tell(trial, 0.7)


def test_another_end_than_ours_is_not_taken_for_ours(
    inner: Unreliable, storage: SharedStorage, study: optuna.Study
) -> None:
    trial_id = study.ask()._trial_id
    inner.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.7])
    inner.fails = [("set_trial_state_values", "before")]
    with pytest.raises(UpdateFinishedTrialError):
        storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [0.5])


def test_a_queued_trial_whose_claim_was_not_answered_is_nobodys(
    inner: Unreliable, study: optuna.Study
) -> None:
    study.enqueue_trial({"x": 1})
    inner.fails = [("set_trial_state_values", "after")]
    assert study.ask().number == 1
    assert study.trials[0].state is TrialState.RUNNING
    assert signature(study.trials[0]) is None


def test_each_trial_is_signed_by_who_runs_it(study: optuna.Study) -> None:
    study.enqueue_trial({"x": 1}, user_attrs={"worker": "an inherited one"})
    assert "worker" not in study.trials[0].user_attrs
    study.ask()
    study.ask()
    for trial in study.trials:
        signed = signature(trial)
        assert signed is not None
        assert signed.items() >= this_process().items()
        assert signed["beat_s"] == 1000
    assert len({trial.system_attrs[TOKEN] for trial in study.trials}) == 2


def test_what_never_answers_is_a_storage_error_with_its_cause() -> None:
    inner = Unreliable()
    study = optuna.create_study(storage=open_storage(inner, patience_s=0))
    inner.fails = [("create_new_trial", "before")]
    with pytest.raises(StorageInternalError) as caught:
        study.ask()
    assert isinstance(caught.value.__cause__, sqlalchemy.exc.OperationalError)


def test_a_value_that_could_not_be_told_is_handed_in_by_the_next_start(
    inner: Unreliable, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = optuna.create_study(storage=open_storage(inner, patience_s=0), study_name="s")
    first, second, third = (study.ask() for _ in range(3))
    inner.fails = [("set_trial_state_values", "before")] * 3
    for trial, value in ((first, 0.25), (second, 0.5), (third, 0.75)):
        with pytest.raises(StorageInternalError):
            study.tell(trial, value)
    inner.set_trial_state_values(second._trial_id, TrialState.FAIL)  # another has taken it over

    later = open_storage(inner)
    assert list(later.hand_in()) == []  # this process lives, and may still tell them
    monkeypatch.setattr("optunas.storage.spool.is_dead", lambda process: True)
    assert sorted(later.hand_in()) == [0, 2]
    assert list(later.hand_in()) == []
    assert [(t.state.name, t.value) for t in study.trials] == [
        ("COMPLETE", 0.25),
        ("FAIL", None),
        ("COMPLETE", 0.75),
    ]
    assert list(later.spool.folder.iterdir()) == []


def test_a_record_of_another_database_is_not_told_to_this_one(
    inner: Unreliable, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = optuna.create_study(storage=open_storage(inner, patience_s=0))
    trial = study.ask()
    inner.fails = [("set_trial_state_values", "before")]
    with pytest.raises(StorageInternalError):
        study.tell(trial, 0.25)
    monkeypatch.setattr("optunas.storage.spool.is_dead", lambda process: True)
    other = open_storage(InMemoryStorage())
    other.spool = open_storage(inner).spool
    new = optuna.create_study(storage=other)
    new.ask()
    assert list(other.hand_in()) == []
    assert new.trials[0].state is TrialState.RUNNING


def test_the_heart_beats_while_a_trial_runs_and_survives_errors(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/s.db", beat_s=0.02)
    study = optuna.create_study(storage=storage)
    trial = study.ask()
    beats = {heard(study, trial.number) for _ in range(3)}
    assert len(beats) == 3
    write, storage.inner.set_trial_system_attr = storage.inner.set_trial_system_attr, failing
    threading.Event().wait(0.1)
    storage.inner.set_trial_system_attr = write  # type: ignore[method-assign]
    assert heard(study, trial.number) not in beats
    study.tell(trial, 1.0)
    assert not storage.pulse.holds(trial._trial_id)


def heard(study: optuna.Study, number: int) -> Any:
    """A heartbeat that comes from now on."""
    before = study.trials[number].system_attrs.get(BEAT)
    for _ in range(500):
        beat = study.trials[number].system_attrs.get(BEAT)
        if beat != before:
            return beat
        threading.Event().wait(0.01)
    raise AssertionError("no heartbeat in 5 s")


def failing(*args: Any) -> None:
    raise gone()


def test_who_has_lost_a_trial_hears_of_it(inner: Unreliable) -> None:
    storage = open_storage(inner, beat_s=0.02)
    study = optuna.create_study(storage=storage)
    lost: list[int] = []
    storage.pulse.on_lost = lost.append
    trial = study.ask()
    inner.set_trial_state_values(trial._trial_id, TrialState.FAIL)
    for _ in range(500):
        if lost:
            break
        threading.Event().wait(0.01)
    assert lost == [trial._trial_id]
    assert not storage.pulse.holds(trial._trial_id)


def test_a_storage_travels_to_another_process() -> None:
    storage = open_storage("sqlite:///:memory:", beat_s=3, patience_s=4)
    study_id = storage.create_new_study([optuna.study.StudyDirection.MINIMIZE], "s")
    again: SharedStorage = pickle.loads(pickle.dumps(storage))
    assert (again.pulse.beat_s, again.patience.seconds) == (3, 4)
    assert again.get_study_name_from_id(study_id) == "s"


def test_after_each_failure_the_threads_session_is_forgotten(tmp_path: Path) -> None:
    """A database that goes away may leave one in which nothing succeeds any more."""
    rdb = optuna.storages.RDBStorage(f"sqlite:///{tmp_path}/s.db")
    storage = open_storage(rdb)
    sessions: list[Any] = []

    def fails_once(*args: Any) -> str:
        sessions.append(rdb.scoped_session())
        if len(sessions) == 1:
            raise gone()
        return "done"

    assert storage.patience(fails_once) == "done"
    assert sessions[0] is not sessions[1]


def test_what_is_gathered_is_written_at_the_end_in_one_go(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/s.db")
    study = optuna.create_study(storage=storage)
    trial = study.ask()
    written: list[str] = []

    @sqlalchemy.event.listens_for(storage.inner.engine, "before_cursor_execute")  # type: ignore[attr-defined]
    def _(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith("INSERT"):
            written.append(statement)

    with at_once(trial):
        for name in "abc":
            trial.suggest_float(name, 0, 1)
            trial.set_user_attr(name, [name])
        trial.set_constraint("size", -1.0)
        assert trial.constraints == {"size": -1.0}  # its own system attributes it knows
        with at_once(trial):  # part of what goes on outside
            trial.set_user_attr("d", 1)
        assert not written
    assert len(written) == 3  # parameters, and both kinds of attributes
    (stored,) = study.trials
    assert stored.params == trial.params
    assert stored.user_attrs == trial.user_attrs
    assert stored.constraints == {"size": -1.0}


def test_what_was_gathered_before_an_error_is_kept(study: optuna.Study) -> None:
    def refuses(trial: optuna.Trial) -> float:
        with at_once(trial):
            trial.suggest_float("x", 0, 1)
            trial.set_user_attr("reason", "too large")
            raise optuna.TrialPruned

    study.optimize(refuses, n_trials=1)
    (stored,) = study.trials
    assert stored.state is TrialState.PRUNED
    assert list(stored.params) == ["x"]
    assert stored.user_attrs["reason"] == "too large"


def test_a_trial_of_a_plain_study_is_written_as_ever() -> None:
    study = optuna.create_study()
    trial = study.ask()
    with at_once(trial):
        trial.set_user_attr("a", 1)
        assert study.trials[0].user_attrs == {"a": 1}


def test_who_lost_a_trial_hears_of_it_when_what_was_gathered_is_written(
    study: optuna.Study,
) -> None:
    def loses(trial: optuna.Trial) -> None:
        with at_once(trial):
            trial.suggest_float("x", 0, 1)
            study.tell(trial.number, state=TrialState.FAIL)

    with pytest.raises(UpdateFinishedTrialError):
        loses(study.ask())


def test_what_goes_on_comes_before_what_begins(study: optuna.Study) -> None:
    for x in range(3):
        study.enqueue_trial({"x": x})
    first = study.ask()
    study.tell(first, state=TrialState.FAIL)
    put_back(study, first.number)
    study.enqueue_trial({"x": 9}, user_attrs={"promotes": 0})
    assert [study.ask().number for _ in range(4)] == [3, 4, 1, 2]


def test_a_look_at_all_trials_spares_the_next_look_at_those_that_have_ended(
    inner: Unreliable, storage: SharedStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "FRESH", 1e9)
    read: list[Any] = []
    everything = inner.get_all_trials

    def counted(study_id: int, deepcopy: bool = True, states: Any = None) -> Any:
        read.append(states)
        return everything(study_id, deepcopy, states)

    monkeypatch.setattr(inner, "get_all_trials", counted)
    study = optuna.create_study(storage=storage)
    first, second = study.ask(), study.ask()
    study.tell(first, 1.0)
    read.clear()
    study.get_trials(deepcopy=False)
    for _ in range(3):
        (ended,) = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        assert ended.number == 0
    assert read == [None]
    study.tell(second, 2.0)  # our own are never missed
    assert len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))) == 2
    assert len(study.get_trials(deepcopy=True, states=(TrialState.COMPLETE,))) == 2
    assert read == [None, shared.FINISHED]


def test_what_was_read_while_a_trial_ended_is_not_kept(
    inner: Unreliable, storage: SharedStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "FRESH", 1e9)
    study = optuna.create_study(storage=storage)
    trial = study.ask()
    everything = inner.get_all_trials

    def ends_meanwhile(*given: Any, **named: Any) -> Any:
        found = copy.deepcopy(everything(*given, **named))
        monkeypatch.setattr(inner, "get_all_trials", everything)
        study.tell(trial, 1.0)  # by another thread, say
        return found

    monkeypatch.setattr(inner, "get_all_trials", ends_meanwhile)
    assert study.get_trials(deepcopy=False)[0].state is TrialState.RUNNING
    assert len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))) == 1
