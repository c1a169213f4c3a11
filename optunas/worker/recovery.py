"""Interrupted trials: put back into the queue, where they keep parameters, seed and checkpoint."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from optuna import Study
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, Trial, TrialState

from optunas.attributes import Outcome, continues, outcome
from optunas.process import BEAT, TAKEN, TOKEN, is_dead, signature
from optunas.storage import SharedStorage
from optunas.worker.ledger import Ledger
from optunas.worker.vigil import Vigil, is_left

RETRIES = 3
"""So many times more is a candidate tried that has ended its worker, by a crash, the system's
out-of-memory killer, or a machine that went away."""


@dataclass(frozen=True)
class Rescue:
    """What became of a trial that had lost its worker: put back, or given up after many tries."""

    number: int
    why: str
    given_up: bool = False

    def __str__(self) -> str:
        then = "it is not run again" if self.given_up else "it is run again"
        return f"trial {self.number}: {self.why}; {then}"


def take_over(
    study: Study,
    storage: SharedStorage | None = None,
    vigil: Vigil | None = None,
    retries: int = RETRIES,
    seen: Sequence[FrozenTrial] | None = None,
    ledger: Ledger | None = None,
) -> Iterator[Rescue]:
    """Put the trials of dead workers back into the queue.

    A dead process of this host is known as such at once; those of other hosts are found by a
    `vigil`. Of several workers that see the same, the one that fails the trial puts it back. Where
    that one dies in between, the trial is put back by whoever has seen it left for long enough.
    `storage` is where the reason is noted; `seen` are the study's trials, where just read, and
    `ledger` is what is known of them already.
    """
    trials = study.get_trials(deepcopy=False) if seen is None else seen
    ledger = ledger or Ledger()
    unsettled = ledger.read(trials)
    if vigil is not None:
        vigil.look(unsettled)
    for trial in unsettled:
        why = "" if trial.number in ledger.continued else _why_lost(trial, vigil)
        if not why:
            continue
        tries = lost_tries(trial, trials)
        given_up = tries > retries
        if given_up:
            why += f", the {tries}. that this candidate has ended"
        if trial.state is TrialState.RUNNING:
            if not _fail(study, trial.number, why, storage):
                continue
        elif given_up:
            continue
        if not given_up:
            put_back(study, trial.number)
        yield Rescue(trial.number, why, given_up)


def _why_lost(trial: FrozenTrial, vigil: Vigil | None) -> str:
    """How it is known that nobody runs the trial, or puts it back; empty where somebody may."""
    if trial.state is not TrialState.RUNNING and not is_left(trial):
        return ""
    signed = signature(trial)
    who = f"its worker, process {signed['pid']} on {signed['host']}," if signed else "its worker"
    # one that was taken is put back by whoever took it, and that one may live
    if signed is not None and TAKEN not in trial.system_attrs and is_dead(signed):
        return f"{who} is gone"
    silent = 0.0 if vigil is None else vigil.silence(trial)
    return f"{who} has been silent for {silent:.0f} s" if silent else ""


def lost_tries(trial: FrozenTrial, trials: Sequence[FrozenTrial]) -> int:
    """How many workers a candidate has ended, where this trial of it lost its worker."""
    earlier = [trials[number] for number in continues(trial) if number < len(trials)]
    return 1 + sum(outcome(other) is not Outcome.INTERRUPTED for other in earlier)


def is_continued_twice(trials: Sequence[FrozenTrial], trial: Trial) -> bool:
    """Whether another, earlier one of a study's trials goes on with the same one: two workers put
    it back at once."""
    last = continues(trials[trial.number])[-1:]
    return bool(last) and any(
        continues(other)[-1:] == last and other.number < trial.number for other in trials
    )


def put_back(study: Study, number: int) -> None:
    """Enqueue a failed trial anew, as Optuna's heartbeat does.

    The new trial has the same parameters and attributes, and so the same seed and checkpoint.
    """
    trial = copy.deepcopy(study.get_trials(deepcopy=False)[number])
    ends = {"worker"}
    if outcome(trial) is Outcome.INTERRUPTED or TAKEN in trial.system_attrs:
        ends |= {"reason"}  # that was the old one's end
    if trial.user_attrs.get("outcome") == Outcome.INTERRUPTED:
        ends |= {"outcome"}
    trial.user_attrs = {k: v for k, v in trial.user_attrs.items() if k not in ends}
    marks = {BEAT, TAKEN, TOKEN}
    kept = {k: v for k, v in trial.system_attrs.items() if k not in marks}
    trial.system_attrs = {**kept, "retry_history": continues(trial)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        again = RetryHeartbeatStaleTrialCallback()
    again(study, trial)


def _fail(study: Study, number: int, why: str, storage: SharedStorage | None) -> bool:
    """Mark a trial as failed; False where someone else told how it ended."""
    if storage is not None:
        return storage.give_up_on(study.study_name, number, why)
    try:
        study.tell(number, state=TrialState.FAIL)
    except (ValueError, UpdateFinishedTrialError):
        return False
    return True
