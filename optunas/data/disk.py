"""The cache folder, and small facts in it, which are checked."""

from __future__ import annotations

import json
import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from optunas.atomic import whole


def cache_folder() -> Path:
    """Where decoded images are kept: `OPTUNAS_CACHE`, or `~/.cache/optunas`."""
    named = os.environ.get("OPTUNAS_CACHE")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "optunas"


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
