"""Which errors pass, and how long one waits for that."""

import sqlite3
import time
from typing import Any

import pytest
import sqlalchemy
from optuna.exceptions import DuplicatedStudyError, StorageInternalError

from optunas.storage.patience import Patience, is_passing


class OperationalError(Exception):
    """As the drivers' classes are called."""

    def __init__(self, *args: Any, sqlstate: str | None = None) -> None:
        super().__init__(*args)
        self.sqlstate = sqlstate


def raised_by(error: Exception, **more: Any) -> sqlalchemy.exc.DBAPIError:
    return sqlalchemy.exc.OperationalError("SELECT 1", {}, error, **more)


def caused_by(error: Exception) -> StorageInternalError:
    outer = StorageInternalError("An exception is raised during the commit.")
    outer.__cause__ = error
    return outer


PASSING = [
    raised_by(Exception("x"), connection_invalidated=True),
    raised_by(OperationalError("terminating connection", sqlstate="57P01")),
    raised_by(OperationalError("the database system is starting up", sqlstate="57P03")),
    raised_by(OperationalError("too many clients", sqlstate="53300")),
    raised_by(OperationalError("deadlock detected", sqlstate="40P01")),
    raised_by(OperationalError("connection failed: Connection refused")),
    raised_by(OperationalError(2013, "Lost connection to MySQL server during query")),
    raised_by(OperationalError(1205, "Lock wait timeout exceeded")),
    raised_by(sqlite3.OperationalError("database is locked")),
    caused_by(raised_by(OperationalError(2006, "gone away"))),
    sqlalchemy.exc.TimeoutError("QueuePool limit"),
    sqlalchemy.exc.PendingRollbackError("Can't reconnect until invalid transaction is rolled back"),
    OSError(116, "Stale file handle"),
]
LASTING = [
    raised_by(OperationalError("relation does not exist", sqlstate="42P01")),
    raised_by(OperationalError(1045, "Access denied")),
    raised_by(OperationalError(1406, "Data too long for column")),
    raised_by(sqlite3.OperationalError("no such table: studies")),
    sqlalchemy.exc.IntegrityError("INSERT", {}, Exception("duplicate")),
    StorageInternalError("without a cause"),
    DuplicatedStudyError("s"),
    OSError(13, "Permission denied"),
    KeyError("no such trial"),
]


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_what_passes(error: Exception) -> None:
    assert is_passing(error)


@pytest.mark.parametrize("error", LASTING, ids=str)
def test_what_does_not(error: Exception) -> None:
    assert not is_passing(error)


def test_it_calls_until_it_is_answered_and_says_so_once() -> None:
    errors, told = iter(PASSING[:3]), list[str]()
    resets: list[None] = []

    def call(number: int) -> int:
        for error in errors:
            raise error
        return number + 1

    assert Patience(60, told.append, lambda: resets.append(None))(call, 1) == 2
    assert len(resets) == 3
    assert told == [
        "the storage does not answer; it is tried again for up to 60 s, and nothing is lost"
    ]


def test_its_patience_ends() -> None:
    started = time.monotonic()
    with pytest.raises(StorageInternalError, match="does not answer") as caught:
        Patience(0.5, lambda line: None)(raising, PASSING[0])
    assert caught.value.__cause__ is PASSING[0]
    assert 0.5 <= time.monotonic() - started < 5


def test_what_lasts_is_raised_at_once() -> None:
    calls: list[Exception] = []

    def call(error: Exception) -> None:
        calls.append(error)
        raise error

    for error in LASTING:
        with pytest.raises(type(error)):
            Patience(60)(call, error)
    assert calls == LASTING


def raising(error: Exception) -> None:
    raise error
