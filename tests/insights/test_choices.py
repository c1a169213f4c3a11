"""Tables of choices: what is there, what it is called, in which order."""

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from optunas.architecture import key
from optunas.insights.choices import ABSENT, MANY, active, columns, one_hot, shown
from optunas.spaces import ConvNet, MobileNet, VisionTransformer

from .made import a_trial


def trials_of(distribution, values):
    return [
        a_trial(n, params={"p": value}, distributions={"p": distribution})
        for n, value in enumerate(values)
    ]


def test_choices_are_in_order_and_coded():
    (column,) = columns(trials_of(CategoricalDistribution((10, 9, 100)), [100, 9, 10, 9]))
    assert column.labels == ("9", "10", "100")  # by number, not by sign
    assert column.codes.tolist() == [2, 0, 1, 0]


def test_words_and_numbers_together_are_told_apart():
    kinds = CategoricalDistribution(("b", "a", None, True, 1.5))
    (column,) = columns(trials_of(kinds, ["b", "a", True, 1.5]))
    assert column.labels == ("1.5", "True", "a", "b")


def test_what_nobody_varied_is_no_column():
    assert columns(trials_of(CategoricalDistribution(("a", "b")), ["a", "a"])) == []
    assert columns([]) == []


def test_a_number_of_many_values_is_cut_into_quarters():
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 1, 400)
    (column,) = columns(trials_of(FloatDistribution(0, 1), values.tolist()))
    assert len(column.labels) == 4
    for code in range(4):
        inside = values[column.codes == code]
        low, high = map(float, column.labels[code].split(" to "))
        assert len(inside) == 100
        assert inside.min() == pytest.approx(low, abs=0.01)
        assert inside.max() == pytest.approx(high, abs=0.01)


def test_a_number_of_few_values_keeps_them():
    values = [n % MANY for n in range(40)]
    (column,) = columns(trials_of(IntDistribution(0, 50), values))
    assert column.labels == tuple(map(str, range(MANY)))
    assert column.codes.tolist() == values


def test_a_parameter_that_a_trial_does_not_have_is_absent():
    trials = [a_trial(0, params={"p": "a", "q": 1}), a_trial(1, params={"p": "b"})]
    trials += [a_trial(2, params={"p": "b", "q": 2})]
    by_name = {column.name: column.codes.tolist() for column in columns(trials)}
    assert by_name["q"] == [0, ABSENT, 1]
    table = one_hot(columns(trials), 3)
    assert table.tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [0, 1, 0, 1]]


@pytest.mark.parametrize("space", [ConvNet(), MobileNet(), VisionTransformer()])
def test_what_is_said_to_be_without_effect_has_none(space):
    """The other way round does not hold: what else has no effect is not told by names."""
    rng = np.random.default_rng(0)
    choices = {name: one.choices for name, one in _distributions(space).items()}
    silent = 0
    for _ in range(6):
        params = {name: some[rng.integers(len(some))] for name, some in choices.items()}
        own = _key(space, params)
        for name in sorted(set(params) - active(params))[::3]:
            other = next(choice for choice in choices[name] if choice != params[name])
            assert _key(space, {**params, name: other}) == own
            silent += 1
    assert silent > 10


def _distributions(space):
    trial = optuna.create_study().ask()
    space.suggest(trial)
    return trial.distributions


def _key(space, params):
    return key(space.suggest(optuna.trial.FixedTrial(params)), (3, 32, 32), 10)


def test_names_that_only_look_like_stages_are_active():
    params = {"stage3.op": "a", "stages": "three", "block2.x": 1, "conv2d.kernel": 3, "x" * 500: 1}
    assert active(params) == set(params)
    assert active({"stages": True, "stage2.x": 1}) == {"stages", "stage2.x"}
    assert active({"tower.count": 1, "tower1.op": "a", "tower2.op": "a"}) == {
        "tower.count",
        "tower1.op",
    }


def test_a_choice_is_a_short_printable_text():
    assert shown(0.1234567) == "0.123457"
    assert shown("") == "''"
    assert shown("a\x1b\n" * 100).isprintable()
    assert len(shown("x" * 1000)) == 60
