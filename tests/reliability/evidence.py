"""What is left of a study that was mistreated, and whether anything was lost: the checks."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from optunas.attributes import continues, evaluated, text
from optunas.process import TAKEN

SLACK_SECONDS = 0.05  # of the clocks of two processes on one machine


@dataclass(frozen=True)
class Trained:
    """An epoch that a worker's process has trained, or taken from a checkpoint."""

    process: str
    worker: int
    trial: int
    epoch: int
    of: int
    seconds: float
    accuracy: float
    until: float


@dataclass(frozen=True)
class Frozen:
    """From when to when a worker could do nothing, in seconds since 1970."""

    worker: int
    since: float
    until: float


def told_in(folder: Path) -> list[Trained]:
    """What the processes have noted, line by line; one that was killed may lack half a line."""
    found = []
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            try:
                found.append(Trained(process=file.stem, **json.loads(line)))
            except (ValueError, TypeError):
                continue
    return sorted(found, key=lambda trained: trained.until)


def wrong(
    study: optuna.Study, told: list[Trained], wanted: int, frozen: Sequence[Frozen] = ()
) -> list[str]:
    """Whatever is not as it must be, in words."""
    trials = study.get_trials(deepcopy=False)
    return [
        *_count(trials, wanted),
        *_left_over(trials),
        *_values(trials, told),
        *_chains(trials),
        *_twice_at_once(trials, told, frozen),
    ]


def _count(trials: list[FrozenTrial], wanted: int) -> Iterator[str]:
    if (found := len(evaluated(trials))) != wanted:
        yield f"{found} finished trials, not {wanted}"


def _left_over(trials: list[FrozenTrial]) -> Iterator[str]:
    for trial in trials:
        if trial.state is TrialState.RUNNING:
            yield f"trial {trial.number} still runs"


def _values(trials: list[FrozenTrial], told: list[Trained]) -> Iterator[str]:
    """Every network that was trained to its end has its value in the study, in its trial or in the
    one that goes on with it."""
    heirs = {number: trial for trial in trials for number in continues(trial)}  # the last one wins
    for last in (trained for trained in told if trained.epoch == trained.of):
        trial = trials[last.trial]
        if trial.state is not TrialState.COMPLETE:
            trial = heirs.get(last.trial, trial)
        if trial.state is not TrialState.COMPLETE or trial.value != last.accuracy:
            yield (
                f"trial {last.trial} came to {last.accuracy}; trial {trial.number} has "
                f"{trial.value} ({trial.state.name}, {text(trial, 'reason')})"
            )


def _chains(trials: list[FrozenTrial]) -> Iterator[str]:
    """Every trial that lost its worker goes on as exactly one other, with its parameters."""
    heirs: dict[int, list[FrozenTrial]] = defaultdict(list)
    for trial in trials:
        if (history := continues(trial)) and text(trial, "outcome") != "rejected":
            heirs[history[-1]].append(trial)
    for trial in trials:
        if trial.state is TrialState.FAIL and len(heirs[trial.number]) != 1:
            numbers = [heir.number for heir in heirs[trial.number]]
            yield f"trial {trial.number} ({text(trial, 'reason')}) goes on as {numbers}"
        for heir in heirs[trial.number]:
            # one that was killed while it chose has some of them only
            if not trial.params.items() <= heir.params.items():
                yield f"trial {heir.number} has other parameters than {trial.number}"


def _twice_at_once(
    trials: list[FrozenTrial], told: list[Trained], frozen: Sequence[Frozen]
) -> Iterator[str]:
    """No two processes train the same network at the same time."""
    trained: dict[str, list[Trained]] = defaultdict(list)
    for epoch in first_hand(told):
        trained[text(trials[epoch.trial], "key")].append(epoch)
    for epochs in trained.values():
        for one, other in pairwise(epochs):
            begun = _awake_since(other, frozen)
            if one.process != other.process and begun < one.until - SLACK_SECONDS:
                yield (
                    f"trials {one.trial} and {other.trial} trained the same network for "
                    f"{one.until - begun:.2f} s at once"
                )


def _awake_since(trained: Trained, frozen: Sequence[Frozen]) -> float:
    """Since when the epoch was trained without a break: one that was frozen in it had lost its
    trial by then, and does not know it before it reaches the database again."""
    begun = trained.until - trained.seconds
    breaks = (f.until for f in frozen if f.worker == trained.worker and f.until <= trained.until)
    return max(begun, *breaks, 0.0)


def first_hand(told: list[Trained]) -> list[Trained]:
    """Without the epochs that came from a checkpoint: they have the same seconds as before."""
    seen: set[tuple[int, float]] = set()
    found = []
    for trained in told:
        if (trained.epoch, trained.seconds) not in seen:
            found.append(trained)
        seen.add((trained.epoch, trained.seconds))
    return found


def summary(study: optuna.Study, told: list[Trained]) -> dict[str, Any]:
    """How many trials were interrupted, and what of them was saved."""
    trials = study.get_trials(deepcopy=False)
    interrupted = [trial for trial in trials if trial.state is TrialState.FAIL]
    own = first_hand(told)
    return {
        "trials": len(trials),
        "finished": len(evaluated(trials)),
        "interrupted": len(interrupted),
        "of these taken over": sum(TAKEN in trial.system_attrs for trial in interrupted),
        "silent": sum("silent" in text(trial, "reason") for trial in interrupted),
        "epochs trained": len(own),
        "epochs taken from checkpoints": len(told) - len(own),
    }
