"""`optunas dashboard`: the studies in the browser."""

from __future__ import annotations

import contextlib
import os
import threading
import webbrowser
from typing import TYPE_CHECKING, Annotated

import typer

from optunas.cli.listening import check_free, is_private, written
from optunas.cli.options import Storage
from optunas.cli.speaking import complain, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from optunas.storage import SharedStorage


def dashboard(
    study: Annotated[
        str | None, typer.Argument(help="A study's name: open its page.", show_default=False)
    ] = None,
    storage: Storage = None,
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    artifacts: Annotated[
        str | None,
        typer.Option(
            help="Where artifacts lie besides those that the studies name: a folder, "
            "s3://bucket/prefix or gs://bucket/prefix. Also taken from OPTUNAS_ARTIFACTS.",
            show_default=False,
        ),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
) -> None:
    """Watch the studies of a storage in optuna-dashboard. Ctrl-C ends it.

    \b
    optunas dashboard
    optunas dashboard cifar10 --storage postgresql+psycopg://me@host/studies

    Notes, networks, learning curves and plots are there as soon as a search has written them. Only
    this machine can look, unless --host says otherwise: there is no password.
    """
    from optunas.storage import address, describe, explained, open_storage

    opened = open_storage(storage, create=False)
    with explained(address(opened)):
        number = None if study is None else _number_of(study, opened)
    check_free("the dashboard", host, port)
    page = "" if number is None else f"dashboard/studies/{number}"
    url = f"http://{written(host, port)}/{page}"

    def ready() -> None:
        threading.Thread(target=_read_ahead, args=(opened, number), daemon=True).start()
        say(f"{describe(opened)} is shown at {url}  (Ctrl-C ends it)")
        if not is_private(host):
            complain(f"warning: whoever reaches port {port} can read and change these studies")
        if browser:
            webbrowser.open(url)

    show(opened, host, port, artifacts, ready)


def show(
    opened: SharedStorage,
    host: str,
    port: int,
    artifacts: str | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve optuna-dashboard until the process is interrupted; it answers from `ready` on."""
    from optunas.artifacts import open_artifacts
    from optunas.report.gallery import Gallery
    from optunas.report.server import dashboard_server

    named = artifacts or os.environ.get("OPTUNAS_ARTIFACTS")
    more = open_artifacts(named) if named else None
    # the inner storage has the cache without which every poll reads every trial
    gallery = Gallery(opened.inner, more)
    with dashboard_server(opened.inner, gallery, host, port) as server:
        ready()
        server.serve_forever()


def _number_of(study: str, opened: SharedStorage) -> int:
    """By what the dashboard knows a study. Raises `StudyError` where there is no such study."""
    from optunas.study import load_study

    load_study(study, opened)
    return opened.get_study_id_from_name(study)


def _read_ahead(opened: SharedStorage, number: int | None) -> None:
    """Read the trials of this study, or of the latest one, until the browser asks for them."""
    with contextlib.suppress(Exception):  # whoever asks is told
        inner = opened.inner
        names = [study.study_name for study in inner.get_all_studies()]
        latest = max(map(inner.get_study_id_from_name, names)) if number is None else number
        inner.get_all_trials(latest, deepcopy=False)
