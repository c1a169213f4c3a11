"""Steps in a space: one choice changed."""

import numpy as np

from optunas.architecture import Conv, Sequential
from optunas.spaces import ConvNet, draw, mutate, neighbours


def mixed(trial):
    count = trial.suggest_int("count", 1, 5)
    width = trial.suggest_int("width", 8, 32, step=8)
    op = trial.suggest_categorical("op", ("a", "b", "c"))
    rate = trial.suggest_float("rate", 1e-3, 1e-1, log=True)
    part = trial.suggest_float("part", 0.0, 1.0, step=0.25)
    single = trial.suggest_categorical("single", ("only",))
    return Sequential(*[Conv(width)] * count), op, rate, part, single


HERE = {"count": 1, "width": 16, "op": "b", "rate": 1e-2, "part": 0.5, "single": "only"}


def test_every_single_change_is_a_neighbour():
    steps = [step.params for step in neighbours(mixed, HERE)]
    changed = [{k: v for k, v in step.items() if v != HERE[k]} for step in steps]
    assert all(len(change) == 1 for change in changed)
    found = {name: [c[name] for c in changed if name in c] for name in HERE}
    assert found["count"] == [2]
    assert found["width"] == [8, 24]
    assert found["op"] == ["a", "c"]
    assert found["part"] == [0.25, 0.75]
    assert found["single"] == []
    low, less, more, high = found["rate"]
    assert 1e-3 <= low < less < 1e-2 < more < high <= 1e-1
    assert np.isclose(low * high, 1e-4)  # as far down as up, in the logarithm


def test_neighbours_of_a_space_are_of_the_space():
    space = ConvNet(stages=(1, 2), depths=(1, 2))
    here = draw(space.suggest, np.random.default_rng(0))
    steps = list(neighbours(space, here.params))
    choices = sum(len(d.choices) - 1 for d in here.distributions.values())
    assert len(steps) == choices
    for step in steps:
        assert draw(space.suggest, np.random.default_rng(1), step.params).params == step.params


def test_a_change_that_opens_other_choices_draws_them():
    def nested(trial):
        kind = trial.suggest_categorical("kind", ("plain", "deep"))
        return Conv(8 if kind == "plain" else trial.suggest_int("deep.width", 16, 64))

    (step,) = neighbours(nested, {"kind": "plain"})
    assert set(step.params) == {"kind", "deep.width"}
    assert [set(s.params) for s in neighbours(nested, {"kind": "deep", "deep.width": 16})] == [
        {"kind"}, {"kind", "deep.width"},
    ]  # fmt: skip


def test_mutations_change_the_network_by_one_choice():
    space = ConvNet()
    rng = np.random.default_rng(0)
    here = draw(space.suggest, rng)
    for _ in range(50):
        child = mutate(space, here.params, rng)
        changed = [name for name in here.params if child.params[name] != here.params[name]]
        assert len(changed) == 1
        assert child.architecture != here.architecture
        here = child


def test_a_space_of_one_network_has_no_mutation():
    child = mutate(lambda trial: Conv(8), {}, np.random.default_rng(0))
    assert child.params == {}
    assert child.architecture == Conv(8)


def test_the_same_random_numbers_give_the_same_mutations():
    one, same = (
        [mutate(mixed, HERE, rng).params for _ in range(5)]
        for rng in (np.random.default_rng(7), np.random.default_rng(7))
    )
    assert [sorted(p.items()) for p in one] == [sorted(p.items()) for p in same]
