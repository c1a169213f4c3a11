"""Pruning where a study has several objectives: stop what others already beat in every way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan

from optuna import Study
from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optunas.errors import StudyError
from optunas.pruners.reports import reported

Values = Sequence[float]


class ParetoPruner(BasePruner):
    """Stops a trial that enough completed trials dominated when they were at its epoch.

    A trial's costs are known before it trains, and what it learns after each epoch. Another one
    dominates it there where that was nowhere worse and somewhere better: cheaper at the same
    accuracy, say. A network that is cheaper than all others is never stopped, however bad, and
    neither is the most accurate one.

    * `n_dominators`: so many must dominate it;
    * `share`: and so many of the completed trials that reported this epoch, 0 to 1. In a long
      study a few are ahead of almost everyone at some epoch, by chance;
    * `patience`: in each of its last so many reports. One bad epoch is often noise;
    * `n_startup_trials`: that many completed trials must have reported these epochs;
    * `n_warmup_steps`: before that epoch nobody is stopped;
    * `interval_steps`: from there on, only each so many epochs.

    The values are those that `optunas.pruners.report` was told, and `optunas.pruners.should_prune`
    asks; `optunas.Objective` does both. In a study with one objective `trial.report` and
    `trial.should_prune` do, and to dominate means to be better. Trials that break a constraint
    dominate nobody. A value that is no number stops the trial, as with Optuna's pruners.

    On the curves of `tests/performance/pruning.py` (accuracy and parameters), with a warm-up of
    30 %: 68 % of the epochs; 91 % of the front and 99.4 % of its hypervolume are kept. With
    `n_dominators=1, share=0, patience=1` it is 55 %, 67 % and 96.1 %. Where the epochs are the
    same and not the networks, the search ends 13 % under the hypervolume of all, unpruned 16 %.
    """

    def __init__(
        self,
        *,
        n_dominators: int = 2,
        share: float = 0.1,
        patience: int = 3,
        n_startup_trials: int = 5,
        n_warmup_steps: int = 0,
        interval_steps: int = 1,
    ) -> None:
        if min(n_dominators, patience, interval_steps) < 1:
            raise StudyError(
                "n_dominators, patience and interval_steps are at least 1; "
                f"got {n_dominators}, {patience} and {interval_steps}"
            )
        if min(n_startup_trials, n_warmup_steps) < 0:
            raise StudyError(
                "n_startup_trials and n_warmup_steps are at least 0; "
                f"got {n_startup_trials} and {n_warmup_steps}"
            )
        if not 0 <= share < 1:
            raise StudyError(f"share is a number from 0 up to, but not, 1; got {share}")
        self._dominators, self._share, self._patience = n_dominators, share, patience
        self._startup, self._warmup, self._interval = (
            n_startup_trials, n_warmup_steps, interval_steps,
        )  # fmt: skip

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial is to be stopped at the last step that it reported."""
        mine = reported(trial)
        last = max(mine, default=-1)
        if last < self._warmup or not self._is_due(last, mine):
            return False
        if any(map(isnan, mine[last])):
            return True
        steps = sorted(mine)[-self._patience :]
        if len(steps) < self._patience:
            return False
        done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        rivals = [reported(other, steps) for other in done if _feasible(other)]
        signs = [-1 if d is StudyDirection.MAXIMIZE else 1 for d in study.directions]
        return all(
            self._is_dominated(mine[step], [r[step] for r in rivals if step in r], signs)
            for step in steps
        )

    def _is_due(self, step: int, mine: Mapping[int, Values]) -> bool:
        """Whether this is the first report of its interval."""
        start = step - (step - self._warmup) % self._interval
        return not any(start <= earlier < step for earlier in mine)

    def _is_dominated(self, mine: Values, others: Sequence[Values], signs: Sequence[int]) -> bool:
        """By enough of the others, where there are enough of them."""
        others = [values for values in others if len(values) == len(mine)]
        ahead = sum(_dominates(values, mine, signs) for values in others)
        enough = max(self._dominators, self._share * len(others))
        return len(others) >= self._startup and ahead >= enough


def _dominates(one: Values, other: Values, signs: Sequence[int]) -> bool:
    """Nowhere worse and somewhere better; NaN is neither."""
    pairs = [(s * a, s * b) for s, a, b in zip(signs, one, other, strict=True)]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def _feasible(trial: FrozenTrial) -> bool:
    return all(value <= 0 for value in trial.constraints.values())
