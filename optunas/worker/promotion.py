"""Promotion: a trial that the pruner stopped goes on, from its checkpoint, as a new trial."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from optuna import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from optunas.attributes import Outcome, outcome, promotes
from optunas.errors import StudyError
from optunas.pruners import PromotingPruner, reported

KEPT = ("seed", "role")  # the seed names the checkpoint, too


def promote(study: Study, number: int) -> None:
    """Queue the stopped trial `number` to go on; whoever runs the study's next trial takes it.

    A trial that ended can't be changed, so a new one goes on with its parameters and its seed. It
    reports the epochs that are behind it, is not stopped again before it is further than before,
    and continues from the checkpoint where there is one (else from zero, along the same curve).

    Raises `StudyError` for a trial that was not stopped by the pruner, or is promoted already.
    """
    trials = study.get_trials(deepcopy=False)
    if not 0 <= number < len(trials):
        raise StudyError(f"a study has trials 0 to {len(trials) - 1}; got {number}")
    trial = trials[number]
    if outcome(trial) is not Outcome.PRUNED:
        ended = outcome(trial) or trial.state.name.lower()
        raise StudyError(
            f"a trial that the pruner stopped can be promoted; trial {number} is {ended}"
        )
    for other in trials:
        if promotes(other) == number and other.state is not TrialState.FAIL:
            raise StudyError(f"trial {number} is promoted already, as trial {other.number}")
    kept = {name: trial.user_attrs[name] for name in KEPT if name in trial.user_attrs}
    after = max(reported(trial), default=0)
    study.enqueue_trial(
        trial.params, user_attrs={**kept, "promotes": number, "promoted_after": after}
    )


def promote_due(study: Study) -> Iterator[int]:
    """Promote what the study's pruner has stopped and now thinks better of; gives the numbers."""
    pruner = study.pruner
    if not isinstance(pruner, PromotingPruner):
        return
    for number in pruner.promotable(study):
        with suppress(StudyError):  # another worker was faster
            promote(study, number)
            yield number


def is_promoted_twice(trials: Sequence[FrozenTrial], trial: Trial | FrozenTrial) -> bool:
    """Whether another, earlier one of a study's trials goes on with the same one: two workers
    promoted at once."""
    number = promotes(trial)
    return number is not None and any(
        promotes(other) == number
        and other.number < trial.number
        and other.state is not TrialState.FAIL
        for other in trials
    )
