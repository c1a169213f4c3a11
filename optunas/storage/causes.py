"""What databases, drivers and files say when they fail, put so that a person can act on it."""

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterator

import sqlalchemy
from optuna.exceptions import StorageInternalError

from optunas.errors import OptunasError, StorageError
from optunas.storage.addresses import FORMS, masked, without_password
from optunas.storage.patience import is_rpc

DATABASE_ERRORS = (
    *(sqlalchemy.exc.SQLAlchemyError, StorageInternalError, sqlite3.Error, OSError),
    json.JSONDecodeError,  # of an attribute
)
_NO_DRIVER = {
    "postgresql": "pip install 'optunas[postgresql]' and write postgresql+psycopg://...",
    "postgres": "pip install 'optunas[postgresql]' and write postgresql+psycopg://...",
    "mysql": "pip install 'optunas[mysql]' and write mysql+pymysql://...",
    "mariadb": "pip install 'optunas[mysql]' and write mysql+pymysql://...",
}
# What databases say (in lower case), what it means, and the way out. The first that fits counts.
_CAUSES = (
    (
        r"access denied|authentication failed|no password supplied|role .* does not exist|pg_hba",
        "the server refuses this user or password",
        "check both, and write special characters such as @ : / % percent-encoded (@ is %40)",
    ),
    (
        r"unknown database|database .* does not exist",
        "the server has no database of this name",
        "make it there first (CREATE DATABASE), or correct the name",
    ),
    (
        r"refused|resolve|timed out|timeout expired|can't connect|is the server running|"
        r"unreachable|unavailable|name or service|connection failed|gone away|lost connection|"
        r"closed|connection timeout",
        "no database server answers there",
        "start it, or correct host and port",
    ),
    (
        r"permission denied for|insufficient privilege|command denied",
        "the user may not make tables there",
        "let the database's owner GRANT that",
    ),
    (
        r"not a database|malformed|encrypted",
        "the file is no SQLite database, or damaged",
        "choose another file name, or restore a copy",
    ),
    (
        r"unable to open|readonly|read-only|permission denied|no such file|not a directory",
        "the file can't be opened for writing",
        "choose another folder, or change its permissions",
    ),
    (
        r"locked|busy",
        "another program has kept it locked for too long",
        "end that program; for many workers take PostgreSQL",
    ),
    (r"disk|no space", "the disk is full or broken", "make room and run the command again"),
)


@contextlib.contextmanager
def explained(url: str, kinds: tuple[type[Exception], ...] = DATABASE_ERRORS) -> Iterator[None]:
    """Turn the errors of databases, drivers and files inside into one StorageError with a way out.

    Passwords stay out of the message; the cause is cut off, since drivers may quote the URL.
    """
    try:
        yield
    except OptunasError:
        raise
    except Exception as error:
        if not isinstance(error, kinds) and not is_rpc(error):
            raise
        raise StorageError(explain(error, url)) from None


def explain(error: Exception, url: str) -> str:
    """One line on why the storage failed and what to do."""
    shown = f"storage {masked(url)}"
    scheme = url.partition(":")[0].partition("+")[0].lower()
    if isinstance(error, (sqlalchemy.exc.NoSuchModuleError, ImportError)):
        way_out = _NO_DRIVER.get(scheme, f"write one of {FORMS}")
        return f"{shown}: there is no driver for {url.partition(':')[0]!r} here; {way_out}"
    if isinstance(error, sqlalchemy.exc.ArgumentError):
        return f"{shown}: this is no URL of a database; write {FORMS}"
    if isinstance(error, json.JSONDecodeError):
        what = "something in the database is damaged, and no JSON as Optuna writes it"
        return f"{shown}: {what} ({error}); restore a copy, or take another --study"
    if isinstance(error, RuntimeError) and "table schema" in str(error):
        return f"{shown}: {_schema(str(error), masked(url))}"
    return f"{shown}: {_cause(_deepest(error), url)}"


def _schema(text: str, shown: str) -> str:
    if "pip install" in text:
        return "a newer Optuna made these tables; pip install -U optuna"
    return (
        "an older Optuna made these tables; back it up, then run: "
        f"optuna storage upgrade --storage {shown}"
    )


def _deepest(error: BaseException) -> BaseException:
    if isinstance(error, sqlalchemy.exc.DBAPIError) and error.orig is not None:
        return error.orig
    return _deepest(error.__cause__) if error.__cause__ is not None else error


def _cause(error: BaseException, url: str) -> str:
    text = " ".join(str(error).split())
    for pattern, what, way_out in _CAUSES:
        if re.search(pattern, text.lower()):
            return f"{what}; {way_out}"
    return f"the database failed: {without_password(text, url)[:300]}"
