"""Fewer statements and the same storage: Optuna's contract, and what Optuna itself reads."""

import copy
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import sqlalchemy
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage, RDBStorage
from optuna.study import StudyDirection
from optuna.testing.pytest_storages import StorageTestCase
from optuna.trial import FrozenTrial, TrialState, create_trial

from optunas.storage import open_storage, quick, reading
from optunas.storage.quick import QuickStorage

from .emptied import emptied

FLOAT = FloatDistribution(1e-4, 1.0, log=True)
DRAWN: dict[str, BaseDistribution] = {
    "lr": FLOAT,
    "width": IntDistribution(8, 64, step=8),
    "op": CategoricalDistribution(["conv", "skip", 3, None, True]),
}


def opened(url: str) -> QuickStorage:
    storage = open_storage(url).inner
    assert isinstance(storage, QuickStorage)
    return storage


@pytest.fixture
def storage(url: str) -> QuickStorage:
    return opened(url)


@pytest.fixture
def study_id(storage: QuickStorage) -> int:
    return storage.create_new_study([StudyDirection.MAXIMIZE])


@pytest.fixture(scope="module")
def shared(postgresql_of_module: str) -> QuickStorage:
    """One for all tests of the contract: to make the tables takes longer than any of them. (On
    SQLite it is held to the contract as part of `SharedStorage`.)"""
    return opened(postgresql_of_module)


class TestContract(StorageTestCase):
    @pytest.fixture
    def storage(self, shared: QuickStorage) -> Iterator[BaseStorage]:
        yield from emptied(shared)


def random_value(distribution: BaseDistribution, rng: np.random.Generator) -> float:
    if isinstance(distribution, CategoricalDistribution):
        return float(rng.integers(len(distribution.choices)))
    if isinstance(distribution, IntDistribution):
        return float(8 * rng.integers(1, 9))
    return float(rng.uniform(0.1, 1.0))


def something(storage: QuickStorage, trial_id: int, rng: np.random.Generator) -> None:
    """Something happens to a trial."""
    known = storage.get_trial(trial_id)
    match rng.integers(6):
        case 0 if missing := sorted(DRAWN.keys() - known.params.keys()):
            name = missing[0]
            value = random_value(DRAWN[name], rng)
            storage.set_trial_param(trial_id, name, value, DRAWN[name])
        case 1:
            value = float(rng.choice([nan, inf, -inf, rng.normal()]))
            storage.set_trial_intermediate_value(trial_id, int(rng.integers(4)), value)
        case 2:
            storage.set_trial_user_attr(trial_id, "note", ["ü", int(rng.integers(9)), {"a": None}])
        case 3:
            storage.set_trial_system_attr(trial_id, "beat", float(rng.normal()))
        case 4 if rng.random() < 0.3:
            end = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)[rng.integers(3)]
            values = (
                [float(rng.choice([inf, rng.normal()]))] if end is TrialState.COMPLETE else None
            )
            storage.set_trial_state_values(trial_id, end, values)


def said(trials: list[FrozenTrial]) -> list[str]:
    """All that there is to a trial; NaN equals itself as a text. Parameters have an order."""
    return [
        repr([getattr(trial, name) for name in FIELDS])
        + repr([sorted(getattr(trial, name).items()) for name in UNORDERED])
        for trial in trials
    ]


FIELDS = [
    *("number", "state", "values", "params", "distributions"),
    *("datetime_start", "datetime_complete", "_trial_id"),
]
UNORDERED = ["user_attrs", "system_attrs", "intermediate_values"]


@pytest.mark.parametrize("limits", [{}, {"AT_ONCE": 3, "FEW": 1}], ids=["", "many"])
def test_whatever_happens_it_reads_what_optuna_reads(
    storage: QuickStorage, limits: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two studies that grow at once, read by us all the while and by Optuna anew."""
    for name, limit in limits.items():
        monkeypatch.setattr(reading, name, limit)
    rng = np.random.default_rng(0)
    studies = [storage.create_new_study([StudyDirection.MAXIMIZE]) for _ in range(2)]
    optunas = RDBStorage(storage.url)
    other = QuickStorage(storage.url)  # reads less often
    begun: list[int] = []
    for step in range(80):
        study_id = studies[rng.integers(2)]
        if rng.random() < 0.2:
            waiting = create_trial(state=TrialState.WAITING, system_attrs={"fixed": {"x": 1}})
            begun.append(storage.create_new_trial(study_id, waiting if step % 3 == 0 else None))
        for trial_id in begun:
            if not storage.get_trial(trial_id).state.is_finished() and rng.random() < 0.3:
                something(storage, trial_id, rng)
        for reader in (storage, other) if step % 10 == 0 else (storage,):
            for states in (None, (TrialState.WAITING,), (TrialState.RUNNING, TrialState.FAIL)):
                wanted = optunas.get_all_trials(study_id, states=states)
                assert said(reader.get_all_trials(study_id, states=states)) == said(wanted)
    ends = {t.state for study_id in studies for t in storage.get_all_trials(study_id)}
    assert ends == set(TrialState)


def test_all_of_a_trial_is_written_in_one_transaction(storage: QuickStorage, study_id: int) -> None:
    storage.create_new_trial(study_id)
    trial_id = storage.create_new_trial(study_id)
    commits = []
    sqlalchemy.event.listen(storage.engine, "commit", commits.append)
    drawn = {name: (random_value(d, np.random.default_rng(1)), d) for name, d in DRAWN.items()}
    for _ in range(2):  # an answer that was lost
        storage.write(trial_id, params=drawn, user={"a": 1, "b": [2]}, system={"c": {"d": None}})
    assert len(commits) == 2
    trial = storage.get_all_trials(study_id)[1]
    assert list(trial.params) == list(DRAWN)
    assert trial.distributions == DRAWN
    assert (trial.user_attrs, trial.system_attrs) == ({"a": 1, "b": [2]}, {"c": {"d": None}})


def test_a_choice_that_is_known_takes_one_statement(storage: QuickStorage, study_id: int) -> None:
    said: list[str] = []

    @sqlalchemy.event.listens_for(storage.engine, "before_cursor_execute")
    def hear(*given: Any) -> None:
        said.append(given[2])

    for number in range(2):
        trial_id = storage.create_new_trial(study_id)
        storage.set_trial_param(trial_id, "lr", 0.1, FLOAT)  # also makes known whose trial it is
        said.clear()
        storage.set_trial_param(trial_id, "lr", 0.01, FLOAT)
        storage.set_trial_param(trial_id, "lr", 0.02, FloatDistribution(1e-3, 0.1, log=True))
        written = [line for line in said if not line.startswith("BEGIN")]
        assert [line.split()[0] for line in written] == ["INSERT"] * 2
        with pytest.raises(ValueError, match=r"distribution|Distribution"):
            storage.set_trial_param(trial_id, "lr", 1, IntDistribution(1, 3))
        assert storage.get_trial(trial_id).params == {"lr": 0.02}
        assert storage.get_all_trials(study_id)[number].params == {"lr": 0.02}


def test_other_choices_than_the_studys_are_refused_and_nothing_is_written(
    storage: QuickStorage, study_id: int
) -> None:
    first, second = (storage.create_new_trial(study_id) for _ in range(2))
    storage.set_trial_param(first, "op", 0.0, CategoricalDistribution(["a", "b"]))
    for reader in (storage, QuickStorage(storage.url)):  # one that knows, one that has to ask
        other = {"lr": (0.5, FLOAT), "op": (0.0, CategoricalDistribution(["a", "c"]))}
        with pytest.raises(ValueError, match="dynamic value space"):
            reader.write(second, params=other, user={"a": 1})
    trial = storage.get_trial(second)
    assert (trial.params, trial.user_attrs) == ({}, {})


WRITES = [
    lambda storage, trial_id: storage.write(trial_id, user={"a": 1}),
    lambda storage, trial_id: storage.set_trial_user_attr(trial_id, "a", 1),
    lambda storage, trial_id: storage.set_trial_system_attr(trial_id, "a", 1),
    lambda storage, trial_id: storage.set_trial_intermediate_value(trial_id, 1, 1.0),
    lambda storage, trial_id: storage.set_trial_param(trial_id, "lr", 0.5, FLOAT),
]


@pytest.mark.parametrize("write", WRITES)
def test_a_trial_that_has_ended_is_not_written_any_more(
    storage: QuickStorage, study_id: int, write: Any
) -> None:
    trial_id = storage.create_new_trial(study_id)
    write(storage, trial_id)
    storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])
    with pytest.raises(UpdateFinishedTrialError):
        write(storage, trial_id)
    with pytest.raises(KeyError):
        write(storage, trial_id + 1000)


@pytest.mark.parametrize("before", [None, "nobody's", float("nan")])
def test_of_those_that_swap_at_once_one_does(
    url: str, storage: QuickStorage, study_id: int, before: Any
) -> None:
    if before is not None:
        storage.set_study_user_attr(study_id, "x", before)
    gate = threading.Barrier(4)

    def swap(number: int) -> bool:
        mine = opened(url)
        gate.wait()
        return mine.swap_study_user_attr(study_id, "x", before, number)

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(swap, range(4)))
    assert done.count(True) == 1
    assert storage.get_study_user_attrs(study_id) == {"x": done.index(True)}
    assert not storage.swap_study_user_attr(study_id, "x", before, 9)


def test_a_report_that_is_overwritten_is_seen_while_the_trial_runs(
    storage: QuickStorage, study_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "FEW", 1)
    trial_id = storage.create_new_trial(study_id)
    for value in (0.5, 0.25, -inf, inf, nan, 0.125):
        storage.set_trial_intermediate_value(trial_id, 1, value)
        for _ in range(3):  # read, compared, and known to be the same
            (trial,) = storage.get_all_trials(study_id)
            assert str(trial.intermediate_values) == str({1: value})


def test_a_deleted_study_is_no_more(storage: QuickStorage, study_id: int) -> None:
    storage.create_new_trial(study_id)
    reader = QuickStorage(storage.url)
    assert len(reader.get_all_trials(study_id)) == 1
    storage.delete_study(study_id)
    for one in (storage, reader):
        with pytest.raises(KeyError):
            one.get_all_trials(study_id)


def test_what_is_read_can_be_changed_where_a_copy_is_asked_for(
    storage: QuickStorage, study_id: int
) -> None:
    trial_id = storage.create_new_trial(study_id)
    storage.set_trial_user_attr(trial_id, "list", [1])
    storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])
    before = copy.deepcopy(storage.get_all_trials(study_id, deepcopy=False))
    storage.get_all_trials(study_id)[0].user_attrs["list"].append(2)
    assert storage.get_all_trials(study_id, deepcopy=False) == before


def test_it_travels_to_another_process(storage: QuickStorage, study_id: int) -> None:
    storage.create_new_trial(study_id)
    there = pickle.loads(pickle.dumps(storage))
    there.create_new_trial(study_id)
    assert len(storage.get_all_trials(study_id)) == len(there.get_all_trials(study_id)) == 2


def test_tables_of_another_version_are_optunas_business(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick, "SCHEMA", "v9.0.0.a")
    storage = open_storage(f"sqlite:///{tmp_path}/s.db")
    study = optuna.create_study(storage=storage)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    assert not isinstance(storage.inner, QuickStorage)
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 2
