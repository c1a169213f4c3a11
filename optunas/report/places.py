"""Where the pictures of a study lie, so that whoever shows them finds them.

The first worker writes it into the study: a URL, or a folder and the token that stands in a file of
that folder. A folder counts only where it holds the token. So nobody reads or writes in a folder
that a study only claims to be its own, a machine with another disk notices that it can't reach the
folder, and one that shares the disk that it can.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from optuna import Study

from optunas.artifacts import ArtifactStore, Folder, Where, open_artifacts
from optunas.errors import ArtifactError
from optunas.facts import fact, settle

ATTRIBUTE = "optunas.pictures"
MARK = "optunas-pictures.token"
_TOKEN = re.compile(r"[0-9a-f]{32}")
_URL = re.compile(r"(s3|gs)://[^\s@]{3,500}")


def pictures_of(study: Study, artifacts: Where | None, folder: Path | None) -> ArtifactStore | None:
    """The store for a worker's pictures; None where it has none that the study's others could see.

    artifacts: what all workers share. folder: of this machine, where they share nothing.
    """
    if artifacts is not None and not isinstance(artifacts, str | os.PathLike):
        return open_artifacts(artifacts)  # who made it shows it
    if artifacts is None and folder is None:
        return None
    found = fact(study, ATTRIBUTE)
    if not _holds(found):
        found = settle(study, ATTRIBUTE, _place(artifacts, folder), _holds)
    return opened(found)


def opened(place: Any) -> ArtifactStore | None:
    """The store at a place that stands in a study, which anybody may have written.

    None where it can't be reached from here, or is none.
    """
    if not isinstance(place, dict):
        return None
    url, folder, token = place.get("url"), place.get("folder"), place.get("token")
    if isinstance(url, str) and _URL.fullmatch(url):
        with suppress(ArtifactError):
            return open_artifacts(url)
    elif isinstance(folder, str) and isinstance(token, str) and _TOKEN.fullmatch(token):
        path = Path(folder)
        if path.is_absolute() and _token(path) == token:
            return Folder(path)
    return None


def _place(artifacts: Where | None, folder: Path | None) -> dict[str, str]:
    """What to write into the study; the folder is made, and marked."""
    said = str(artifacts if artifacts is not None else folder)
    if _URL.fullmatch(said):
        return {"url": said}
    store = open_artifacts(said)
    assert isinstance(store, Folder)
    return {"folder": str(store.path), "token": _marked(store.path), "host": socket.gethostname()}


def _holds(place: Any) -> bool:
    """Whether a place still counts: a folder of this host that is gone does not."""
    if not isinstance(place, dict) or place.get("host") != socket.gethostname():
        return isinstance(place, dict)
    return opened(place) is not None


def _marked(folder: Path) -> str:
    """The folder's token, which is made where there is none."""
    with suppress(FileExistsError), (folder / MARK).open("x", encoding="ascii") as file:
        file.write(secrets.token_hex(16))
    return _token(folder) or ""


def _token(folder: Path) -> str | None:
    with suppress(OSError, ValueError):
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with os.fdopen(os.open(folder / MARK, flags), "rb") as file:
            text = file.read(64).decode("ascii").strip()
            return text if _TOKEN.fullmatch(text) else None
    return None
