"""`optunas dashboard`: the studies in the browser."""

from __future__ import annotations

import socket
import webbrowser
from typing import Annotated

import typer

from optunas.cli.options import Storage
from optunas.cli.speaking import say
from optunas.errors import StudyError


def dashboard(
    storage: Storage = None,
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
) -> None:
    """Watch the studies of a storage in optuna-dashboard. Ctrl-C ends it."""
    import optuna

    from optunas.storage import describe, open_storage

    opened = open_storage(storage, create=False)
    _check_free(host, port)
    from optuna_dashboard import run_server

    url = f"http://{host}:{port}/"
    say(f"{describe(opened)} is shown at {url}  (Ctrl-C ends it)")
    if browser:
        webbrowser.open(url)
    # get_storage adds the cache without which every poll reads every trial
    run_server(optuna.storages.get_storage(opened), host=host, port=port)


def _check_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StudyError(
                f"the dashboard needs a free port; {host}:{port} is not to be had "
                f"({error.strerror}): take another with --port"
            ) from None
