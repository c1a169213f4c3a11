"""One writer at a time on SQLite, from its first look on.

Optuna hands a queued trial to the worker that turns it from WAITING to RUNNING, and guards that
with SELECT ... FOR UPDATE. SQLite has no such thing, and Python's driver opens a transaction with
the first write only: between looking and writing a second worker takes the same trial. Here every
transaction of a worker begins as a writing one (BEGIN IMMEDIATE, as SQLAlchemy's documentation of
the driver shows), so that the second one looks when the first has written. One that is marked as
reading (`READS`) keeps nobody out.
"""

from __future__ import annotations

from typing import Any, TypeVar

from optuna.storages import RDBStorage
from sqlalchemy import Connection, event

Storage = TypeVar("Storage", bound=RDBStorage)
READS = "optunas_reads"


def one_at_a_time(storage: Storage) -> Storage:
    """The same storage, safe for a queue that several workers take from; any but SQLite is."""
    if storage.engine.dialect.name == "sqlite":
        engine = storage.engine
        if not event.contains(engine, "begin", _begin):
            event.listen(engine, "connect", _leave_transactions_to_us)
            event.listen(engine, "begin", _begin)
            engine.dispose()  # connections from before know nothing of this
    return storage


def _leave_transactions_to_us(connection: Any, record: object) -> None:
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get(READS, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
