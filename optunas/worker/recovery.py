"""Interrupted trials: put back into the queue, where they keep parameters, seed and checkpoint."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Sequence

import optuna
from optuna import Study
from optuna.exceptions import ExperimentalWarning, UpdateFinishedTrialError
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import FrozenTrial, TrialState

from optunas.attributes import Outcome, continues, outcome
from optunas.process import is_dead, signature

KILLS = 3
"""So many workers may one candidate cost, by a crash or by the system's out-of-memory killer."""


def give_up(study: Study) -> Iterator[int]:
    """Fail what dead workers ran where the same candidate ended others before; gives the numbers.

    Whatever it does to workers, it would do to all that try it.
    """
    trials = study.get_trials(deepcopy=False)
    for trial in trials:
        lost = trial.state is TrialState.RUNNING and is_dead(signature(trial))
        if lost and kills(trial, trials) >= KILLS and _fail(study, trial.number):
            yield trial.number


def kills(trial: FrozenTrial, trials: Sequence[FrozenTrial]) -> int:
    """How many workers a candidate has ended, where this trial of it lost its worker."""
    earlier = [trials[number] for number in continues(trial)]
    return 1 + sum(outcome(other) is not Outcome.INTERRUPTED for other in earlier)


def take_over(study: Study) -> Iterator[int]:
    """Put the trials of dead workers back into the queue; gives the numbers of the interrupted.

    A dead process of this host is known as such at once; those of other hosts are found by
    Optuna's heartbeat, where the storage has one, a grace period later.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        optuna.storages.fail_stale_trials(study)
    trials = study.get_trials(deepcopy=False)
    continued = {number for trial in trials for number in continues(trial)}
    for trial in trials:
        running = trial.state is TrialState.RUNNING
        stopped = outcome(trial) is Outcome.INTERRUPTED and trial.number not in continued
        if not (running or stopped) or not is_dead(signature(trial)):
            continue  # a stopped worker that lives is about to put its trial back itself
        if running and not _fail(study, trial.number):
            continue
        put_back(study, trial.number)
        yield trial.number


def put_back(study: Study, number: int) -> None:
    """Enqueue a failed trial anew, as Optuna's heartbeat does.

    The new trial has the same parameters and attributes, and so the same seed and checkpoint.
    """
    trial = copy.deepcopy(_trial(study, number))
    if trial.user_attrs.get("outcome") == Outcome.INTERRUPTED:  # that was the old one's end
        kept = {k: v for k, v in trial.user_attrs.items() if k not in ("outcome", "reason")}
        trial.user_attrs = kept
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        again = RetryHeartbeatStaleTrialCallback()
    again(study, trial)


def _fail(study: Study, number: int) -> bool:
    """Mark a trial as failed; False where someone else told how it ended."""
    try:
        study.tell(number, state=TrialState.FAIL)
    except (ValueError, UpdateFinishedTrialError):
        return False
    return True


def _trial(study: Study, number: int) -> FrozenTrial:
    (trial,) = (t for t in study.get_trials(deepcopy=False) if t.number == number)
    return trial
