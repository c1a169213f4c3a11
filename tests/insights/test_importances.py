"""Importances: PED-ANOVA is Optuna's, permutation is scikit-learn's, and noise is worth nothing."""

import numpy as np
import optuna
import pytest
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from optunas.insights import importances
from optunas.insights.importances import FEWEST

from .made import a_trial, choices_of, drawn, study_of


def studied(trials: int, directions=("maximize",), seed: int = 0) -> optuna.Study:
    """p0 is worth 1, p1 a half, and p2 to p4 nothing."""
    rng = np.random.default_rng(seed)
    space = choices_of(5)
    made = []
    for number in range(trials):
        params = drawn(space, rng)
        value = (params["p0"] == "b") + 0.5 * (params["p1"] == "c") + rng.normal(0, 0.1)
        made.append(a_trial(number, value=float(value), params=params, distributions=space))
    return study_of(made, directions)


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_anova_is_that_of_optuna(direction: str):
    study = studied(200, (direction,))
    own = {one.parameter: one.anova for one in importances(study)}
    assert own == pytest.approx(
        get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    )


def test_anova_does_not_count_reused_pruned_and_foreign_trials():
    study = studied(100)
    expected = importances(study)
    first = study.trials[0]
    known = {"params": first.params, "distributions": first.distributions}
    study.add_trials([a_trial(100 + n, "reused", 50.0, **known) for n in range(30)])
    study.add_trials([a_trial(130, "pruned", None, values=[99.0], **known)])
    assert importances(study) == expected
    assert importances(study, study.trials[:100]) == expected


def test_what_matters_loses_and_noise_is_worth_nothing():
    found = {one.parameter: one for one in importances(studied(300))}
    assert found["p0"].fit > 0.9
    # shuffled, the explained part of the value comes twice as variance: 2 var(p0) / var(value)
    whole = 2 / 9 + 0.25 * 2 / 9 + 0.01
    assert found["p0"].permutation == pytest.approx(2 * 2 / 9 / whole, rel=0.2)
    assert found["p1"].permutation == pytest.approx(2 * 0.25 * 2 / 9 / whole, rel=0.3)
    for name in ("p2", "p3", "p4"):
        assert abs(found[name].permutation) < 0.02
        assert found[name].spread < 0.03
    assert all(one.networks == 300 for one in found.values())


def test_permutation_is_that_of_scikit_learn():
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    study = studied(250)
    trials = study.get_trials(deepcopy=False)
    codes = np.array([["abc".index(t.params[f"p{i}"]) for i in range(5)] for t in trials], float)
    values = np.array([trial.value for trial in trials])
    forest = RandomForestRegressor(50, min_samples_leaf=3, random_state=0)
    forest.fit(codes[:200], values[:200])
    theirs = permutation_importance(forest, codes[200:], values[200:], n_repeats=20, random_state=0)
    own = {one.parameter: one.permutation for one in importances(study)}
    for place in range(5):  # other networks are shuffled, and otherwise
        assert own[f"p{place}"] == pytest.approx(theirs.importances_mean[place], abs=0.2)


def test_where_nothing_matters_the_fit_says_so():
    rng = np.random.default_rng(0)
    space = choices_of(8)
    made = [
        a_trial(n, value=float(rng.normal()), params=drawn(space, rng), distributions=space)
        for n in range(150)
    ]
    found = importances(study_of(made))
    assert found[0].fit < 0.1
    assert max(one.permutation for one in found) < 0.1


def test_several_objectives_the_learned_one_counts():
    rng = np.random.default_rng(0)
    space = choices_of(3)
    made = []
    for n in range(120):
        params = drawn(space, rng)
        values = (float(params["p1"] == "a"), float((params["p0"] == "b") + rng.normal(0, 0.1)))
        made.append(a_trial(n, value=values, params=params, distributions=space))
    study = study_of(made, ("minimize", "maximize"), ("params", "accuracy"))
    assert importances(study)[0].parameter == "p0"


def test_too_few_networks_or_no_difference_is_nothing():
    assert importances(study_of([])) == ()
    assert importances(studied(FEWEST - 1)) == ()
    assert len(importances(studied(FEWEST))) == 5
    same = [a_trial(n, value=0.5, params={"p0": "a"}) for n in range(30)]
    assert importances(study_of(same)) == ()
