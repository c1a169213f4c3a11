"""`optunas dashboard`: the studies in the browser."""

from __future__ import annotations

import webbrowser
from typing import TYPE_CHECKING, Annotated

import typer

from optunas.cli.listening import check_free, written
from optunas.cli.options import Storage
from optunas.cli.speaking import say

if TYPE_CHECKING:
    from optunas.storage import SharedStorage


def dashboard(
    storage: Storage = None,
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
) -> None:
    """Watch the studies of a storage in optuna-dashboard. Ctrl-C ends it."""
    from optunas.storage import describe, open_storage

    opened = open_storage(storage, create=False)
    check_free("the dashboard", host, port)
    url = f"http://{written(host, port)}/"
    say(f"{describe(opened)} is shown at {url}  (Ctrl-C ends it)")
    if browser:
        webbrowser.open(url)
    show(opened, host, port)


def show(opened: SharedStorage, host: str, port: int) -> None:
    """Serve optuna-dashboard until the process is interrupted."""
    from optuna_dashboard import run_server

    # the inner storage has the cache without which every poll reads every trial
    run_server(opened.inner, host=host, port=port)
