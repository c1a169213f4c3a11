"""Where the time went, and what pruning, rejection and reuse have saved of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from optunas.attributes import Outcome, number, outcomes, promotes
from optunas.insights.reading import curve, epochs_of, measure, trials_of
from optunas.insights.timeline import timeline
from optunas.ranks import Array

NEIGHBOURS = 9
"""So many trained networks of the nearest size say what a rejected one would have taken."""


@dataclass(frozen=True)
class Saving:
    """What one way of saving spared: `seconds` of training, over `trials` for which that can be
    estimated, of `of` in all. `low` and `high`: the quartiles of what similar networks took, where
    it is an estimate, and the same as `seconds` where it is known. `how`: in one line.
    """

    by: str
    seconds: float
    low: float
    high: float
    trials: int
    of: int
    how: str


@dataclass(frozen=True)
class Savings:
    """Seconds that trials held their devices, in all and by outcome, and what was saved of them.

    `spent`: from start to end of each trial that ended; where workers share a device, each counts
    in full. `training`: the part of it in epochs, as the learning curves say.
    """

    spent: float
    training: float
    by_outcome: Mapping[str, float]
    saved: tuple[Saving, ...]

    @property
    def total_saved(self) -> float:
        """Seconds saved in all."""
        return sum(saving.seconds for saving in self.saved)


def savings(study: Study, trials: Sequence[FrozenTrial] | None = None) -> Savings:
    """Device-seconds spent and saved, against a search that trains every network to the end.

    * pruning: a pruned network's epochs that were left, at its own median pace; one that was
      promoted later saved nothing;
    * rejection: the median training time of the trained networks nearest in MACs;
    * reuse: the training time of the equal network whose result was taken.
    """
    trials = trials_of(study, trials)
    ends = outcomes(trials)
    by_outcome: dict[str, float] = {}
    for span in timeline(study, trials):
        if span.seconds is not None:
            by_outcome[span.outcome] = by_outcome.get(span.outcome, 0.0) + span.seconds
    here = [t for t in trials if ends.get(t.number) in (Outcome.TRAINED, Outcome.PRUNED)]
    return Savings(
        sum(by_outcome.values()),
        sum(sum(curve(trial, "seconds")) for trial in here),
        by_outcome,
        (_pruning(trials, ends), _rejection(trials, ends), _reuse(trials, ends)),
    )


def _pruning(trials: Sequence[FrozenTrial], ends: Mapping[int, Outcome]) -> Saving:
    on = {promotes(t) for t in trials if t.state is not TrialState.FAIL}
    stopped = [t for t in trials if ends.get(t.number) is Outcome.PRUNED and t.number not in on]
    known = [left for trial in stopped if (left := _left(trial)) is not None]
    how = "the epochs that were left, at the network's own median pace"
    return _summed("pruning", [(s, s, s) for s in known], len(stopped), how)


def _left(trial: FrozenTrial) -> float | None:
    """Seconds that the rest of a stopped training would have taken."""
    seconds, epochs = curve(trial, "seconds"), epochs_of(trial)
    if not seconds or epochs is None:
        return None
    return float(max(0, epochs - len(seconds)) * np.median(seconds))


def _rejection(trials: Sequence[FrozenTrial], ends: Mapping[int, Outcome]) -> Saving:
    rejected = [t for t in trials if ends.get(t.number) is Outcome.REJECTED]
    how = f"the training time of the {NEIGHBOURS} trained networks nearest in MACs"
    full = [
        (macs, seconds)
        for t in trials
        if ends.get(t.number) is Outcome.TRAINED
        and (macs := measure(t, "macs")) is not None
        and (seconds := number(t, "train_seconds")) is not None
        and 0 <= seconds < float("inf")
    ]
    sizes = [macs for t in rejected if (macs := measure(t, "macs")) is not None]
    if not full:
        return _summed("rejection", [], len(rejected), how)
    rows = np.array(full, dtype=np.float64)
    guess = _nearest(np.log1p(np.maximum(rows[:, 0], 0)), rows[:, 1])
    return _summed("rejection", list(map(guess, sizes)), len(rejected), how)


def _nearest(sizes: Array, seconds: Array) -> Callable[[float], tuple[float, float, float]]:
    order = np.argsort(sizes, kind="stable")
    sizes, seconds = sizes[order], seconds[order]

    def guess(macs: float) -> tuple[float, float, float]:
        """Median and quartiles of the nearest."""
        at = np.log1p(max(macs, 0.0))
        place = int(np.searchsorted(sizes, at))
        around = slice(max(0, place - NEIGHBOURS), place + NEIGHBOURS)
        near = np.argsort(np.abs(sizes[around] - at), kind="stable")[:NEIGHBOURS]
        low, middle, high = np.percentile(seconds[around][near], [25, 50, 75])
        return float(middle), float(low), float(high)

    return guess


def _reuse(trials: Sequence[FrozenTrial], ends: Mapping[int, Outcome]) -> Saving:
    reused = [t for t in trials if ends.get(t.number) is Outcome.REUSED]
    known = [sum(seconds) for t in reused if (seconds := curve(t, "seconds"))]
    how = "what the equal network's training took"
    return _summed("reuse", [(s, s, s) for s in known], len(reused), how)


def _summed(by: str, known: Sequence[tuple[float, float, float]], of: int, how: str) -> Saving:
    seconds, low, high = (
        (sum(column) for column in zip(*known, strict=True)) if known else (0, 0, 0)
    )
    return Saving(by, float(seconds), float(low), float(high), len(known), of, how)
