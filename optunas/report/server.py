"""optuna-dashboard as we serve it: with the cached storage, all studies' pictures, and threads.

The command `optuna-dashboard` reads every trial for every poll, since its storage has no cache;
`optuna_dashboard.run_server` answers one request at a time.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from optuna.storages import BaseStorage

from optunas.artifacts import ArtifactStore

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

SAFE = [
    ("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'"),
    ("X-Content-Type-Options", "nosniff"),
]
"""What a browser may do with an artifact that is opened by itself: show it, and run nothing."""

STYLE = (
    b"<style>.MuiBox-root{min-width:0}"
    b".MuiCard-root:has(>div>img[alt]){width:460px!important;max-width:100%}"
    b".MuiCard-root>div:has(>img[alt]){height:auto!important}"
    b".MuiCard-root>div>img[alt]{height:auto!important;max-height:640px}"
    b"@media(max-width:760px){"
    b"[class*=MuiGrid-grid-xs]{flex-basis:100%!important;max-width:100%!important}"
    b".MuiBox-root:has(>.MuiList-root){flex:0 0 76px;min-width:0!important;width:76px!important;"
    b"overflow-x:hidden}.MuiBox-root>.MuiList-root{min-width:0!important;width:76px!important}"
    b".MuiBox-root>.MuiList-root .MuiListItemButton-root{padding:4px}"
    b".MuiBox-root>.MuiList-root .MuiChip-label{padding:0 5px}"
    b"}</style>"
)
"""The page is made for wide screens. An attribute of a thousand characters stands on one line, in a
box that would scroll if those around it did not grow with it; on a narrow screen plots stand side
by side, and the list of trials takes more room than the trial. Pictures are shown as large as one
can read them."""


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Threads6(_Threads):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    """Says nothing of each request; what goes wrong with one is told to the browser."""

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def get_stderr(self) -> Any:
        return io.StringIO()


def dashboard_server(
    storage: BaseStorage, artifacts: ArtifactStore, host: str, port: int
) -> WSGIServer:
    """The server, listening already: `serve_forever()` makes it answer. Raises `OSError`."""
    from optuna_dashboard import wsgi

    application = _safe(wsgi(storage, artifact_store=artifacts))
    server = _Threads6 if ":" in host else _Threads
    return make_server(host, port, application, server, _Quiet)


def _safe(application: Application) -> Any:
    """The application, with headers for artifacts: anybody may have put a script into one."""

    def served(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start(status, [*headers, *SAFE], *more)

        path = str(environ.get("PATH_INFO", ""))
        if path.startswith("/dashboard"):
            return _narrow(application, environ, start)
        return application(environ, begin if path.startswith("/artifacts/") else start)

    return served


def _narrow(
    application: Application, environ: dict[str, Any], start: Callable[..., Any]
) -> Iterable[bytes]:
    """The page, with a style that keeps long attributes of a trial from widening all of it."""
    begun: list[Any] = []
    body = b"".join(application(environ, lambda *given: begun.append(given)))
    body = body.replace(b"</head>", STYLE + b"</head>", 1)
    status, headers, *more = begun[-1]
    kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
    start(status, [*kept, ("Content-Length", str(len(body)))], *more)
    return [body]
