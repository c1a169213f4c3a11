"""`optunas serve`: Optuna's gRPC proxy before a database, for more workers than it likes."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from optunas.cli.listening import check_free, is_private, written
from optunas.cli.options import Storage
from optunas.cli.showing import show
from optunas.cli.speaking import complain, say
from optunas.errors import StorageError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

    from optunas.storage import SharedStorage

THREADS = 32
"""Requests that are answered at once. A thread holds a connection to the database while it works,
and a storage opens 32 at most: more threads would wait for those. Workers are more by far, but each
sends a request now and then; those that find no thread wait in a queue."""
LAST_REQUESTS_S = 8.0
"""What schedulers and containers give a program before they kill it is 10 s at least."""


def serve(
    storage: Storage = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the proxy.", min=1, max=65535)] = 13000,
    dashboard_port: Annotated[
        int | None,
        typer.Option(help="Show the studies in the browser as well, there.", min=1, max=65535),
    ] = None,
) -> None:
    """Stand before a database that lacks connections for its workers: Optuna's gRPC storage proxy.

    \b
    optunas serve --storage postgresql+psycopg://me@host/studies
    optunas run studies/cifar10.py --storage grpc://127.0.0.1:13000

    Whoever reaches the port can read and change all studies, without a password, and nothing is
    encrypted. It is open to this machine only, unless --host says otherwise. Ctrl-C or SIGTERM ends
    it; workers wait for the next one.
    """
    from optunas.storage import describe, need_grpc, open_storage

    need_grpc("the proxy")
    opened = open_storage(storage, connections=THREADS)
    database = _database(opened)
    check_free("the proxy", host, port)
    if dashboard_port is not None:
        check_free("the dashboard", host, dashboard_port, "--dashboard-port")
        threading.Thread(target=show, args=(opened, host, dashboard_port), daemon=True).start()
        say(f"the dashboard is at http://{written(host, dashboard_port)}/")
    say(
        f"{describe(opened)} is served; workers take  --storage grpc://{written(host, port)}"
        "  (Ctrl-C ends it)"
    )
    if not is_private(host):
        _warn(port)
    _run(database, host, port)


def _database(opened: SharedStorage) -> BaseStorage:
    """The storage to stand before: Optuna's own, since every worker wraps the proxy by itself."""
    from optuna.storages import GrpcStorageProxy, InMemoryStorage, JournalStorage

    from optunas.storage import describe

    if isinstance(opened.inner, GrpcStorageProxy | InMemoryStorage | JournalStorage):
        raise StorageError(
            f"the proxy stands before an SQL database; got {describe(opened)}: take "
            "postgresql+psycopg://..., mysql+pymysql://... or sqlite:///..."
        )
    return opened.inner


def _warn(port: int) -> None:
    complain(
        "warning: Optuna's channel has neither authentication nor encryption. Whoever reaches port "
        f"{port} can read and change all studies. Keep it in a closed network, or listen on "
        "127.0.0.1 and let workers come through a tunnel (ssh -N -L "
        f"{port}:127.0.0.1:{port} THIS-HOST, WireGuard) or a TLS proxy that asks for client "
        "certificates (stunnel, envoy, nginx's grpc_pass): see examples/cluster/README.md"
    )


def _run(database: BaseStorage, host: str, port: int) -> None:
    """Serve until Ctrl-C or SIGTERM, and then until the requests that had begun are answered."""
    import optuna

    from optunas.storage.service import make_server

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_in_one_line)
    try:
        server = make_server(database, written(host, port), THREADS)
    except RuntimeError:  # somebody has taken the port since we looked
        check_free("the proxy", host, port)
        raise
    with _interrupted_by_sigterm(), contextlib.suppress(KeyboardInterrupt):
        server.start()
        server.wait_for_termination()
    server.stop(LAST_REQUESTS_S).wait()


@contextlib.contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _in_one_line(record: logging.LogRecord) -> bool:
    """While a database is down every request fails; its traceback is for --debug."""
    if not logging.getLogger().isEnabledFor(logging.DEBUG):
        record.exc_info = None
    return True
