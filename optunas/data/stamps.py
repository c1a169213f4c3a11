"""What a list of files is at this moment: a change of any of them is seen."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

Stamps = npt.NDArray[np.int64]
"""(N, 3): size in bytes, time of the last change of the contents and of anything, in ns"""


def stamped(files: Iterable[str]) -> Stamps:
    """The stamp of every file; a file that is absent has -1 throughout."""
    return np.array([_stamp(file) for file in files], np.int64).reshape(-1, 3)


def digest(files: Sequence[str], stamps: Stamps, *facts: object) -> str:
    """32 hex digits that tell these files, as they are now, and the facts from all others."""
    found = hashlib.blake2b(repr(facts).encode(), digest_size=16)
    found.update("\0".join(_absolute(files)).encode(errors="surrogateescape"))
    found.update(stamps.tobytes())
    return found.hexdigest()


def _stamp(file: str) -> tuple[int, int, int]:
    try:
        facts = os.stat(file)
    except OSError:
        return -1, -1, -1
    return facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def _absolute(files: Iterable[str]) -> Iterable[str]:
    """As `os.path.abspath`, which takes longer than asking the disk: once for each folder."""
    folders: dict[str, str] = {}
    for file in files:
        cut = file.rfind(os.sep) + 1
        folder = file[:cut]
        if folder not in folders:
            folders[folder] = os.path.join(os.path.abspath(folder), "")
        yield folders[folder] + file[cut:]
