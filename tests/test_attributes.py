"""How trials ended, as their attributes tell, whoever wrote them."""

from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from optunas.attributes import (
    Outcome,
    conclude,
    continues,
    evaluated,
    number,
    outcome,
    outcomes,
    text,
)


def trial(state: TrialState, **attributes: Any) -> FrozenTrial:
    value = 1.0 if state is TrialState.COMPLETE else None
    return create_trial(state=state, value=value, user_attrs=attributes)


@pytest.mark.parametrize(
    ("state", "written", "meant"),
    [
        ("COMPLETE", None, "trained"),
        ("COMPLETE", "trained", "trained"),
        ("COMPLETE", "reused", "reused"),
        ("COMPLETE", "interrupted", "trained"),  # inherited from before
        ("COMPLETE", 5, "trained"),
        ("PRUNED", None, "pruned"),
        ("PRUNED", "rejected", "rejected"),
        ("PRUNED", "reused", "reused"),
        ("PRUNED", "trained", "pruned"),
        ("FAIL", None, "failed"),
        ("FAIL", "interrupted", "interrupted"),
        ("FAIL", "trained", "failed"),
        ("FAIL", ["x"], "failed"),
        ("RUNNING", "trained", None),
        ("WAITING", "interrupted", None),
    ],
)
def test_the_state_is_the_truth_and_the_attribute_the_detail(
    state: str, written: Any, meant: str | None
) -> None:
    attributes = {} if written is None else {"outcome": written}
    assert outcome(trial(TrialState[state], **attributes)) == meant


def test_evaluated_are_those_that_say_something_of_a_network() -> None:
    ends = ["trained", "reused", "pruned", "rejected", "failed", "interrupted"]
    states = ["COMPLETE", "COMPLETE", "PRUNED", "PRUNED", "FAIL", "FAIL"]
    trials = [trial(TrialState[s], outcome=e) for s, e in zip(states, ends, strict=True)]
    trials.append(trial(TrialState.RUNNING))
    assert [outcome(t) for t in evaluated(trials)] == ["trained", "reused", "pruned"]


def test_a_failed_trial_that_another_continues_was_interrupted() -> None:
    from optunas.worker.recovery import put_back

    study = optuna.create_study()
    for _ in range(2):
        study.tell(study.ask(), state=TrialState.FAIL)
    put_back(study, 0)
    assert continues(study.trials[2]) == [0]
    assert outcomes(study.trials) == {0: Outcome.INTERRUPTED, 1: Outcome.FAILED}


def test_conclude_writes_both() -> None:
    study = optuna.create_study()
    asked = study.ask()
    conclude(asked, Outcome.REJECTED, "too large")
    assert asked.user_attrs == {"reason": "too large", "outcome": "rejected"}
    assert type(asked.user_attrs["outcome"]) is str


def test_attributes_are_read_as_what_they_should_be() -> None:
    made = trial(TrialState.COMPLETE, a=3, b="x", c=True, d=None, e=[1], f=0.5)
    assert [number(made, name) for name in "abcdefg"] == [3, None, None, None, None, 0.5, None]
    assert [text(made, name) for name in "abcdg"] == ["3", "x", "True", "", ""]
