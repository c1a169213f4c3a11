"""Open the storage of a study by URL, with the settings that a search needs.

| URL | for |
|---|---|
| ``sqlite:///studies.db`` | one machine, a few workers; four slashes for an absolute path |
| ``postgresql+psycopg://user:password@host/name`` | many machines (extra ``postgresql``) |
| ``mysql+pymysql://user:password@host/name`` | MySQL or MariaDB, likewise (extra ``mysql``) |
| ``journal:///studies.log`` | a shared folder without a database server |
| ``grpc://host:port`` | more workers than connections: ``optunas serve`` (extra ``grpc``) |
| ``@/run/secrets/storage`` | the URL that is in this file |

The settings. SQLite: writers wait up to a minute for each other, and a write-ahead log lets readers
go on meanwhile (not on network folders; take a server or a journal there). Servers: a connection is
tested before use and renewed after half an hour; one is kept by each worker, more are opened as
threads need them, and a silent network is noticed within a minute. All: see `SharedStorage`.
"""

import contextlib
import os
import random
import re
import sqlite3
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage, InMemoryStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalStorage

from optunas.errors import NoStudiesError, StorageError
from optunas.storage.addresses import masked, parse
from optunas.storage.causes import explained
from optunas.storage.patience import Patience
from optunas.storage.proxy import SILENCE_S, Proxy
from optunas.storage.quick import QuickStorage
from optunas.storage.shared import BEAT_S, PATIENCE_S, SharedStorage
from optunas.storage.sqlite import one_at_a_time

DEFAULT_URL = "sqlite:///optunas.db"
LOCK_TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 10
RECYCLE_S = 1800
MOST_CONNECTIONS = 32


def open_storage(
    storage: str | os.PathLike[str] | BaseStorage | None = None,
    *,
    create: bool = True,
    beat_s: float = BEAT_S,
    patience_s: float = PATIENCE_S,
    wait_s: float = 0.0,
    connections: int = 1,
) -> SharedStorage:
    """The storage at this URL; its tables are made where there are none.

    None means the environment variable OPTUNAS_STORAGE, or else ``optunas.db`` in the current
    folder. A storage object of Optuna's is taken as it is. ``create=False`` is for reading: a
    missing SQLite file or journal is an error then and not made. A worker tells every ``beat_s``
    seconds that it lives. A storage that fails is asked again for up to ``patience_s`` seconds, and
    for ``wait_s`` seconds while it is opened. ``connections`` to a server are kept open; up to 32
    are made as threads need them.

    Raises StorageError, one line without passwords, for whatever keeps it from opening.
    """
    if isinstance(storage, SharedStorage):
        return storage
    if not beat_s > 0 or not patience_s >= 0:
        raise StorageError(
            "a heartbeat takes more than 0 s and patience no less; got "
            f"beat_s={beat_s}, patience_s={patience_s}"
        )
    if isinstance(storage, BaseStorage):
        url = storage.url if isinstance(storage, RDBStorage) else type(storage).__name__
        bare = storage
    else:
        url = resolved(storage)
        with explained(url, (Exception,)):
            bare = Patience(wait_s)(_open, url, create, connections)
    # with the cache that `create_study` would add, and that hides how to forget a session
    inner = bare if isinstance(bare, QuickStorage) else optuna.storages.get_storage(bare)
    reset = bare.remove_session
    return SharedStorage(inner, url, beat_s=beat_s, patience_s=patience_s, reset=reset)


def resolved(storage: str | os.PathLike[str] | None) -> str:
    """The URL that is meant: the given one, OPTUNAS_STORAGE, or the default; ``@file`` is read."""
    if storage is None:
        url = os.environ.get("OPTUNAS_STORAGE", "").strip() or DEFAULT_URL
    else:
        url = os.fspath(storage).strip()
    if not url.startswith("@"):
        return url
    try:
        lines = Path(url[1:]).expanduser().read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise StorageError(
            f"a file with the storage's URL must be readable; {url}: {why}"
        ) from None
    return lines[0].strip()


def describe(storage: BaseStorage) -> str:
    """What to print of a storage: its URL without the password, or the name of its class."""
    return masked(address(storage))


def address(storage: BaseStorage) -> str:
    """The URL with its password, for ``explained``; the name of the class where there is none."""
    return storage.address if isinstance(storage, SharedStorage) else type(storage).__name__


def _open(url: str, create: bool, connections: int) -> BaseStorage:
    if url.startswith("journal:"):
        return _journal(url, create)
    if url.startswith("grpc:"):
        return _proxy(url)
    parsed = parse(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            return InMemoryStorage()  # SQLite's own would be another one in every thread
        if not parsed.database.startswith("file:"):
            _prepare_sqlite(Path(parsed.database), create)
    return one_at_a_time(_open_rdb(_literal(url), _engine_settings(parsed, connections)))


def need_grpc(what: str) -> None:
    """Raise StorageError where gRPC is missing; Optuna imports it too late for a clear word."""
    try:
        import google.protobuf  # noqa: F401
        import grpc  # noqa: F401
    except ImportError:
        raise StorageError(f"{what} needs gRPC: pip install 'optunas[grpc]'") from None


def _proxy(url: str) -> BaseStorage:
    """The client of a running `optunas serve`."""
    found = re.fullmatch(r"grpc://([^/:@]+|\[[0-9a-fA-F:]+\]):(\d{1,5})/?", url)
    if found is None:
        raise StorageError(f"a storage proxy is written as grpc://host:port; got {masked(url)!r}")
    need_grpc(f"storage {url}")
    with _quiet():
        proxy = Proxy(host=found[1], port=int(found[2]))
    proxy.wait_server_ready(timeout=CONNECT_TIMEOUT_S)
    return proxy


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
        raise NoStudiesError(f"there are no studies yet: no file {path}; a first run makes it")


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


_LIBPQ = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    "keepalives_idle": SILENCE_S // 3,
    "keepalives_interval": SILENCE_S // 9,
    "keepalives_count": 3,
    "tcp_user_timeout": 1000 * SILENCE_S,
}
_SERVER_SETTINGS: dict[str, dict[str, Any]] = {
    "psycopg": _LIBPQ,
    "psycopg2": _LIBPQ,
    "pymysql": {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "read_timeout": SILENCE_S,
        "write_timeout": SILENCE_S,
    },
    "mysqldb": {"connect_timeout": CONNECT_TIMEOUT_S},
}
"""What the drivers call it: how long to wait for a server, and for one that says nothing.
https://www.postgresql.org/docs/current/libpq-connect.html
"""


def _engine_settings(url: sqlalchemy.URL, connections: int) -> dict[str, Any]:
    """Keyword arguments of ``sqlalchemy.create_engine``; options in the URL itself win."""
    if url.get_backend_name() == "sqlite":
        connect: dict[str, Any] = {"timeout": LOCK_TIMEOUT_S, "factory": _Connection}
        settings: dict[str, Any] = {}
    else:
        connect = _SERVER_SETTINGS.get(url.get_driver_name(), {})
        settings = {
            "pool_pre_ping": True,
            "pool_recycle": RECYCLE_S,
            "pool_size": connections,
            "max_overflow": MOST_CONNECTIONS - connections,
        }
    connect = {key: value for key, value in connect.items() if key not in url.query}
    return settings | {"connect_args": connect}


def _open_rdb(url: str, engine: dict[str, Any]) -> RDBStorage:
    """Open, again where another worker made the tables at the same moment."""
    for attempt in range(10):
        try:
            return _quick_or_not(url, engine)
        except sqlalchemy.exc.DBAPIError as error:
            text = str(error.orig).lower()
            if not any(sign in text for sign in ("already exists", "duplicate", "unique")):
                raise
        time.sleep(random.uniform(0.05, 0.2) * (attempt + 1))
    return _quick_or_not(url, engine)


def _quick_or_not(url: str, engine: dict[str, Any]) -> RDBStorage:
    quick = QuickStorage(url, engine)
    return quick if quick.is_possible else RDBStorage(url, engine)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The proxy is experimental in Optuna; choosing it was ours, so is the warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield
