"""A worker: one process that runs trials of a study until it holds as many as it shall.

Underneath is one `study.optimize`, so heartbeats, pruners, samplers and callbacks are Optuna's own.
Around it: an end that counts evaluated networks, also where several workers come to it at once,
and trials of dead or stopped workers, which are put back into the queue and go on from their
checkpoints.
"""

from __future__ import annotations

import _thread
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from statistics import median
from types import FrameType
from typing import Any, Protocol

from optuna import Study, TrialPruned
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.trial import FrozenTrial, Trial, TrialState

from optunas.attributes import Outcome, conclude, outcome, text
from optunas.errors import StudyError
from optunas.process import TAKEN, TakenOverError, sign, signature
from optunas.storage import SharedStorage
from optunas.worker.ledger import Ledger
from optunas.worker.places import takes_place
from optunas.worker.promotion import is_promoted_twice, promote_due
from optunas.worker.recovery import RETRIES, is_continued_twice, put_back, take_over
from optunas.worker.vigil import Vigil

FAILURES = 10
REJECTIONS = 500
WAIT_SECONDS = 1.0
IMPORT_SECONDS = 0.2  # until an interrupt that came in the middle of an import is tried again


SLACK = 0.05
"""The share of its hours by which a search may be too long: less than what ending early wastes."""


class OutOfTime(KeyboardInterrupt):
    """The hours are over, and the running trial would take too long: an interrupt from within."""


class Watch(Protocol):
    """Who wants to know how the search goes."""

    def began(self, trial: Trial) -> None:
        """A trial has begun."""

    def ended(self, study: Study, trial: FrozenTrial) -> None:
        """A trial has ended."""

    def note(self, line: str) -> None:
        """Something happened that a person wants to know."""


@dataclass(frozen=True)
class Noted:
    """A watch that passes the notes on, and nothing else."""

    note: Callable[[str], None]

    def began(self, trial: Trial) -> None:
        """As for `Watch`."""

    def ended(self, study: Study, trial: FrozenTrial) -> None:
        """As for `Watch`."""


@dataclass(frozen=True)
class Plan:
    """How long to search: until the study holds `trials` evaluated networks, or `hours` passed.

    A worker that is silent for `grace_s` seconds has lost its trial, which is then run again, up to
    `retries` times.
    """

    trials: int | None = None
    hours: float | None = None
    retries: int = RETRIES
    grace_s: float = 60.0

    def __post_init__(self) -> None:
        if self.trials is not None and self.trials < 1:
            raise StudyError(f"a study shall hold at least 1 trial; got trials={self.trials}")
        if self.hours is not None and not self.hours > 0:
            raise StudyError(f"a search takes more than 0 hours; got hours={self.hours}")
        if self.retries < 0 or not self.grace_s > 0:
            raise StudyError(
                "a lost trial is run again 0 times or more, after more than 0 s; got "
                f"retries={self.retries}, grace_s={self.grace_s}"
            )


def work(
    study: Study,
    objective: Callable[[Trial], Any],
    plan: Plan,
    watch: Watch,
    storage: SharedStorage | None = None,
) -> None:
    """Run trials until the plan is fulfilled, or the sampler has nothing more to propose.

    `storage` is the study's, where it was opened by `optunas.storage`. `hours` end the search
    before a trial that would probably take longer than what is left and a twentieth more.
    `KeyboardInterrupt` (Ctrl-C, and SIGTERM) passes through after the running trial was marked and
    put back into the queue. Raises `StudyError` where trial after trial fails or is rejected.
    Whatever the storage raises passes through as it is.
    """
    session = _Session(study, objective, plan, watch, storage)
    with session.on_duty():
        session.hand_in()
        while session.another():
            session.optimize()
            if session.through:
                watch.note("the sampler has nothing more to propose: the space is searched")
                return


def _of_the_storage(error: BaseException | None) -> BaseException | None:
    while error is not None and not isinstance(error, StorageInternalError):
        error = error.__context__
    return error


class _NotNeededError(Exception):
    """A trial that another worker's made superfluous."""


class _Session:
    """One call of `work`: what is running, and how it has gone lately."""

    def __init__(
        self,
        study: Study,
        objective: Callable[[Trial], Any],
        plan: Plan,
        watch: Watch,
        storage: SharedStorage | None,
    ) -> None:
        self.study, self.objective, self.plan, self.watch = study, objective, plan, watch
        self.storage, self.vigil = storage, Vigil(plan.grace_s)
        self.ledger = Ledger()
        self.started = time.monotonic()
        self.through = False  # the sampler has stopped the study
        self._over = False
        self._number: int | None = None  # of the trial that runs
        self._interrupted = False
        self._inside = False
        self._stop = False
        self._lost = False
        self._waiting = False
        self._lately: list[Outcome] = []

    def optimize(self) -> None:
        """Run trials until the search is over, or one of them was lost to another worker."""
        self.through = False
        try:
            self.study.optimize(self.run, catch=(Exception,), callbacks=[self.ended])
        except KeyboardInterrupt:
            if self._interrupted and self._number is not None:
                put_back(self.study, self._number)
            raise
        except (AssertionError, UnboundLocalError, ValueError, UpdateFinishedTrialError) as error:
            # what becomes of a storage that fails when Optuna writes down how a trial ended, or
            # that knows of another end
            if cause := _of_the_storage(error):
                raise cause from None
            if not self._was_taken():
                raise
            self.watch.note(
                f"trial {self._number} was taken over by another worker, while this one was silent"
            )
        else:
            self.through = not self._over

    def _was_taken(self) -> bool:
        if self._number is None:
            return False
        return TAKEN in self.study.get_trials(deepcopy=False)[self._number].system_attrs

    def run(self, trial: Trial) -> Any:
        """The objective, with a reason noted for whatever it raises."""
        self._number, self._lost, self._inside = trial.number, False, True
        try:
            if self._stop:
                raise KeyboardInterrupt
            self._take_place(trial)
            self.watch.began(trial)
            return self.objective(trial)
        except (TrialPruned, _NotNeededError):
            raise
        except KeyboardInterrupt:
            self._interrupted = True
            raise
        except Exception as error:
            line = " ".join(f"{type(error).__name__}: {error}".split())[:500]
            trial.set_user_attr("reason", line)
            raise
        finally:
            self._inside = False

    def _take_place(self, trial: Trial) -> None:
        seen = self.study.get_trials(deepcopy=False)  # a read takes long where many trials run
        if is_promoted_twice(seen, trial) or is_continued_twice(seen, trial):
            conclude(trial, Outcome.REJECTED, "another worker goes on with the same trial")
            raise TrialPruned("queued twice")
        if self.plan.trials is None:
            sign(trial)
        elif not takes_place(self.study, trial, self.plan.trials, seen, self.ledger):
            conclude(trial, Outcome.INTERRUPTED, "another worker has taken the last place")
            raise _NotNeededError

    def ended(self, study: Study, trial: FrozenTrial) -> None:
        """After each trial: tell the watch, look for trouble, and stop where the plan is met."""
        end = outcome(trial)
        if end is Outcome.INTERRUPTED:
            put_back(study, trial.number)
        self.watch.ended(study, trial)
        if end is not None:
            self._lately.append(end)
        self._check_streak(Outcome.FAILED, FAILURES, trial)
        self._check_streak(Outcome.REJECTED, REJECTIONS, trial)
        if self._stop:
            raise KeyboardInterrupt
        for number in promote_due(study):
            self.watch.note(f"trial {number} is promoted: it is among the best at its epoch now")
        if not self.another():
            self._over = True
            study.stop()

    def _check_streak(self, end: Outcome, limit: int, last: FrozenTrial) -> None:
        if self._lately[-limit:] == [end] * limit:
            raise StudyError(
                f"{limit} trials in a row were {end.value}; the last one: "
                f"{text(last, 'reason') or 'without a reason'}"
            )

    def another(self) -> bool:
        """Whether to start one more; waits where the running trials of others may complete it."""
        plan = self.plan
        while True:
            trials = self.taken_over()
            finished, running = self.ledger.evaluated, self.ledger.running
            if plan.trials is not None and finished >= plan.trials:
                return False
            if plan.hours is not None:
                left = plan.hours * 3600 - (time.monotonic() - self.started)
                if left <= 0 or left + SLACK * plan.hours * 3600 < _usual_seconds(trials):
                    return False
            if plan.trials is None or finished + running < plan.trials:
                return True
            self._wait(trials)

    def _wait(self, trials: list[FrozenTrial]) -> None:
        if not self._waiting:
            running = [trial for trial in trials if trial.state is TrialState.RUNNING]
            self.watch.note("waiting for " + ", ".join(map(_said, running)))
        self._waiting = True
        time.sleep(WAIT_SECONDS)
        if self._stop:
            raise KeyboardInterrupt

    def hand_in(self) -> None:
        """Tell the storage what earlier workers of this machine could not tell it any more."""
        for number in self.storage.hand_in() if self.storage is not None else ():
            self.watch.note(f"trial {number} had ended, and its value is handed in now")

    def taken_over(self) -> list[FrozenTrial]:
        """The study's trials, with those of dead workers in the queue again, but those that end
        all workers."""
        seen = self.study.get_trials(deepcopy=False)
        retries = self.plan.retries
        rescues = list(take_over(self.study, self.storage, self.vigil, retries, seen, self.ledger))
        for rescue in rescues:
            self.watch.note(str(rescue))
        if rescues:
            seen = self.study.get_trials(deepcopy=False)
            self.ledger.read(seen)
        return seen

    @contextmanager
    def on_duty(self) -> Iterator[None]:
        """Watch the other workers' trials, hear of it when our own is lost, heed signals."""
        with ExitStack() as duties:
            duties.enter_context(self.interruptible())
            duties.enter_context(self.vigil.kept(self.study))
            if self.storage is not None:
                pulse = self.storage.pulse
                before, pulse.on_lost = pulse.on_lost, self._lose
                duties.callback(setattr, pulse, "on_lost", before)
                patience = self.storage.patience
                self.storage.patience = replace(patience, tell=self.watch.note)
                duties.callback(setattr, self.storage, "patience", patience)
            yield

    def _lose(self, _: int) -> None:
        """Called by the thread of the heartbeat: the running trial is another worker's now."""
        self._lost = True
        if self._inside and signal.getsignal(signal.SIGTERM) == self._on_signal:
            if hasattr(signal, "pthread_kill"):  # also ends a sleep, where there is one to end
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
            else:
                _thread.interrupt_main(signal.SIGTERM)

    def _lose_again(self, number: int | None) -> None:
        if self._inside and self._number == number:
            self._lose(0)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let Ctrl-C and SIGTERM through inside the objective; else wait for the storage.

        An interrupt in the middle of Optuna's own writing would leave a trial half told.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {s: signal.signal(s, self._on_signal) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, _: int, frame: FrameType | None) -> None:
        if self._lost and self._inside and _is_importing(frame):  # half a module is there for good
            threading.Timer(IMPORT_SECONDS, self._lose_again, (self._number,)).start()
            return
        if self._lost:
            self._lost = False
            if self._inside:
                raise TakenOverError
            return
        if self._inside or self._stop:
            self._inside = False
            raise KeyboardInterrupt
        self._stop = True


def _is_importing(frame: FrameType | None) -> bool:
    """Whether the objective is importing a module: torch does so in its first training."""
    while frame is not None and frame.f_code is not _Session.run.__code__:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _said(trial: FrozenTrial) -> str:
    worker = signature(trial) or {"host": "an unknown host", "pid": "?"}
    return f"trial {trial.number} (process {worker['pid']} on {worker['host']})"


def _usual_seconds(trials: list[FrozenTrial]) -> float:
    """How long a fully trained network of late took, or 0 before there is one."""
    durations = (
        trial.duration.total_seconds()
        for trial in reversed(trials)
        if trial.state is TrialState.COMPLETE and trial.duration is not None
    )
    lately = list(islice(durations, 20))
    return median(lately) if lately else 0.0
