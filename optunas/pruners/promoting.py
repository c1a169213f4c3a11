"""Asynchronous successive halving that also goes back: what was stopped too early is promoted."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from optuna import Study
from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from optunas.attributes import Outcome, outcome, promoted_after, promotes
from optunas.errors import StudyError


class PromotingPruner(BasePruner):
    """ASHA (Li et al. 2020, arXiv:1810.05934): a trial goes on when it is in the best 1/factor.

    At the rungs, the epochs `first`, `first` x `factor`, ..., a trial stops unless it is among the
    best `n // factor` of the n networks that came so far. With more networks that number grows,
    and one that was stopped may belong to it after all. Optuna's own `SuccessiveHalvingPruner`
    decides once, and can only stop (optuna#3351); here `promotable` tells which stopped trials
    have become good enough, and a worker of optunas goes on with them from their checkpoints
    (`optunas.promote`).

    One objective. A value that is no number is never among the best.
    """

    def __init__(self, *, first: int = 1, factor: int = 3) -> None:
        if first < 1 or factor < 2:
            raise StudyError(
                "the first rung is at least epoch 1 and the factor at least 2; "
                f"got first={first}, factor={factor}"
            )
        self._first, self._factor = first, factor

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial is to be stopped at the last epoch that it reported."""
        step = trial.last_step
        if step is None or not self._is_rung(step) or step <= promoted_after(trial):
            return False
        trials = study.get_trials(deepcopy=False)
        # the trial as it is given: its last report may be younger than what was read
        others = [trial if other.number == trial.number else other for other in trials]
        return _root(trial, trials) not in self._best(study, others, step)

    def promotable(self, study: Study) -> list[int]:
        """The numbers of stopped trials that are now good enough to go on; the furthest first."""
        trials = study.get_trials(deepcopy=False)
        latest = {_root(trial, trials): trial for trial in trials}  # in order: the last one counts
        due = []
        for rung in self._rungs(trials):
            for root in self._best(study, trials, rung):
                last = latest[root]
                # one that took another's result has no checkpoint, and a twin that is promoted
                if outcome(last) is Outcome.PRUNED and last.last_step == rung:
                    due.append(last.number)
        return due

    def _best(self, study: Study, trials: Sequence[FrozenTrial], rung: int) -> list[int]:
        """Of the networks that came to this rung, the best 1/factor: their first trials."""
        values: dict[int, float] = {}
        for trial in trials:
            value = trial.intermediate_values.get(rung)
            if value is not None and not isnan(value):
                values[_root(trial, trials)] = value
        upwards = study.direction is StudyDirection.MAXIMIZE
        ranked = sorted(values, key=lambda root: -values[root] if upwards else values[root])
        return ranked[: len(ranked) // self._factor]

    def _rungs(self, trials: Sequence[FrozenTrial]) -> list[int]:
        """The rungs that somebody has reached, from the top."""
        reached = {step for trial in trials for step in trial.intermediate_values}
        return sorted(filter(self._is_rung, reached), reverse=True)

    def _is_rung(self, step: int) -> bool:
        rung = self._first
        while rung < step:
            rung *= self._factor
        return rung == step


def _root(trial: FrozenTrial, trials: Sequence[FrozenTrial]) -> int:
    """The number of the trial with which the training of this network began."""
    number = promotes(trial)
    while number is not None and number < len(trials):
        trial, number = trials[number], promotes(trials[number])
    return trial.number
