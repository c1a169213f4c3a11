"""Trouble that passes: a database that restarts, a lock, a network that is cut for a while.

Optuna lets such an error through, and the trial's work is lost. Here the call is tried again, for
a bounded time; what can't pass (a missing table, a full column) is raised at once.
"""

from __future__ import annotations

import errno
import logging
import re
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy
from optuna.exceptions import StorageInternalError
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay
from tenacity.wait import wait_random_exponential

T = TypeVar("T")

LONGEST_PAUSE_S = 5.0
_log = logging.getLogger("optunas")


@dataclass(frozen=True)
class Patience:
    """Calls a function again and again until it answers, or `seconds` have passed.

    The pauses grow at random up to 5 s, so that many workers don't come back at one moment.
    `tell` hears of the first failure of a call, in one line. `reset` is called after each, in the
    same thread: SQLAlchemy's session may be left in a state in which nothing succeeds any more.
    """

    seconds: float = 300.0
    tell: Callable[[str], None] = _log.warning
    reset: Callable[[], None] = lambda: None

    def __call__(self, call: Callable[..., T], *args: Any, **named: Any) -> T:
        """What the call answers. Raises `StorageInternalError` where it never does, and whatever
        does not pass as it is."""
        try:
            return call(*args, **named)  # most do, and take no longer than to prepare for more
        except Exception as error:
            if not is_passing(error):
                raise
            failed = [error]

        def again() -> T:
            if failed:
                raise failed.pop()
            return call(*args, **named)

        retrying = Retrying(
            retry=retry_if_exception(is_passing),
            stop=stop_after_delay(self.seconds),
            wait=wait_random_exponential(multiplier=0.1, max=LONGEST_PAUSE_S),
            before_sleep=self._failed,
            reraise=True,
        )
        try:
            return retrying(again)
        except Exception as error:
            if isinstance(error, StorageInternalError) or not is_passing(error):
                raise
            raise StorageInternalError("the storage does not answer") from error

    def _failed(self, state: RetryCallState) -> None:
        with suppress(Exception):  # of a connection that is gone
            self.reset()
        if state.attempt_number == 1:
            self.tell(
                "the storage does not answer; it is tried again for up to "
                f"{self.seconds:.0f} s, and nothing is lost"
            )


def is_passing(error: BaseException) -> bool:
    """Whether the same call may well succeed in a while."""
    if isinstance(error, StorageInternalError):
        return error.__cause__ is not None and is_passing(error.__cause__)
    if isinstance(error, sqlalchemy.exc.TimeoutError | sqlalchemy.exc.PendingRollbackError):
        return True  # every connection of this process is in use; what an earlier failure has left
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        return error.connection_invalidated or _is_passing_in_a_driver(error.orig)
    if isinstance(error, OSError):
        return error.errno in _PASSING_ERRNO or isinstance(error, ConnectionError | TimeoutError)
    return is_rpc(error) and _is_passing_rpc(error)


def is_rpc(error: BaseException) -> bool:
    """Whether gRPC raised this; told without importing gRPC, which most don't have."""
    return type(error).__module__.partition(".")[0] == "grpc" and hasattr(error, "code")


_PASSING_ERRNO = {errno.ESTALE, errno.EIO, errno.ETIMEDOUT, errno.EAGAIN, errno.EBUSY}
"""Of network file systems, on which journals lie."""

_PASSING_STATES = ("08", "57P0", "53", "40001", "40P01", "55P03", "25006")
"""PostgreSQL, by the beginning of SQLSTATE: connections, shutdown, resources, deadlock, lock,
read-only (a standby that is about to lead). https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

_PASSING_CODES = {1040, 1042, 1053, 1080, 1158, 1159, 1160, 1161, 1205, 1213, 1290, 1927, 2002,
                  2003, 2006, 2013, 2055}  # fmt: skip
"""MySQL and MariaDB: connections, shutdown, lock wait, deadlock, read-only.
https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html"""

_PASSING_TEXT = re.compile(
    r"locked|busy|disk i/o|disk is full|connection|terminat|gone away|lost|refused|timed? ?out|"
    r"shut|starting up|deadlock|unavailable",
    re.IGNORECASE,
)


def _is_passing_in_a_driver(error: BaseException | None) -> bool:
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if isinstance(state, str):
        return state.startswith(_PASSING_STATES)
    if isinstance(error, sqlite3.Error):
        return bool(re.search(r"locked|busy|disk i/o|disk is full", str(error)))
    code = error.args[0] if error is not None and error.args else None
    if isinstance(code, int):
        return code in _PASSING_CODES or (code == 0 and "Interface" in type(error).__name__)
    # libpq has no state for what happens before the server has answered
    return "Operational" in type(error).__name__ and bool(_PASSING_TEXT.search(str(error)))


def _is_passing_rpc(error: BaseException) -> bool:
    code = error.code().name  # type: ignore[attr-defined]
    if code == "UNKNOWN":  # the proxy answers, and its database does not
        return bool(_PASSING_TEXT.search(str(error.details())))  # type: ignore[attr-defined]
    return code in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED", "CANCELLED", "INTERNAL")
