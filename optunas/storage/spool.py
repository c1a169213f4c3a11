"""The spool: how a trial ended, on this machine's disk, until the storage has taken it.

A worker that can't reach its database, and is ended before that comes back, leaves the value of its
finished trial here. Whoever next joins the study on this machine hands it in.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from optuna.trial import TrialState

from optunas.atomic import replacing
from optunas.process import is_dead, this_process

_log = logging.getLogger("optunas")


@dataclass(frozen=True)
class Record:
    """The end of a trial; `token` tells it from one that has its id in another database."""

    trial_id: int
    token: str
    state: str
    values: list[float] | None
    process: dict[str, Any]


class Spool:
    """The records of one storage, in a folder of their own."""

    def __init__(self, address: str, folder: Path | None = None) -> None:
        name = hashlib.blake2b(address.encode(), digest_size=8).hexdigest()
        self.folder = (folder or spool_folder()) / name

    def write(
        self, trial_id: int, token: str, state: TrialState, values: Sequence[float] | None
    ) -> Path | None:
        """Keep a record; None where the disk does not let us: the storage may."""
        kept = None if values is None else [float(value) for value in values]
        record = Record(trial_id, token, state.name, kept, this_process())
        file = self.folder / f"{token}.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with replacing(file) as written:
                written.write(json.dumps(asdict(record)).encode())
        except OSError as error:
            _log.debug("no record of the end of a trial is kept: %s", error)
            return None
        return file

    def left(self) -> Iterator[tuple[Path, Record]]:
        """The records that processes of this machine have left behind; a damaged one is removed."""
        for file in sorted(self.folder.glob("*.json")):
            try:
                record = Record(**json.loads(file.read_text()))
                TrialState[record.state]
            except (OSError, ValueError, TypeError, KeyError):
                remove(file)
                continue
            if is_dead(record.process):
                yield file, record


def remove(file: Path | None) -> None:
    """Forget a record."""
    if file is not None:
        with suppress(OSError):
            file.unlink(missing_ok=True)


def spool_folder() -> Path:
    """`OPTUNAS_SPOOL`, or `optunas/spool` where this user's programs keep their state."""
    if named := os.environ.get("OPTUNAS_SPOOL"):
        return Path(named).expanduser()
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "optunas" / "spool"
