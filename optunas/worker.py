"""A worker: one process that runs trials of a study until it holds as many as it shall.

Underneath is one `study.optimize`, so heartbeats, pruners, samplers and callbacks are Optuna's own.
Around it: the queue of baselines and random draws that a search is compared with, an end that
counts evaluated networks, and the trials of dead or stopped workers, which are put back into the
queue and go on from their checkpoints.
"""

from __future__ import annotations

import copy
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from statistics import median
from typing import Any, Protocol

from optuna import Study, TrialPruned
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, Trial, TrialState

from .attributes import BASELINE, RANDOM, Outcome, outcome, text
from .errors import StudyError
from .process import is_dead
from .tally import Tally

FAILURES = 10
REJECTIONS = 500
WAIT_SECONDS = 1.0


class Watch(Protocol):
    """Who wants to know how the search goes."""

    def began(self, trial: Trial) -> None:
        """A trial has begun."""

    def ended(self, study: Study, trial: FrozenTrial) -> None:
        """A trial has ended."""

    def note(self, line: str) -> None:
        """Something happened that a person wants to know."""


@dataclass(frozen=True)
class Plan:
    """How long to search: until the study holds `trials` evaluated networks, or `hours` passed."""

    trials: int | None = None
    hours: float | None = None

    def __post_init__(self) -> None:
        if self.trials is not None and self.trials < 1:
            raise StudyError(f"a study shall hold at least 1 trial; got trials={self.trials}")
        if self.hours is not None and not self.hours > 0:
            raise StudyError(f"a search takes more than 0 hours; got hours={self.hours}")


def enqueue_comparisons(
    study: Study,
    baseline: Mapping[str, Any] | None,
    draws: Iterable[Mapping[str, Any]],
    number: int,
) -> None:
    """Queue what a new study's search is compared with: a baseline, and a number of random draws.

    In a study that was interrupted on the way, what is missing is queued; in one whose search has
    begun, nothing: random draws that came then would not be its start.
    """
    trials = study.get_trials(deepcopy=False)
    roles = [text(trial, "role") for trial in trials]
    if any(outcome(trial) is not None and not text(trial, "role") for trial in trials):
        return
    if baseline is not None and BASELINE not in roles:
        study.enqueue_trial(dict(baseline), user_attrs={"role": BASELINE})
    for params in islice(draws, roles.count(RANDOM), number):
        study.enqueue_trial(dict(params), user_attrs={"role": RANDOM})


def work(study: Study, objective: Callable[[Trial], Any], plan: Plan, watch: Watch) -> None:
    """Run trials until the plan is fulfilled, or the sampler has nothing more to propose.

    `KeyboardInterrupt` (Ctrl-C, and SIGTERM) passes through after the running trial was marked and
    put back into the queue. Raises `StudyError` where trial after trial fails or is rejected.
    """
    session = _Session(study, objective, plan, watch)
    with session.interruptible():
        take_over(study, watch)
        if not session.another():
            return
        try:
            study.optimize(session.run, catch=(Exception,), callbacks=[session.ended])
        except KeyboardInterrupt:
            if session.interrupted is not None:
                _enqueue_again(study, session.interrupted)
            raise
        if not session.over:
            watch.note("the sampler has nothing more to propose: the space is searched")


def take_over(study: Study, watch: Watch) -> None:
    """Put the trials of this host's dead workers back into the queue, with their checkpoints.

    The dead workers of other hosts are found by Optuna's heartbeat, a grace period later.
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        worker = trial.user_attrs.get("worker")
        # a trial that is run again inherits this attribute: it is its own only with its number
        own = isinstance(worker, dict) and worker.get("trial") == trial.number
        if own and is_dead(worker) and _fail(study, trial.number):
            _enqueue_again(study, trial.number)
            watch.note(f"trial {trial.number} had lost its worker; it is run again")


def _fail(study: Study, number: int) -> bool:
    """Mark a trial as failed; False where someone else told how it ended."""
    try:
        study.tell(number, state=TrialState.FAIL)
    except ValueError:
        return False
    return True


def _enqueue_again(study: Study, number: int) -> None:
    """Enqueue a failed trial anew, as Optuna's heartbeat does.

    The new trial has the same parameters and attributes, and so the same seed and checkpoint.
    """
    (trial,) = (t for t in study.get_trials(deepcopy=False) if t.number == number)
    RetryHeartbeatStaleTrialCallback()(study, copy.deepcopy(trial))


class _Session:
    """One call of `work`: what is running, and how it has gone lately."""

    def __init__(
        self, study: Study, objective: Callable[[Trial], Any], plan: Plan, watch: Watch
    ) -> None:
        self.study, self.objective, self.plan, self.watch = study, objective, plan, watch
        self.started = time.monotonic()
        self.over = False
        self.interrupted: int | None = None
        self._inside = False
        self._stop = False
        self._lately: list[Outcome] = []

    def run(self, trial: Trial) -> Any:
        """The objective, with a reason noted for whatever it raises."""
        self.watch.began(trial)
        self._inside = True
        try:
            if self._stop:
                raise KeyboardInterrupt
            return self.objective(trial)
        except TrialPruned:
            raise
        except KeyboardInterrupt:
            self.interrupted = trial.number
            raise
        except Exception as error:
            line = " ".join(f"{type(error).__name__}: {error}".split())[:500]
            trial.set_user_attr("reason", line)
            raise
        finally:
            self._inside = False

    def ended(self, study: Study, trial: FrozenTrial) -> None:
        """After each trial: tell the watch, look for trouble, and stop where the plan is met."""
        self.watch.ended(study, trial)
        end = outcome(trial)
        if end is not None:
            self._lately.append(end)
        self._check_streak(Outcome.FAILED, FAILURES, trial)
        self._check_streak(Outcome.REJECTED, REJECTIONS, trial)
        if self._stop:
            raise KeyboardInterrupt
        if not self.another():
            self.over = True
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
            trials = self.study.get_trials(deepcopy=False)
            tally = Tally.of(trials)
            if plan.trials is not None and tally.finished >= plan.trials:
                return False
            if plan.hours is not None:
                left = plan.hours * 3600 - (time.monotonic() - self.started)
                if left < _usual_seconds(trials):
                    return False
            if plan.trials is None or tally.finished + tally.running < plan.trials:
                return True
            self._wait()

    def _wait(self) -> None:
        time.sleep(WAIT_SECONDS)
        if self._stop:
            raise KeyboardInterrupt
        take_over(self.study, self.watch)

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

    def _on_signal(self, *_: object) -> None:
        if self._inside or self._stop:
            self._inside = False
            raise KeyboardInterrupt
        self._stop = True


def _usual_seconds(trials: list[FrozenTrial]) -> float:
    """How long a fully trained network of late took, or 0 before there is one."""
    durations = [
        trial.duration.total_seconds()
        for trial in trials
        if trial.state is TrialState.COMPLETE and trial.duration is not None
    ]
    return median(durations[-20:]) if durations else 0.0
