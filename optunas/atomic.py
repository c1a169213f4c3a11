"""Files that are written whole or not at all."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file beside `path`, which takes its place once it is whole and on the disk.

    Where the writing fails, `path` stays as it was and the draft is deleted; a process that is
    killed leaves the draft (see `drafts`). Raises `OSError`.
    """
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with open(draft, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def drafts(path: Path) -> Iterator[Path]:
    """What killed processes have left of `path`."""
    start = f"{path.name}."
    if path.parent.is_dir():
        yield from (
            file
            for file in path.parent.iterdir()
            if file.name.startswith(start) and file.name.endswith(".tmp")
        )
