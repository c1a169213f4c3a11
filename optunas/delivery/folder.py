"""A winner's folder: everything is made beside it, and moved there when all of it is whole.

`winner.json` goes first and comes last: a folder that has it is complete, whatever was killed.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from optunas.delivery.export import FILES

FACTS = "winner.json"
TRAINING = "training"  # checkpoints, and what is being made of them
OURS = (*FILES, "architecture.json", "model_card.md")


def opened(target: Path) -> Path:
    """The folder for a delivery, not complete any more; gives where it keeps its checkpoints."""
    training = target / TRAINING
    training.mkdir(parents=True, exist_ok=True)
    (target / FACTS).unlink(missing_ok=True)
    return training


def workshop(training: Path) -> Path:
    """An empty folder, in which the files are made."""
    room = training / "files"
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir()
    return room


def published(room: Path, target: Path) -> None:
    """Move all files from the workshop to the folder, on the disk before they get their names;
    what an earlier delivery left there, and this one has not, goes."""
    made = sorted(room.iterdir(), key=lambda path: path.name == FACTS)
    for old in set(OURS) - {path.name for path in made}:
        (target / old).unlink(missing_ok=True)
    for path in made:
        with path.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(path, target / path.name)
    shutil.rmtree(target / TRAINING, ignore_errors=True)
