"""Files in the cache folder: each appears whole or not at all, and small facts are checked."""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def cache_folder() -> Path:
    """Where decoded images are kept: `OPTUNAS_CACHE`, or `~/.cache/optunas`."""
    named = os.environ.get("OPTUNAS_CACHE")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "optunas"


@contextmanager
def whole(file: Path) -> Iterator[Path]:
    """The path of a draft, which takes the file's place when all went well, else is removed.

    The draft is on the disk before it gets its name: after a power cut there is the old file or
    the new one, never one that has its length and lacks its contents.
    """
    draft = file.with_name(f"{file.name}.{os.getpid()}-{time.monotonic_ns()}.tmp")
    try:
        yield draft
        with draft.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(draft, file)
    finally:
        with suppress(OSError):
            draft.unlink()


def remember(file: Path, facts: Any) -> None:
    """Write facts (anything that JSON holds); where they can't be written, they are forgotten."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole(file) as draft:
            draft.write_text(json.dumps({"checksum": _checksum(facts), "facts": facts}))


def recall(file: Path) -> Any:
    """The facts as JSON gives them back; None if absent or damaged."""
    try:
        found = json.loads(file.read_bytes())
        return found["facts"] if found["checksum"] == _checksum(found["facts"]) else None
    except Exception:  # absent, cut off, foreign: all the same, they are found out anew
        return None


def _checksum(facts: Any) -> int:
    return zlib.crc32(json.dumps(facts).encode())
