"""Draws without a study against Optuna's own random sampler."""

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import RandomSampler
from optuna.trial import TrialState, create_trial

from optunas.errors import OptunasError
from optunas.spaces import Draw, draw
from optunas.spaces.draw import DrawnTrial, sample

DISTRIBUTIONS = [
    CategoricalDistribution(("a", 2, 3.5, None, True)),
    CategoricalDistribution(("only",)),
    IntDistribution(1, 6),
    IntDistribution(-4, 12, step=4),
    IntDistribution(3, 3),
    IntDistribution(1, 9, log=True),
    IntDistribution(10, 1000, log=True),
    FloatDistribution(-1.0, 2.0),
    FloatDistribution(0.0, 1.0, step=0.25),
    FloatDistribution(0.1, 0.7, step=0.2),
    FloatDistribution(1e-5, 1e-1, log=True),
    FloatDistribution(2.0, 2.0),
]


def optunas_draws(distribution, count):
    """What Optuna's sampler draws; the study and trial are not looked at."""
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    trial = create_trial(state=TrialState.RUNNING)
    draw_one = study.sampler.sample_independent
    return [draw_one(study, trial, "x", distribution) for _ in range(count)]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=str)
def test_draws_are_distributed_as_optunas(distribution):
    rng, count = np.random.default_rng(0), 2500
    mine = [sample(distribution, rng) for _ in range(count)]
    theirs = optunas_draws(distribution, count)
    assert {type(value) for value in mine} == {type(value) for value in theirs}
    values = set(theirs)
    if len(values) <= 20:
        assert set(mine) == values
        for value in values:
            assert abs(mine.count(value) - theirs.count(value)) < 0.06 * count
    else:
        quantiles = np.linspace(0.02, 0.98, 25)
        scale = np.log if distribution.log else np.asarray
        ours, expected = (np.quantile(scale(draws), quantiles) for draws in (mine, theirs))
        span = scale(distribution.high) - scale(distribution.low)
        assert np.abs(ours - expected).max() < 0.06 * span
        assert distribution.low <= min(mine) <= max(mine) <= distribution.high


def suggest(trial):
    return (
        trial.suggest_categorical("op", ("conv", "pool")),
        trial.suggest_int("width", 8, 32, step=8),
        trial.suggest_float("rate", 1e-4, 1e-1, log=True),
        trial.suggest_float("grid", 0.0, 1.0, step=0.1),
    )


def test_given_values_are_taken_where_they_are_in_the_space():
    given = {"op": "pool", "width": 24, "rate": 0.01, "grid": 0.3, "other": 5}
    for _ in range(5):
        drawn = draw(suggest, np.random.default_rng(), given)
        assert drawn.architecture == ("pool", 24, 0.01, 0.3)
        assert drawn.params == {name: given[name] for name in ("op", "width", "rate", "grid")}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("op", ["other", None, 3, ["conv"]]),
        ("width", [4, 40, 12, 8.5, "wide", None, float("nan"), [8]]),
        ("rate", [0.0, 1.0, -1.0, "fast", float("inf"), None]),
        ("grid", [0.25, 1.1, -0.1]),
    ],
)
def test_given_values_outside_the_space_are_drawn_instead(name, values):
    for value in values:
        drawn = draw(suggest, np.random.default_rng(0), {name: value})
        assert drawn == draw(suggest, np.random.default_rng(0))


def test_given_values_take_the_form_of_the_distribution():
    drawn = draw(suggest, np.random.default_rng(0), {"width": 16.0, "rate": np.float64(0.01)})
    assert drawn.params["width"] == 16
    assert isinstance(drawn.params["width"], int)
    assert type(drawn.params["rate"]) is float


def test_a_draw_tells_what_it_chose_from():
    drawn = draw(suggest, np.random.default_rng(0))
    assert isinstance(drawn, Draw)
    assert drawn.distributions == {
        "op": CategoricalDistribution(("conv", "pool")),
        "width": IntDistribution(8, 32, step=8),
        "rate": FloatDistribution(1e-4, 1e-1, log=True),
        "grid": FloatDistribution(0.0, 1.0, step=0.1),
    }
    assert tuple(drawn.params.values()) == drawn.architecture


def test_the_same_seed_draws_the_same():
    one, same, other = (draw(suggest, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert one == same != other


def test_a_name_keeps_its_value():
    def twice(trial):
        return [trial.suggest_float("x", 0, 1) for _ in range(2)]

    first, second = draw(twice, np.random.default_rng(0)).architecture
    assert first == second


def test_the_rest_of_a_trial_is_harmless():
    trial = DrawnTrial(np.random.default_rng(0), {})
    trial.report(0.5, step=1)
    trial.set_user_attr("note", 1)
    trial.set_constraint("limit", 0.0)
    assert not trial.should_prune()
    assert trial.user_attrs == {"note": 1}
    assert (trial.number, trial.datetime_start, trial.params) == (0, None, {})


@pytest.mark.parametrize("name", ["uniform", "loguniform", "discrete_uniform"])
def test_calls_that_optuna_drops_are_explained(name):
    trial = DrawnTrial(np.random.default_rng(0), {})
    with pytest.raises(OptunasError, match="write suggest_float"):
        getattr(trial, f"suggest_{name}")("x", 0.1, 1.0)
