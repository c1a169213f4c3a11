"""The vigil: a worker watches the trials of the others, to see which of them nobody runs any more.

Each running trial shows signs of life: its heartbeat, and whatever its worker writes down. One that
shows none for the grace period has lost its worker. The watch goes by this process's own clock, so
no two clocks are compared; and the time in which this process could not look (it was frozen itself,
the database was down for all) counts for one heartbeat only, so that nobody is taken for dead
because the watcher was blind.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from optunas.attributes import Outcome, outcome
from optunas.process import BEAT, TAKEN, TOKEN, signature

LOOKS = 4  # in a grace period
BEATS = 3  # that are missed, at least, before a trial is given up
CROWD = 100  # running trials, from which on each worker looks less often

_log = logging.getLogger("optunas")


@dataclass
class _Seen:
    life: tuple[Any, ...]
    silent: float = 0.0


class Vigil:
    """Watches one study; `grace_s` seconds without a sign are too long."""

    def __init__(self, grace_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.grace_s, self._clock = grace_s, clock
        self._lock = threading.Lock()
        self._looked = clock()
        self._seen: dict[int, _Seen] = {}

    def look(self, trials: Sequence[FrozenTrial]) -> None:
        """See which trials show no sign of life."""
        with self._lock:
            now = self._clock()
            passed = min(now - self._looked, self.grace_s / LOOKS)
            self._looked = now
            seen: dict[int, _Seen] = {}
            for trial in filter(_is_watched, trials):
                life, last = _signs_of_life(trial), self._seen.get(trial.number)
                silent = last.silent + passed if last is not None and last.life == life else 0.0
                seen[trial.number] = _Seen(life, silent)
            self._seen = seen

    def silence(self, trial: FrozenTrial) -> float:
        """For how many seconds the trial has shown no sign of life, as far as was seen; 0 as long
        as that may pass."""
        with self._lock:
            seen = self._seen.get(trial.number)
            if seen is None or seen.life != _signs_of_life(trial):
                return 0.0
            beat = (signature(trial) or {}).get("beat_s", 0)
            least = max(self.grace_s, BEATS * beat if isinstance(beat, int | float) else 0)
            return seen.silent if seen.silent >= least else 0.0

    @contextmanager
    def kept(self, study: Study) -> Iterator[None]:
        """Look again and again, in a thread, while this process does something else."""
        over = threading.Event()

        def watch() -> None:
            pause = self.grace_s / LOOKS
            while not over.wait(pause):
                try:
                    trials = study.get_trials(deepcopy=False)
                    self.look(trials)
                    crowd = sum(trial.state is TrialState.RUNNING for trial in trials) / CROWD
                    pause = self.grace_s / LOOKS * max(1.0, crowd)
                except Exception:
                    _log.debug("the vigil could not look", exc_info=True)

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()


def _is_watched(trial: FrozenTrial) -> bool:
    """Trials that somebody should be at: those that run, and those that wait to be put back.

    A trial of another program, which neither beats nor was made through our storage, may be silent
    for as long as it likes.
    """
    if trial.state is TrialState.RUNNING:
        return TOKEN in trial.system_attrs or "beat_s" in (signature(trial) or {})
    return is_left(trial)


def is_left(trial: FrozenTrial) -> bool:
    """Whether the trial has ended so that it is to be put back by whoever ended it."""
    if trial.state is not TrialState.FAIL:
        return False
    return outcome(trial) is Outcome.INTERRUPTED or TAKEN in trial.system_attrs


def _signs_of_life(trial: FrozenTrial) -> tuple[Any, ...]:
    return (
        trial.state,
        trial.system_attrs.get(BEAT),
        len(trial.params),
        len(trial.user_attrs),
        len(trial.intermediate_values),
    )
