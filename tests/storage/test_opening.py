import contextlib
import gc
import logging
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from optunas.errors import StorageError
from optunas.storage import describe, explained, masked, open_storage

WORKER = """
import sys, time, optuna
from optunas.storage import open_storage

url, todo = sys.argv[1], int(sys.argv[2])
study = optuna.create_study(storage=open_storage(url), study_name="s", load_if_exists=True)

def objective(trial):
    x = trial.suggest_float("x", 0, 1)
    trial.suggest_categorical("op", ["conv", "skip"])
    for epoch in range(1, 6):
        trial.report(x / epoch, epoch)
        trial.should_prune()
    trial.set_user_attr("key", "a" * 500)
    return x

study.optimize(objective, n_trials=todo)
"""


def start_worker(url: str, todo: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WORKER, url, str(todo)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([top, os.environ.get("PYTHONPATH", "")]))
    monkeypatch.delenv("OPTUNAS_STORAGE", raising=False)
    monkeypatch.chdir(tmp_path)


def test_a_study_is_resumed_elsewhere(url: str) -> None:
    study = optuna.create_study(storage=open_storage(url), study_name="s")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    _, errors = (worker := start_worker(url, 2)).communicate()
    assert worker.returncode == 0, errors
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 4
    assert list(study.trials[2].intermediate_values) == [1, 2, 3, 4, 5]


def test_two_processes_at_once_on_one_new_sqlite_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/studies.db"
    workers = [start_worker(url, 10) for _ in range(2)]
    for worker in workers:
        _, errors = worker.communicate()
        assert worker.returncode == 0, errors
        assert "locked" not in errors
    trials = optuna.load_study(study_name="s", storage=url).trials
    assert [trial.number for trial in trials] == list(range(20))
    assert all(len(trial.intermediate_values) == 5 for trial in trials)


def test_the_default_is_a_file_in_the_current_folder(tmp_path: Path) -> None:
    assert describe(open_storage()) == "sqlite:///optunas.db"
    assert (tmp_path / "optunas.db").is_file()


def test_the_environment_names_the_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTUNAS_STORAGE", " sqlite:///other.db\n")
    assert describe(open_storage(None)) == "sqlite:///other.db"
    assert [path.name for path in tmp_path.glob("*.db")] == ["other.db"]


def test_storage_objects_are_taken_as_they_are() -> None:
    storage = optuna.storages.InMemoryStorage()
    opened = open_storage(storage)
    assert opened.inner is storage
    assert open_storage(opened) is opened
    assert describe(opened) == describe(storage) == "InMemoryStorage"
    assert describe(open_storage(optuna.storages.RDBStorage("sqlite:///s.db"))) == "sqlite:///s.db"


def test_a_file_names_the_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "url").write_text("sqlite:///other.db\n# the studies\n")
    assert describe(open_storage("@url")) == "sqlite:///other.db"
    monkeypatch.setenv("OPTUNAS_STORAGE", f"@{tmp_path}/url")
    assert describe(open_storage()) == "sqlite:///other.db"
    with pytest.raises(StorageError, match="must be readable; @absent: No such file"):
        open_storage("@absent")


def test_sqlite_in_memory_serves_several_threads() -> None:
    study = optuna.create_study(storage=open_storage("sqlite:///:memory:"))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=6, n_jobs=2)
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}


def test_sqlite_keeps_a_write_ahead_log_and_optuna_opens_it_too() -> None:
    open_storage("sqlite:///studies.db")
    with sqlite3.connect("studies.db") as file:
        assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert optuna.get_all_study_names("sqlite:///studies.db") == []


def test_braces_in_a_folder_name_mean_themselves(tmp_path: Path) -> None:
    (tmp_path / "{a}").mkdir()
    open_storage("sqlite:///{a}/studies.db")
    assert (tmp_path / "{a}" / "studies.db").is_file()


def test_a_journal_runs_a_study(tmp_path: Path) -> None:
    for _ in range(2):
        study = optuna.create_study(
            storage=open_storage("journal:///studies.log"), study_name="s", load_if_exists=True
        )
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    assert len(study.trials) == 4
    assert (tmp_path / "studies.log").is_file()


def test_no_warning_is_left_over(recwarn: pytest.WarningsRecorder) -> None:
    gc.collect()  # what other tests have left open is not meant
    recwarn.clear()
    optuna.create_study(storage=open_storage("sqlite:///studies.db"))
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize("create", ["sqlite:///absent.db", "journal:///absent.log"])
def test_reading_makes_no_file(create: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no studies yet"):
        open_storage(create, create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("setting", [{"beat_s": 0}, {"patience_s": -1}])
def test_no_time_is_negative(setting: dict[str, float]) -> None:
    with pytest.raises(StorageError, match="heartbeat takes more than 0 s"):
        open_storage("sqlite:///studies.db", **setting)  # type: ignore[arg-type]


SERVER = "postgresql+psycopg://u:hunter2@127.0.0.1:9/x"
BAD = [
    ("", "a storage is a URL"),
    ("studies.db", "write sqlite:///studies.db"),
    ("/data/studies.db", "write sqlite:////data/studies.db"),
    ("u:hunter2@host/x", "a storage is a URL"),
    ("sqlite://studies.db", "three slashes"),
    ("sqlite:///absent/studies.db", "mkdir -p absent"),
    ("sqlite:///.", "is a folder"),
    ("sqlite:///notes.txt", "no SQLite database"),
    ("journal://studies.log", "journal:///studies.log"),
    ("journal:///absent/studies.log", "mkdir -p absent"),
    (SERVER, "no database server answers"),
    (SERVER + "?password=hunter2", "no database server answers"),
    (SERVER.replace("hunter2", "hun/ter2"), "no database server answers"),
    (SERVER.replace("hunter2", "hun?ter2"), "no database server answers"),
    (SERVER.replace("hunter2", "hun@ter2"), "@ as %40"),
    (SERVER.replace("hunter2", "hun{t}er2"), "{ as %7B"),
    (SERVER.replace("hunter2", "hunt{er2"), "{ as %7B"),
    (SERVER.replace(":9", ":port"), "no URL of a database"),
    ("postgresql+psycopg://u:hunter2", "no URL of a database"),
    (SERVER + "?wrong=1", 'invalid connection option "wrong"'),
    ("postgres://u:hunter2@host/x", r"write postgresql\+psycopg"),
    ("postgresql+nodriver://u:hunter2@host/x", r"pip install 'optunas\[postgresql\]'"),
    ("mysql+nodriver://u:hunter2@host/x", r"pip install 'optunas\[mysql\]'"),
    ("mysql+pymysql://u:hunter2@127.0.0.1:9/x", "no database server answers"),
    ("nosuch://u:hunter2@host/x", "no driver for 'nosuch'"),
    ("redis://:hunter2@host/x", "no driver for 'redis'"),
    ("grpc://127.0.0.1", "written as grpc://host:port"),
    ("grpc://u:hunter2@host:1", "written as grpc://host:port"),
]


@pytest.mark.parametrize(("bad", "way_out"), BAD)
def test_what_keeps_it_from_opening_is_said_in_a_line_without_passwords(
    bad: str, way_out: str, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("not a database, and longer than a header of one" * 50)
    before = (tmp_path / "notes.txt").read_bytes()
    with pytest.raises(StorageError, match=way_out) as caught:
        open_storage(bad)
    shown = "".join(traceback.format_exception(caught.value)).split("Error: ", 1)[1]
    assert len(str(caught.value).splitlines()) == 1
    for secret in ("hunter2", "ter2", "hun{t}er2", "hunt{er2"):
        assert secret not in shown
    assert (tmp_path / "notes.txt").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_server_that_starts_late_is_waited_for() -> None:
    for wait_s in (0.0, 1.0):
        began = time.monotonic()
        with pytest.raises(StorageError, match="no database server answers"):
            open_storage(SERVER, wait_s=wait_s)
        assert (time.monotonic() - began >= 1) is (wait_s == 1)


def test_a_driver_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StorageError, match=r"pip install 'optunas\[postgresql\]'"):
        open_storage(SERVER)


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_no_such_database(kind: str, request: pytest.FixtureRequest) -> None:
    server = str(request.getfixturevalue(f"{kind}_url"))
    with pytest.raises(StorageError, match="CREATE DATABASE"):
        open_storage(re.sub(r"optunas_\w+", "optunas_absent", server))


def test_a_wrong_password(mysql_url: str) -> None:
    with pytest.raises(StorageError, match="refuses this user or password") as caught:
        open_storage(re.sub(r"//[^@]*@", "//nobody:hunter2@", mysql_url))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("revision", "way_out"),
    [
        ("v3.0.0.d", r"optuna storage upgrade --storage sqlite:///studies\.db"),
        ("v9.0.0.a", "pip install -U optuna"),
    ],
)
def test_tables_of_another_optuna(revision: str, way_out: str) -> None:
    open_storage("sqlite:///studies.db")
    with sqlite3.connect("studies.db") as file:
        file.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    with pytest.raises(StorageError, match=way_out):
        open_storage("sqlite:///studies.db")


@pytest.fixture
def folder_of_others() -> Iterator[Path]:
    """A folder where this process may read and not write, whether or not it began as root."""
    with tempfile.TemporaryDirectory() as name:
        with contextlib.closing(sqlite3.connect(f"{name}/studies.db")) as file:
            file.execute("CREATE TABLE t (a)")
        (Path(name) / "studies.db").chmod(0o444)
        Path(name).chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            if root:
                os.seteuid(0)
            Path(name).chmod(0o755)


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
@pytest.mark.parametrize("name", ["new.db", "studies.db"])
def test_an_unwritable_folder_or_file(folder_of_others: Path, name: str) -> None:
    with pytest.raises(StorageError, match="can't be opened for writing; choose another folder"):
        open_storage(f"sqlite:///{folder_of_others}/{name}")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///a b.db", "sqlite:///a b.db"),
        ("postgresql+psycopg://u:p%40ss@h:1/x", "postgresql+psycopg://u:***@h:1/x"),
        ("mysql+pymysql://u@h/x?ssl_ca=a", "mysql+pymysql://u@h/x?ssl_ca=a"),
        ("postgresql://h/x?user=u&sslpassword=p", "postgresql://h/x?sslpassword=***&user=u"),
        ("postgresql://u:p@h/x?a=b@c", "postgresql://u:***@h/x?a=b%40c"),
        ("postgresql://u:a@b@h/x", "postgresql://***@h/x"),
        ("postgresql://u:p:q", "postgresql://u:***"),
        ("u:p@h", "***@h"),
        ("optunas.db", "optunas.db"),
    ],
)
def test_masked(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_explained_leaves_other_errors_alone(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeyError), explained("sqlite:///studies.db"):
        raise KeyError("x")
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(StorageError, match=r"the database failed: bad \*\*\* given"),
        explained("postgresql://u:hunter2@h/x"),
    ):
        raise optuna.exceptions.StorageInternalError("bad hunter2 given")
    assert "hunter2" not in caplog.text
