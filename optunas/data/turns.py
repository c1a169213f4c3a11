"""One process decodes a set of images; the others that want the same wait for its file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

_PATIENCE = 3600.0  # seconds: then whoever holds the lock may be stuck, and waiting helps nobody


@contextmanager
def one_at_a_time(file: Path) -> Iterator[None]:
    """Wait until no other process makes this file, then let others wait.

    The operating system frees the lock of a process that ends, however it ends, so none is
    ever stale. It saves work and nothing else: where it can't be had (a folder that can't be
    written, a file system without locks, an hour gone by) the work is done without it.
    """
    lock = FileLock(file.with_suffix(".lock"))
    with suppress(OSError, NotImplementedError, Timeout):
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=_PATIENCE)
    try:
        yield
    finally:
        if lock.is_locked:
            with suppress(OSError):  # who comes from now on finds the file itself
                Path(lock.lock_file).unlink()
            lock.release()
