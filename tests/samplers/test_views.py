"""What is read off a trial, or seen of choices, once."""

from typing import Any

import numpy as np
from optuna.trial import BaseTrial, FrozenTrial, TrialState, create_trial

from optunas.samplers.scene import spelling
from optunas.samplers.views import OfTrials, Views
from optunas.spaces import NASBench201
from optunas.spaces.draw import draw
from optunas.spaces.sight import Remembering, look, sight_of

SPACE = NASBench201()


def trial(state: TrialState, number: int = 0, seed: int = 0) -> FrozenTrial:
    drawn = draw(SPACE.suggest, np.random.default_rng(seed))
    value = 0.0 if state is TrialState.COMPLETE else None
    kinds = drawn.distributions
    made = create_trial(state=state, value=value, params=drawn.params, distributions=kinds)
    made.number = number
    return made


def test_an_ended_trial_is_read_once_and_a_running_one_each_time() -> None:
    read: list[TrialState] = []
    known = OfTrials(lambda one: read.append(one.state))
    for state in (TrialState.COMPLETE, TrialState.RUNNING):
        one = trial(state)
        known.of(one)
        known.of(one)
    assert read == [TrialState.COMPLETE, TrialState.RUNNING, TrialState.RUNNING]


def test_another_trial_of_the_same_number_is_another_one() -> None:
    """Of another study, or a copy that a storage gives each time."""
    views = Views(Remembering(sight_of(SPACE)))
    keys = []
    for seed in (0, 1, 0):
        view = views.of(trial(TrialState.COMPLETE, seed=seed))
        assert view is not None
        keys.append(view.key)
    assert keys[0] == keys[2] != keys[1]


def asked(calls: list[Any]) -> Remembering:
    def space(one: BaseTrial) -> Any:
        depth = one.suggest_int("depth", 1, 3)
        calls.append([one.suggest_int(f"width{i}", 1, 10**6) for i in range(depth)])
        return sum(calls[-1])

    return Remembering(sight_of(space))


def test_choices_that_were_seen_are_not_drawn_again() -> None:
    calls: list[Any] = []
    sight, rng = asked(calls), np.random.default_rng(0)
    view = look(sight, rng, {"depth": 2, "width0": 5})
    assert view is not None
    assert look(sight, rng, view.params) is view
    assert len(calls) == 1


def test_choices_that_are_not_all_are_drawn_again() -> None:
    calls: list[Any] = []
    sight, rng = asked(calls), np.random.default_rng(0)
    widths = set()
    for _ in range(5):
        view = look(sight, rng, {"depth": 2, "width0": 5})
        assert view is not None
        widths.add(view.params["width1"])
    assert len(widths) == len(calls) == 5


def test_equal_parameters_have_one_spelling_in_any_order() -> None:
    assert spelling({"a": 1, "b": "x"}) == spelling({"b": "x", "a": 1})
    assert spelling({"a": 1, "b": "x"}) != spelling({"a": "x", "b": 1})
    assert spelling({"a": [1, 2]}) == spelling({"a": [1, 2]}) != spelling({"a": [2, 1]})
