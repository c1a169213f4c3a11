"""Files that are written whole or not at all."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """The path of a draft, which takes the file's place when all went well, else is removed.

    The draft is on the disk before it gets its name: after a power cut there is the old file or
    the new one, never one that has its length and lacks its contents. A process that is killed
    leaves the draft (see `drafts`). Raises `OSError`.
    """
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        yield draft
        with draft.open("rb+") as written:
            os.fsync(written.fileno())
        os.replace(draft, path)
    finally:
        with suppress(OSError):
            draft.unlink()


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """The draft of `whole`, open to be written."""
    with whole(path) as draft, draft.open("xb") as file:
        yield file


def drafts(path: Path) -> Iterator[Path]:
    """What killed processes have left of `path`."""
    start = f"{path.name}."
    if path.parent.is_dir():
        yield from (
            file
            for file in path.parent.iterdir()
            if file.name.startswith(start) and file.name.endswith(".tmp")
        )
