"""A closer look at the best few networks, while they are in memory: what they answer to what."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from optuna.trial import Trial, TrialState
from torch import nn

from optunas.attributes import number
from optunas.metrics import LEARNED
from optunas.training import Recipe
from optunas.training.answers import answers
from optunas.training.results import Answers

if TYPE_CHECKING:
    from optunas.objective.objective import Objective

FEW = 5

_log = logging.getLogger("optunas")


def is_among_best(trial: Trial, metrics: Sequence[str]) -> bool:
    """Whether fewer than five trials of the study that ended are better than this one.

    What counts is the first metric that is learned; a search for small networks alone has no best.
    """
    learned = [name for name in metrics if name in LEARNED]
    if not learned:
        return False
    mine: float = trial.user_attrs[learned[0]]
    ended = trial.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return sum((number(other, learned[0]) or 0.0) > mine for other in ended) < FEW


def closer_look(objective: Objective, network: nn.Module, recipe: Recipe) -> Answers | None:
    """What a trained network answers on the validation split; None where that fails.

    It costs a pass over the split, and may never cost the trial.
    """
    try:
        return answers(
            network, objective.data, recipe, device=objective.device, engine=objective.engine
        )
    except Exception:  # a device without room, a file that is gone
        _log.debug("no closer look at a network", exc_info=True)
        return None
