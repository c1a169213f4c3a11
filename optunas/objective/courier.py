"""Who carries files to an artifact store and back, so that no training waits for a network.

One thread does all of it, one thing after the other. A store that fails or hangs is a warning, once
for each kind of failure; whoever wants a file from it waits for so long and no longer.
"""

from __future__ import annotations

import atexit
import io
import logging
import queue
import threading
import time
from collections.abc import Callable
from contextlib import closing

from optuna.artifacts.exceptions import ArtifactNotFound

from optunas.artifacts import ArtifactStore, masked

SHARE = 0.05  # of the time, at most, is spent on copies
LONGEST_SECONDS = 20.0  # from one copy to the next, however long copying takes
PAUSE_SECONDS = 30.0  # after a failure
FETCH_SECONDS = 30.0  # for a file to come
SETTLE_SECONDS = 10.0  # when the worker is told to stop: its grace may be no more than 30 s
LAST_SECONDS = 3.0  # at the end of the process
MOST_TASKS = 1000
CHUNK = 2**20

_log = logging.getLogger("optunas")


class Courier:
    """Carries for one store. Its thread starts with the first task, and ends with the process."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self._tasks: queue.Queue[Callable[[], None]] = queue.Queue()
        self._start = threading.Lock()
        self._started = False
        self._rests_until = 0.0
        self._said: set[str] = set()

    @property
    def is_busy(self) -> bool:
        """Whether something waits to be carried, or is under way."""
        return self._tasks.unfinished_tasks > 0

    @property
    def is_rested(self) -> bool:
        """Whether it is time for the next copy."""
        return not self.is_busy and time.monotonic() >= self._rests_until

    def bring(self, name: str, content: bytes) -> None:
        """Write a file, later."""

        def write() -> None:
            began = time.monotonic()
            self._rests_until = began + PAUSE_SECONDS  # unless it goes well
            self._store.write(name, io.BytesIO(content))
            spent = time.monotonic() - began
            self._rests_until = time.monotonic() + min(LONGEST_SECONDS, spent / SHARE)

        self._later(write)

    def drop(self, name: str) -> None:
        """Delete a file, later."""
        self._later(lambda: self._store.remove(name))

    def fetch(self, name: str, most: int) -> bytes | None:
        """The file; None where there is none, it can't be had, or is of more bytes than `most`."""
        parts: list[bytes] = []
        found, done = threading.Event(), threading.Event()

        def read() -> None:
            try:
                with closing(self._store.open_reader(name)) as reader:
                    left = most + 1
                    while left and (part := reader.read(min(left, CHUNK))):
                        parts.append(part)
                        left -= len(part)
                if not left:
                    raise ValueError(f"{name} is of more than {most:,} bytes, and not ours")
                found.set()
            finally:
                done.set()

        self._later(read)
        if not done.wait(FETCH_SECONDS):
            self._say("silence", f"no answer for {FETCH_SECONDS:.0f} s")
        return b"".join(parts) if found.is_set() else None

    def settle(self, seconds: float = SETTLE_SECONDS) -> bool:
        """Wait until all is carried, or for so long; whether it is."""
        if not self.is_busy:
            return True
        done = threading.Event()
        self._later(done.set)
        return done.wait(seconds)

    def _later(self, task: Callable[[], None]) -> None:
        with self._start:
            if not self._started:
                self._started = True
                threading.Thread(target=self._work, name="artifacts", daemon=True).start()
                atexit.register(self.settle, LAST_SECONDS)
        if self._tasks.unfinished_tasks < MOST_TASKS:
            self._tasks.put(task)

    def _work(self) -> None:
        while True:
            task = self._tasks.get()
            try:
                task()
            except ArtifactNotFound:
                pass
            except Exception as error:  # whatever a store's client raises
                self._say(_kind(error), " ".join(masked(str(error)).split())[:200])
            finally:
                self._tasks.task_done()

    def _say(self, kind: str, reason: str) -> None:
        if kind not in self._said:
            self._said.add(kind)
            _log.warning(
                "the artifact store fails (%s); training goes on with the checkpoints on this "
                "machine",
                reason or kind,
            )


def _kind(error: Exception) -> str:
    """The same for the same trouble, whatever file it befell."""
    return f"{type(error).__name__} {getattr(error, 'errno', '')}"
