"""Candidates: networks that differ, in choices that a network heeds."""

import numpy as np
import optuna
import pytest
from optuna.trial import BaseTrial, TrialState, create_trial

from optunas.architecture import Conv, GlobalPool, Layer, Linear, Sequential
from optunas.samplers.model.candidates import CHILDREN, PARENTS, RANDOM, Pool
from optunas.samplers.model.recall import Recall
from optunas.samplers.scene import Scene, whole_view
from optunas.spaces import ConvNet
from optunas.spaces.sight import Remembering, View, sight_of

SIGHT = Remembering(sight_of(ConvNet()))
PARAMS = {**ConvNet().baseline(), "stages": 2, "stage1.depth": 1, "stage2.depth": 1}


def scene(sight: Remembering = SIGHT, number: int = 40, seed: int = 0) -> Scene:
    trial = create_trial(state=TrialState.RUNNING)
    trial.number = number
    study, rng = optuna.create_study(), np.random.default_rng((seed, number))
    return Scene(study, trial, (), {}, sight, rng, frozenset(), (), seed)


@pytest.fixture
def parent() -> View:
    found = whole_view(SIGHT, PARAMS)
    assert found is not None
    return found


def changed(view: View, other: View) -> set[str]:
    return {name for name, value in view.params.items() if other.params[name] != value}


def test_children_and_neighbours_differ_in_what_the_network_heeds(parent: View) -> None:
    """Stages 3 and 4, blocks 2 and 3 and the head's layer are not there: their choices are idle."""
    pool = Pool(scene(), Recall())
    pool.fill([parent])
    strangers = len(Pool(scene(), Recall())._strangers())
    names = [changed(parent, view) for view in pool.views.values()][strangers:]
    assert len(names) > CHILDREN
    assert 1 <= min(map(len, names)) <= max(map(len, names)) <= 3
    touched = set().union(*names)
    assert "stage1.block1.op" in touched
    assert not [n for n in touched if n.startswith(("stage3", "stage4", "stage1.block3"))]


def test_all_are_new_and_there_are_many(parent: View) -> None:
    pool = Pool(scene(), Recall())
    pool.fill([parent])
    assert parent.key not in pool.views
    assert RANDOM < len(pool.views) <= RANDOM + PARENTS * CHILDREN + 24
    before = set(pool.views)
    assert not before & {view.key for view in pool.around(parent)}


def test_strangers_stay_for_a_stretch_of_trials_and_children_do_not(parent: View) -> None:
    pools = [Pool(scene(number=number), Recall()) for number in (40, 41, 42)]
    for pool in pools:
        pool.fill([parent])
    keys = [set(pool.views) for pool in pools]
    assert len(keys[0] & keys[1]) >= RANDOM - 1
    assert len(keys[1] & keys[2]) < RANDOM / 4
    assert keys[0] != keys[1]


def test_what_is_costly_to_look_at_is_looked_at_less_often() -> None:
    looks = []

    def module(trial: BaseTrial) -> object:
        looks.append(trial.suggest_int("width", 1, 10**6))
        return object()  # a network that is no description

    sight = Remembering(sight_of(module))
    view = whole_view(sight, {"width": 5})
    assert view is not None
    assert view.costly
    Pool(scene(sight), Recall()).fill([view])
    assert 10 < len(looks) < 30


def test_a_choice_that_opens_others_draws_them() -> None:
    def tower(trial: BaseTrial) -> Layer:
        depth = trial.suggest_int("depth", 1, 4)
        wide = [trial.suggest_int(f"width{i}", 4, 8) for i in range(depth)]
        return Sequential(*map(Conv, wide), GlobalPool(), Linear())

    sight = Remembering(sight_of(tower))
    view = whole_view(sight, {"depth": 1, "width0": 4})
    assert view is not None
    pool = Pool(scene(sight), Recall())
    around = pool.around(view)
    assert {len(other.params) for other in around} == {2, 3}
