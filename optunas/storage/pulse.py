"""The heartbeat: while a process runs trials, it says so in each of them, again and again.

Optuna's own heartbeat exists for databases under `study.optimize` only, and one error of the
database ends its thread for good. This one writes a system attribute of the trial through any
storage; an error costs a beat. Others watch whether the value changes: no two clocks are compared.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage

from optunas.process import BEAT

_log = logging.getLogger("optunas")


class Pulse:
    """The trials that this process runs. `on_lost` is called, in a thread, with the id of one that
    somebody else has ended: this process was silent for too long, and another has taken it over.
    """

    def __init__(self, storage: BaseStorage, beat_s: float, reset: Callable[[], None]) -> None:
        self.beat_s = beat_s
        self.on_lost: Callable[[int], None] = lambda trial_id: None
        self._storage, self._reset = storage, reset
        self._lock = threading.Lock()
        self._held: set[int] = set()
        self._stop = threading.Event()

    def hold(self, trial_id: int) -> None:
        """This process runs the trial from now on."""
        with self._lock:
            if not self._held:
                self._stop = threading.Event()
                threading.Thread(target=self._beat, args=(self._stop,), daemon=True).start()
            self._held.add(trial_id)

    def release(self, trial_id: int) -> None:
        """It does so no more."""
        with self._lock:
            self._held.discard(trial_id)
            if not self._held:
                self._stop.set()

    def holds(self, trial_id: int) -> bool:
        """Whether this process runs the trial."""
        with self._lock:
            return trial_id in self._held

    def _beat(self, stop: threading.Event) -> None:
        while not stop.wait(self.beat_s):
            with self._lock:
                held = set(self._held)
            for trial_id in held:
                self._say_alive(trial_id)
        self._forget_session()

    def _say_alive(self, trial_id: int) -> None:
        try:
            self._storage.set_trial_system_attr(trial_id, BEAT, round(time.time(), 2))
        except (UpdateFinishedTrialError, KeyError):  # KeyError: its study was deleted
            if self.holds(trial_id):
                self.release(trial_id)
                self.on_lost(trial_id)
        except Exception:
            _log.debug("a heartbeat was not heard", exc_info=True)
            self._forget_session()  # it may never succeed again

    def _forget_session(self) -> None:
        with suppress(Exception):  # of a connection that is gone
            self._reset()
