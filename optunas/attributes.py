"""What optunas writes into a trial's user attributes, so that any tool can read it. No torch.

| attribute | what |
|---|---|
| `outcome` | how the trial ended, an `Outcome` |
| `reason` | one line on why it was pruned, rejected, reused or failed |
| `architecture` | the description as JSON (`architecture.from_json`); not for own functions |
| `key` | the network's canonical key |
| `recipe`, `seed`, `data`, `device` | how it was trained: JSON, number, fingerprint, name |
| `input_shape`, `classes` | what the network takes and tells apart |
| `params`, `macs` | what it costs by arithmetic |
| `latency_ms`, `memory_mb`, `inference_memory_mb` | what it costs as measured, where asked for |
| `latency_iqr_ms`, `latency_batch` | the passes' interquartile range, and images in each |
| `margin.params`, ... | how far a cost is over its limit, as a share; 0 or less is within |
| `proxy.swap`, ... | zero-cost proxies, where asked for |
| `accuracy`, `f1`, `train_seconds` | of the last epoch, on the validation split |
| `engine` | where the images lay and how the steps were run, and why not faster |
| `curve` | one list an epoch, in the order of `CURVE` |
| `reported` | with several objectives: for each epoch its number and their values after it |
| `role` | `baseline` or `random draw`, where the trial was enqueued as that |
| `promotes`, `promoted_after` | the stopped trial that this one goes on with, and its last epoch |
| `reused_from` | the number of the trial whose result this one took |
| `worker` | host, process, start time of who ran it, and this trial's number |
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Any

from optuna.exceptions import ExperimentalWarning
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import BaseTrial, FrozenTrial, Trial, TrialState

CURVE = ("train_loss", "loss", "accuracy", "f1", "seconds")
BASELINE = "baseline"
RANDOM = "random draw"
TEXT_LENGTH = 2000


class Outcome(StrEnum):
    """How a trial ended: Optuna's state, and why."""

    TRAINED = "trained"  # COMPLETE
    REUSED = "reused"  # COMPLETE or PRUNED: an equal network's result
    PRUNED = "pruned"  # PRUNED by the pruner, after some epochs
    REJECTED = "rejected"  # PRUNED before training: over a limit
    FAILED = "failed"  # FAIL
    INTERRUPTED = "interrupted"  # FAIL, and enqueued again


FIRST_HAND = (Outcome.TRAINED, Outcome.PRUNED)
"""The ends of a network that was trained here and now."""


def at_once(trial: BaseTrial) -> AbstractContextManager[None]:
    """What a trial chooses and notes in here is written in one go (`SharedStorage.at_once`); one
    after the other where its storage is of another kind."""
    within = getattr(getattr(trial, "storage", None), "at_once", None)
    # the id by which storages know a trial: Optuna has no public word for it
    return nullcontext() if within is None else within(trial._trial_id)  # type: ignore[attr-defined]


def conclude(trial: Trial, outcome: Outcome, reason: str = "") -> None:
    """Write down how a trial ends; the reason first, so that an outcome never lacks one."""
    with at_once(trial):
        trial.set_user_attr("reason", reason)
        trial.set_user_attr("outcome", outcome.value)


def outcome(trial: FrozenTrial) -> Outcome | None:
    """How a finished trial ended; None while it runs or waits. Any study's trials have one."""
    ends = _ENDS.get(trial.state)
    if ends is None:
        return None
    stored = trial.user_attrs.get("outcome")
    return ends.get(stored, ends[None]) if isinstance(stored, str) else ends[None]


def outcomes(trials: Sequence[FrozenTrial]) -> dict[int, Outcome]:
    """How each finished trial ended, by number.

    A failed trial that another one continues was interrupted: a killed worker can't say so itself.
    """
    continued = {number for trial in trials for number in continues(trial)}
    ends = {trial.number: outcome(trial) for trial in trials}
    return {
        number: Outcome.INTERRUPTED if end is Outcome.FAILED and number in continued else end
        for number, end in ends.items()
        if end is not None
    }


def continues(trial: FrozenTrial) -> list[int]:
    """The numbers of the interrupted trials that this one goes on with, the first one first."""
    if "retry_history" not in trial.system_attrs:  # a warning takes longer than to see that
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        history: Any = RetryHeartbeatStaleTrialCallback.retry_history(trial)
    numbers = history if isinstance(history, list) else []
    return [n for n in numbers if isinstance(n, int) and 0 <= n < trial.number]


def promotes(trial: Trial | FrozenTrial) -> int | None:
    """The number of the stopped trial that this one goes on with."""
    stored = trial.user_attrs.get("promotes")
    return stored if isinstance(stored, int) and 0 <= stored < trial.number else None


def promoted_after(trial: FrozenTrial | Trial) -> int:
    """The epoch up to which the trial was judged before it was promoted; 0 for any other."""
    stored = trial.user_attrs.get("promoted_after")
    return stored if isinstance(stored, int) else 0


def evaluated(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """The trials that count as finished: completed, or stopped by the pruner.

    Rejected networks cost nothing, and failed or interrupted trials say nothing.
    """
    return [
        trial
        for trial in trials
        if trial.state is TrialState.COMPLETE
        or (trial.state is TrialState.PRUNED and outcome(trial) is not Outcome.REJECTED)
    ]


def text(trial: FrozenTrial, name: str) -> str:
    """A user attribute as a text, whatever someone else may have written there: of no great length,
    and without signs that a terminal would obey."""
    value: Any = trial.user_attrs.get(name)
    said = "" if value is None else str(value)[:TEXT_LENGTH]
    return said if said.isprintable() else "".join(c if c.isprintable() else " " for c in said)


def number(trial: FrozenTrial, name: str) -> float | None:
    """A user attribute as a number, or None where it is none."""
    return as_number(trial.user_attrs.get(name))


def as_number(value: Any) -> float | None:
    """What stands in a study, where that is a number."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


_ENDS: dict[TrialState, dict[str | None, Outcome]] = {
    state: {None: ends[0]} | {end.value: end for end in ends}
    for state, ends in {
        TrialState.COMPLETE: (Outcome.TRAINED, Outcome.REUSED),
        TrialState.PRUNED: (Outcome.PRUNED, Outcome.REUSED, Outcome.REJECTED),
        TrialState.FAIL: (Outcome.FAILED, Outcome.INTERRUPTED),
    }.items()
}
"""By state: what it means unless the trial says more, and what it may say. A study of 10,000 trials
is counted before each of them, so this is read 10,000 times for one network."""
