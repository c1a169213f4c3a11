"""Open the storage of a study by URL, with the settings that a search needs.

| URL | for |
|---|---|
| ``sqlite:///studies.db`` | one machine, a few workers; four slashes for an absolute path |
| ``postgresql+psycopg://user:password@host/name`` | many machines (extra ``postgresql``) |
| ``mysql+pymysql://user:password@host/name`` | MySQL or MariaDB, likewise (extra ``mysql``) |
| ``journal:///studies.log`` | a shared folder without a database server; no heartbeat |

The settings. SQLite: writers wait up to a minute for each other, and a write-ahead log lets readers
go on meanwhile (not on network folders; take a server or a journal there). Servers: a connection is
tested before use and renewed after half an hour; one is kept by each worker, more are opened as
threads need them. All but the journal: a worker tells every 15 s that it lives; the trial of
one that has been silent for a minute is failed by the next worker and queued again, three times at
most.
"""

import contextlib
import functools
import os
import random
import sqlite3
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import (
    BaseStorage,
    InMemoryStorage,
    RDBStorage,
    RetryHeartbeatStaleTrialCallback,
)
from optuna.storages.journal import JournalFileBackend, JournalStorage

from optunas._database import explain, masked, parse
from optunas._sqlite import one_at_a_time
from optunas.errors import OptunasError, StorageError

__all__ = ["DEFAULT_URL", "describe", "explained", "masked", "open_storage"]

DEFAULT_URL = "sqlite:///optunas.db"
LOCK_TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 10
RECYCLE_S = 1800

DATABASE_ERRORS = (sqlalchemy.exc.SQLAlchemyError, StorageInternalError, sqlite3.Error, OSError)


def open_storage(
    storage: str | os.PathLike[str] | BaseStorage | None = None,
    *,
    create: bool = True,
    heartbeat_s: int | None = 15,
    grace_s: int = 60,
    retries: int = 3,
) -> BaseStorage:
    """The storage at this URL; its tables are made where there are none.

    None means the environment variable OPTUNAS_STORAGE, or else ``optunas.db`` in the current
    folder. A storage object of Optuna's is returned as it is. ``create=False`` is for reading: a
    missing SQLite file or journal is an error then and not made. ``heartbeat_s=None`` turns the
    heartbeat off.

    Raises StorageError, one line without passwords, for whatever keeps it from opening.
    """
    if isinstance(storage, BaseStorage):
        return storage
    url = _resolve(storage)
    with explained(url, (Exception,)):
        if url.startswith("journal:"):
            return _journal(url, create)
        parsed = parse(url)
        if parsed.get_backend_name() == "sqlite":
            if parsed.database in (None, "", ":memory:"):
                return InMemoryStorage()  # SQLite's own would be another one in every thread
            if not parsed.database.startswith("file:"):
                _prepare_sqlite(Path(parsed.database), create)
        beat = _heartbeat(heartbeat_s, grace_s, retries)
        return one_at_a_time(_open_rdb(_literal(url), _engine_settings(parsed), beat))


def _resolve(storage: str | os.PathLike[str] | None) -> str:
    """The URL that is meant: the given one, OPTUNAS_STORAGE, or the default."""
    if storage is None:
        return os.environ.get("OPTUNAS_STORAGE", "").strip() or DEFAULT_URL
    return os.fspath(storage).strip()


def describe(storage: BaseStorage) -> str:
    """What to print of a storage: its URL without the password, or the name of its class."""
    return masked(address(storage))


def address(storage: BaseStorage) -> str:
    """The URL with its password, for ``explained``; the name of the class where there is none."""
    return storage.url if isinstance(storage, RDBStorage) else type(storage).__name__.lstrip("_")


@contextlib.contextmanager
def explained(url: str, kinds: tuple[type[Exception], ...] = DATABASE_ERRORS) -> Iterator[None]:
    """Turn the errors of databases, drivers and files inside into one StorageError with a way out.

    Passwords stay out of the message; the cause is cut off, since drivers may quote the URL.
    """
    try:
        yield
    except OptunasError:
        raise
    except kinds as error:
        raise StorageError(explain(error, url)) from None


def _literal(url: str) -> str:
    """Optuna runs str.format over the URL; braces in a folder's name mean themselves."""
    return url.replace("{", "{{").replace("}", "}}")


def _journal(url: str, create: bool) -> BaseStorage:
    path = url.removeprefix("journal:///")
    if path in (url, ""):
        raise StorageError(
            "a journal is written as journal:///studies.log, or journal:////absolute/path; got "
            f"{masked(url)!r}"
        )
    _check_file(Path(path), create)
    return JournalStorage(JournalFileBackend(path))


def _check_file(path: Path, create: bool) -> None:
    if not path.parent.is_dir():
        raise StorageError(
            f"the studies' folder must exist; there is no {path.parent}: make it with "
            f"mkdir -p {path.parent}"
        )
    if path.is_dir():
        raise StorageError(f"studies are kept in a file; {path} is a folder: add a file name to it")
    if not create and not path.exists():
        raise StorageError(f"there are no studies yet: no file {path}; a first run makes it")


def _prepare_sqlite(path: Path, create: bool) -> None:
    """Switch the file to a write-ahead log, for good, and see that it is writable."""
    _check_file(path, create)
    if not create:
        return
    with contextlib.closing(sqlite3.connect(path, LOCK_TIMEOUT_S, isolation_level=None)) as file:
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("BEGIN IMMEDIATE")
        file.execute("ROLLBACK")


class _Connection(sqlite3.Connection):
    """With a write-ahead log, NORMAL survives every crash but that of the machine, where the last
    writes may be lost and nothing is damaged; it spares a disk flush at each report."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute("PRAGMA synchronous=NORMAL")


def _engine_settings(url: sqlalchemy.URL) -> dict[str, Any]:
    """Keyword arguments of ``sqlalchemy.create_engine``; options in the URL itself win."""
    if url.get_backend_name() == "sqlite":
        connect: dict[str, Any] = {"timeout": LOCK_TIMEOUT_S, "factory": _Connection}
        settings: dict[str, Any] = {}
    else:
        known = url.get_driver_name() in ("psycopg", "psycopg2", "pymysql", "mysqldb")
        connect = {"connect_timeout": CONNECT_TIMEOUT_S} if known else {}
        settings = {
            "pool_pre_ping": True,
            "pool_recycle": RECYCLE_S,
            "pool_size": 1,
            "max_overflow": 31,
        }
    connect = {key: value for key, value in connect.items() if key not in url.query}
    return settings | {"connect_args": connect}


def _heartbeat(heartbeat_s: int | None, grace_s: int, retries: int) -> dict[str, Any]:
    if heartbeat_s is None:
        return {}
    if not 0 < heartbeat_s < grace_s:
        raise StorageError(
            "the grace period must be longer than the heartbeat, or live trials are failed; got "
            f"heartbeat_s={heartbeat_s}, grace_s={grace_s}"
        )
    with _quiet():
        retry = RetryHeartbeatStaleTrialCallback(max_retry=retries)
    return {
        "heartbeat_interval": heartbeat_s,
        "grace_period": grace_s,
        "heartbeat_stale_trial_callback": retry,
    }


def _open_rdb(url: str, engine: dict[str, Any], beat: dict[str, Any]) -> RDBStorage:
    """Open, again where another worker made the tables at the same moment."""
    make = functools.partial(RDBStorage, url, engine, **beat)
    for attempt in range(10):
        try:
            with _quiet():
                return make()
        except sqlalchemy.exc.DBAPIError as error:
            text = str(error.orig).lower()
            if not any(sign in text for sign in ("already exists", "duplicate", "unique")):
                raise
        time.sleep(random.uniform(0.05, 0.2) * (attempt + 1))
    with _quiet():
        return make()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The heartbeat is experimental in Optuna; choosing it was ours, so is the warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield
