"""The memory of a search: was an equal network evaluated before, by the same recipe?

A trial says what it evaluates in the attributes named in `SAME`, before it begins. Another one
with the same of each, which trained its network itself, is its twin: its result is as good as one
more training. No torch.
"""

from __future__ import annotations

from collections.abc import Collection

from optuna.trial import FrozenTrial, Trial, TrialState

from optunas.attributes import FIRST_HAND

SAME = ("key", "recipe", "data", "device")


def find_twin(trial: Trial, measured: Collection[str] = ()) -> FrozenTrial | None:
    """The first earlier trial that evaluated this network and knows what is `measured`.

    One that was trained to its end comes before one that was stopped, and promoted later.
    """
    mine = trial.user_attrs
    states = TrialState.COMPLETE, TrialState.PRUNED
    twins = (
        other
        for other in trial.study.get_trials(deepcopy=False, states=states)
        if all(other.user_attrs.get(name) == mine[name] for name in SAME)  # the key fits few
        and other.user_attrs.get("outcome") in FIRST_HAND
        and all(name in other.user_attrs for name in measured)
    )
    return min(twins, key=lambda twin: (states.index(twin.state), twin.number), default=None)


def finished_before(trial: Trial, key: str) -> FrozenTrial | None:
    """This very trial, where a killed worker had judged it and not yet told Optuna."""
    known = trial.user_attrs
    if known.get("key") != key or known.get("outcome") not in FIRST_HAND:
        return None
    (this,) = (t for t in trial.study.get_trials(deepcopy=False) if t.number == trial.number)
    return this
