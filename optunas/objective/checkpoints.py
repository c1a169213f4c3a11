"""The files from which trainings go on: of interrupted trials, and of those that were stopped.

A stopped trial's file is parked under another name, for the case that the trial is promoted. Only
so many are kept, the youngest ones.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from optunas.training.checkpoint import remove

STOPPED = "stopped-"
KEPT = 100  # files of stopped trials in a folder
KEPT_BYTES = 2 * 2**30


def park(checkpoint: Path | None) -> None:
    """Keep the file of a trial that was stopped."""
    if checkpoint is None:
        return
    with suppress(OSError):  # a full disk, a folder that is gone: then it starts from zero
        os.replace(checkpoint, checkpoint.with_name(STOPPED + checkpoint.name))
        _tidy(checkpoint.parent)


def fetch(checkpoint: Path | None) -> None:
    """Bring the file of a stopped trial back, where the trial goes on."""
    if checkpoint is None or checkpoint.exists():
        return
    with suppress(OSError):
        os.replace(checkpoint.with_name(STOPPED + checkpoint.name), checkpoint)


def forget(checkpoint: Path | None) -> None:
    """Delete the file of a trial with which nobody goes on."""
    if checkpoint is not None:
        with suppress(OSError):  # where it could not be written either
            remove(checkpoint)


def _tidy(folder: Path) -> None:
    files = sorted(folder.glob(f"{STOPPED}*.pt"), key=lambda file: -file.stat().st_mtime)
    size = 0
    for place, file in enumerate(files):
        size += file.stat().st_size
        if place >= KEPT or size > KEPT_BYTES:
            file.unlink(missing_ok=True)
