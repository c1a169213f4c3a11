import contextlib
import logging
import sqlite3
import threading
from pathlib import Path
from typing import Any

import optuna
import pytest

from optunas.errors import StorageError, StudyError
from optunas.fingerprint import ATTRIBUTE, fingerprint_of
from optunas.pruners import ParetoPruner
from optunas.storage import open_storage
from optunas.study import create_study, load_study


@pytest.fixture
def storage() -> optuna.storages.BaseStorage:
    return optuna.storages.InMemoryStorage()


def draws(study: optuna.Study, trials: int) -> list[float]:
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=trials)
    return [trial.params["x"] for trial in study.trials]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, "optunas")
    return caplog


def test_a_study_is_optunas_own_and_is_found_by_its_tools(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    study = create_study("digits", storage=url, metric_names=["accuracy"])
    assert type(study) is optuna.Study
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    found = optuna.load_study(study_name="digits", storage=url)
    assert found.best_value == study.best_value
    assert found.metric_names == ["accuracy"]
    assert found.direction is optuna.study.StudyDirection.MAXIMIZE


def test_the_same_seed_repeats_and_another_does_not() -> None:
    def fresh(seed: int, sampler: str = "random") -> list[float]:
        return draws(create_study("s", storage="sqlite://", sampler=sampler, seed=seed), 15)

    assert fresh(0) == fresh(0)
    assert fresh(0, "tpe") == fresh(0, "tpe")
    assert not set(fresh(0)) & set(fresh(1))


def test_a_resumed_study_does_not_repeat_itself(storage: optuna.storages.BaseStorage) -> None:
    for _ in range(3):
        found = draws(create_study("s", storage=storage, sampler="random"), 5)
    assert len(set(found)) == 15


def test_a_resumed_study_repeats_another_resumed_alike() -> None:
    def twice() -> list[float]:
        storage = optuna.storages.InMemoryStorage()
        draws(create_study("s", storage=storage, sampler="tpe"), 12)
        return draws(create_study("s", storage=storage, sampler="tpe"), 4)

    assert twice() == twice()


def strategy(study: optuna.Study) -> dict[str, Any]:
    found = fingerprint_of(study)["strategy"]
    assert isinstance(found, dict)
    return found


def test_the_strategy_is_stored(storage: optuna.storages.BaseStorage) -> None:
    study = create_study("s", storage=storage, sampler="tpe(startup=5)", pruner=None, seed=3)
    assert strategy(study) == {"sampler": "tpe(startup=5)", "pruner": "none", "seed": 3}
    own = create_study("t", storage=storage, sampler=optuna.samplers.QMCSampler())
    assert strategy(own)["sampler"] == "QMCSampler"


def test_a_fingerprint_is_kept_and_another_is_refused(
    storage: optuna.storages.BaseStorage, said: pytest.LogCaptureFixture
) -> None:
    mine = {"limits": {"params": 500_000}, "data": "abc"}
    create_study("s", storage=storage, fingerprint=mine)
    study = create_study("s", storage=storage, fingerprint=mine)
    assert {"limits", "data", "optuna", "optunas", "strategy"} == set(fingerprint_of(study))
    other = mine | {"limits": {"params": 10**6}}
    with pytest.raises(StudyError, match="limits: params 500000 in the study, 1000000 here"):
        create_study("s", storage=storage, fingerprint=other)
    assert said.messages == []
    create_study("s", storage=storage, fingerprint=other, anyway=True)
    assert len(said.messages) == 1
    assert fingerprint_of(study)["limits"] == {"params": 500_000}


def test_resuming_with_the_same_settings_is_silent(
    storage: optuna.storages.BaseStorage, said: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        create_study("s", storage=storage, metric_names=["f1"])
    assert said.text == ""


def test_resuming_with_others_says_so_and_continues(
    storage: optuna.storages.BaseStorage, said: pytest.LogCaptureFixture
) -> None:
    draws(create_study("s", storage=storage), 2)
    study = create_study("s", storage=storage, sampler="random", seed=4)
    line = (
        "this study was created with sampler 'tpe', seed 0; continues with sampler 'random', seed 4"
    )
    assert said.messages == [line]
    assert len(draws(study, 2)) == 4
    assert strategy(study)["sampler"] == "tpe"

    lines: list[str] = []
    create_study("s", storage=storage, sampler="random", seed=4, on_change=lines.append)
    assert lines == [line]
    assert said.messages == [line]


def test_a_study_that_optuna_created_is_adopted(storage: optuna.storages.BaseStorage) -> None:
    optuna.create_study(study_name="s", storage=storage, direction="maximize")
    study = create_study("s", storage=storage, sampler="random", metric_names=["f1"])
    assert strategy(study)["sampler"] == "random"
    assert study.metric_names == ["f1"]


@pytest.mark.parametrize("nonsense", ["<b>nonsense</b>", {"strategy": [1]}, {"strategy": "x"}])
def test_what_a_stranger_wrote_does_no_harm(
    nonsense: Any, storage: optuna.storages.BaseStorage
) -> None:
    create_study("s", storage=storage).set_user_attr(ATTRIBUTE, nonsense)
    study = create_study("s", storage=storage, fingerprint={"data": "abc"})
    assert fingerprint_of(study)["data"] == "abc"


def test_directions_and_metrics_stay(storage: optuna.storages.BaseStorage) -> None:
    create_study("s", storage=storage, metric_names=["accuracy"])
    with pytest.raises(StudyError, match="'s' has maximize, asked was minimize: take another"):
        create_study("s", storage=storage, directions=["minimize"])
    with pytest.raises(StudyError, match="has maximize, asked was maximize, minimize"):
        create_study("s", storage=storage, directions=["maximize", "minimize"])
    with pytest.raises(StudyError, match="has accuracy, asked was f1"):
        create_study("s", storage=storage, metric_names=["f1"])


def test_several_objectives_are_pruned_by_what_is_dominated(
    storage: optuna.storages.BaseStorage,
) -> None:
    two = {"storage": storage, "directions": ["maximize", "minimize"]}
    assert isinstance(create_study("s", metric_names=["f1", "params"], **two).pruner, ParetoPruner)
    assert strategy(load_study("s", storage))["pruner"] == "median"
    assert isinstance(create_study("t", pruner="pareto(dominators=5)", **two).pruner, ParetoPruner)
    assert isinstance(create_study("u", pruner=None, **two).pruner, optuna.pruners.NopPruner)
    own = optuna.pruners.MedianPruner()
    assert create_study("v", pruner=own, **two).pruner is own
    with pytest.raises(StudyError, match="'halving' serves one objective; the study has 2: take"):
        create_study("w", pruner="halving", **two)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": ""}, "1 to 512 characters"),
        ({"name": "x" * 513}, "1 to 512 characters"),
        ({"name": "a\0b"}, "no zero byte"),
        ({"directions": "maximize"}, "'minimize' or 'maximize' each; got 'maximize'"),
        ({"directions": ["up"]}, "'minimize' or 'maximize' each"),
        ({"directions": []}, "one direction for each metric"),
        ({"metric_names": ["a", "b"]}, "one direction for each metric"),
        ({"sampler": "tpee"}, "Did you mean 'tpe'"),
        ({"pruner": "medain"}, "Did you mean 'median'"),
    ],
)
def test_wrong_settings_create_nothing(
    wrong: dict[str, Any], message: str, storage: optuna.storages.BaseStorage
) -> None:
    with pytest.raises(StudyError, match=message):
        create_study(**({"name": "s", "storage": storage} | wrong))
    assert optuna.get_all_study_names(storage) == []


ODD_NAMES = [
    "a b/c",
    "Größe 模型 🙂",
    'quote\'s "name"',
    "line\nbreak",
    "%s {x} <b>",
    "-x",
    "x" * 512,
]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_odd_names(kind: str, request: pytest.FixtureRequest, tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    if kind == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    opened = open_storage(url)
    for name in ODD_NAMES:
        create_study(name, storage=opened)
        assert load_study(name, opened).study_name == name


def test_load_by_name_or_the_only_one(storage: optuna.storages.BaseStorage) -> None:
    with pytest.raises(StudyError, match="it holds none yet; run a search first"):
        load_study(storage=storage)
    create_study("digits", storage=storage)
    assert load_study(storage=storage).study_name == "digits"
    create_study("cifar10", storage=storage)
    with pytest.raises(StudyError, match="several: cifar10, digits; name one"):
        load_study(storage=storage)
    with pytest.raises(StudyError, match="Did you mean 'digits'"):
        load_study("digist", storage)


def test_loading_creates_nothing(tmp_path: Any) -> None:
    with pytest.raises(StorageError, match="no studies yet"):
        load_study("s", f"sqlite:///{tmp_path}/s.db")
    assert list(tmp_path.iterdir()) == []


def test_a_storage_that_breaks_later_is_explained(tmp_path: Any) -> None:
    opened = open_storage(f"sqlite:///{tmp_path}/s.db")
    with contextlib.closing(sqlite3.connect(tmp_path / "s.db")) as file:
        file.execute("DROP TABLE studies")
    with pytest.raises(StorageError, match=r"s\.db: the database failed: no such table: studies"):
        create_study("s", storage=opened)


def test_optunas_own_log_level_is_left_alone(storage: optuna.storages.BaseStorage) -> None:
    before = optuna.logging.get_verbosity()
    create_study("s", storage=storage)
    assert optuna.logging.get_verbosity() == before


def test_of_two_that_create_it_at_once_with_other_facts_one_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    open_storage(url)
    gate = threading.Barrier(3)
    ends: list[str] = []

    def worker(number: int) -> None:
        opened = open_storage(url)
        gate.wait()
        try:
            create_study("s", storage=opened, fingerprint={"limits": {"params": number}})
            ends.append("joined")
        except StudyError as error:
            ends.append("refused" if "limits: params" in str(error) else str(error))

    threads = [threading.Thread(target=worker, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["joined", "refused", "refused"]


def test_a_study_whose_maker_died_before_it_wrote_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optunas.fingerprint.WAIT_SECONDS", 0.3)
    url = f"sqlite:///{tmp_path}/s.db"
    optuna.create_study(study_name="s", storage=url, direction="maximize")
    study = create_study("s", storage=url, fingerprint={"limits": {"params": 1}})
    assert fingerprint_of(study)["limits"] == {"params": 1}
