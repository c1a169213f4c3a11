"""What choices are worth: planted effects are found in their size, and none where there is none."""

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from optunas.insights import Effect, effects
from optunas.insights.effects import evaluated
from optunas.insights.reading import aim_of

from .made import a_search, a_trial, choices_of, drawn, study_of


def studied(trials: int, worth, seed: int = 0, parameters: int = 6, noise: float = 0.01):
    """Random choices of a, b, c; `worth(params)` and noise are the value."""
    rng = np.random.default_rng(seed)
    space = choices_of(parameters)
    made = []
    for number in range(trials):
        params = drawn(space, rng)
        value = float(worth(params) + rng.normal(0, noise))
        made.append(a_trial(number, value=value, params=params, distributions=space))
    return study_of(made)


def of(study: optuna.Study, parameter: str, choice: str) -> Effect:
    return next(e for e in effects(study) if (e.parameter, e.choice) == (parameter, choice))


def planted(params) -> float:
    return 0.02 * (params["p0"] == "b") + 0.03 * (params["p1"] == "c")


def test_with_many_networks_it_is_the_coefficient_of_least_squares():
    study = studied(400, planted)
    trials = study.get_trials(deepcopy=False)
    every = {(effect.parameter, effect.choice): effect for effect in effects(study)}
    for choice in "abc":
        effect = every["p0", choice]
        rows = [
            [1.0, t.params["p0"] == choice]
            + [t.params[f"p{i}"] == c for i in range(1, 6) for c in "bc"]
            for t in trials
        ]
        fit = np.linalg.lstsq(np.array(rows, float), [t.value for t in trials], rcond=None)
        assert effect.value.difference == pytest.approx(fit[0][1], abs=0.0004)
        residual = np.sqrt(fit[1][0] / (400 - 12))
        assert effect.value.error == pytest.approx(residual / np.sqrt(400 * 2 / 9), rel=0.1)


def test_counts_and_plain_means_are_those_of_the_trials():
    study = studied(60, planted)
    frame = study.trials_dataframe()
    effect = of(study, "p0", "b")
    mine = frame["params_p0"] == "b"
    assert (effect.networks, effect.others) == (mine.sum(), (~mine).sum())
    plain = frame.loc[mine, "value"].mean() - frame.loc[~mine, "value"].mean()
    assert effect.naive == pytest.approx(plain)


def test_intervals_hold_the_truth_nineteen_times_in_twenty():
    held = [
        e.value.low <= 0.02 <= e.value.high
        for seed in range(40)
        for e in [of(studied(60, planted, seed), "p0", "b")]
    ]
    assert sum(held) >= 34  # of 40; by chance below that once in a hundred


@pytest.mark.parametrize("trials", [40, 120])
def test_where_nothing_matters_almost_nothing_is_sure(trials: int):
    studies = [studied(trials, lambda params: 0.0, seed) for seed in range(1000, 1020)]
    found = [any(effect.sure for effect in effects(study)) for study in studies]
    assert sum(found) <= 3  # 1 is expected; more than 3 once in sixty


def test_more_parameters_than_networks_can_be_held_equal():
    study = studied(60, planted, parameters=40)
    effect = of(study, "p1", "c")
    assert effect.value.low < 0.03 < effect.value.high
    assert effect.value.difference == pytest.approx(0.03, abs=0.012)


def confounded(seed: int):
    """p0 = b comes with p1 = c, which alone is worth something."""
    rng = np.random.default_rng(seed)
    space = choices_of(6)
    made = []
    for number in range(150):
        params = drawn(space, rng)
        if rng.random() < 0.6:
            params["p0"] = "b" if params["p1"] == "c" else "a"
        value = float(0.03 * (params["p1"] == "c") + rng.normal(0, 0.01))
        made.append(a_trial(number, value=value, params=params, distributions=space))
    return study_of(made)


def test_what_a_choice_only_comes_along_with_is_not_its_worth():
    found = [of(confounded(seed), "p0", "b") for seed in range(10)]
    assert np.mean([e.naive for e in found]) > 0.012
    assert abs(np.mean([e.value.difference for e in found])) < 0.002
    assert sum(e.sure for e in found) <= 1


def test_a_search_that_learns_and_prunes_does_not_bias_it():
    """TPE takes good choices together, and a pruner stops the bad: both mislead plain means."""
    found = [of(_pruned_search(seed), "p0", "b") for seed in range(4)]
    assert np.mean([e.pruned for e in found]) > 40
    assert np.mean([e.value.difference for e in found]) == pytest.approx(0.02, abs=0.005)
    assert sum(e.value.low <= 0.02 <= e.value.high for e in found) >= 3


def _pruned_search(seed: int) -> optuna.Study:
    rng = np.random.default_rng(seed)

    def objective(trial: optuna.Trial) -> float:
        params = {f"p{i}": trial.suggest_categorical(f"p{i}", ("a", "b", "c")) for i in range(6)}
        value = planted(params) + rng.normal(0, 0.01)
        for epoch in range(1, 7):
            trial.report(
                value - 0.3 * np.exp(-epoch / 2) + rng.normal(0, 0.001 * (7 - epoch)), epoch
            )
            if epoch < 6 and trial.should_prune():
                raise optuna.TrialPruned
        return float(value)

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=8, n_warmup_steps=2),
    )
    study.optimize(objective, n_trials=110)
    return study


def test_an_absent_stage_says_nothing_of_its_choices():
    """Stage 2's kernel 5 is worth 0.05 to networks of two stages, which all others hide."""
    rng = np.random.default_rng(0)
    space = {
        "stages": CategoricalDistribution((1, 2)),
        "stage2.kernel": CategoricalDistribution((3, 5)),
        "stage2.depth": CategoricalDistribution((1, 2)),
        **choices_of(2),
    }
    made = []
    for number in range(300):
        params = drawn(space, rng)
        deep = params["stages"] == 2
        value = 0.1 * deep + 0.05 * deep * (params["stage2.kernel"] == 5) + rng.normal(0, 0.01)
        made.append(a_trial(number, value=float(value), params=params, distributions=space))
    study = study_of(made)
    effect = of(study, "stage2.kernel", "5")
    assert effect.value.difference == pytest.approx(0.05, abs=0.005)
    deep = sum(trial.params["stages"] == 2 for trial in study.trials)
    assert effect.networks + effect.others == deep
    # a second stage is worth 0.1, and what its kernels are worth on average
    assert of(study, "stages", "2").value.difference == pytest.approx(0.125, abs=0.008)


def test_costs_are_compared_in_the_same_way():
    effect = of(a_search(150), "stage1.block1.kernel", "5")
    assert effect.value.difference == pytest.approx(0.02, abs=0.005)
    assert effect.costs["latency_ms"].difference == pytest.approx(0.3, abs=0.02)
    assert effect.costs["latency_ms"].low > 0.25
    assert effect.sure
    assert effect.direction == "better"


def test_less_is_better_where_the_study_minimises():
    rng = np.random.default_rng(0)
    space = choices_of(2)
    made = []
    for number in range(80):
        params = drawn(space, rng)
        value = float(0.05 * (params["p0"] == "a") + rng.normal(0, 0.01))
        made.append(a_trial(number, value=value, params=params, distributions=space))
    effect = of(study_of(made, ("minimize",)), "p0", "a")
    assert (effect.direction, effect.sure) == ("worse", True)
    assert effect.value.difference == pytest.approx(0.05, abs=0.01)


def test_a_reused_result_is_one_measurement():
    study = studied(60, planted)
    twice = study_of(
        [*study.trials, *[a_trial(60 + n, "reused", 9.0, params=study.trials[0].params,
                                  distributions=study.trials[0].distributions) for n in range(9)]]
    )  # fmt: skip
    assert effects(twice) == effects(study)


def test_a_network_that_was_promoted_counts_once():
    trials = [
        a_trial(0, "pruned", None, values=[0.1]),
        a_trial(1, value=0.5, attributes={"promotes": 0}),
        a_trial(2, "pruned", None, values=[0.1]),
        a_trial(3, "failed", None, attributes={"promotes": 2}),
        a_trial(4, "rejected", None),
        a_trial(5, "reused", 0.5),
    ]
    assert [trial.number for trial in evaluated(trials, aim_of(study_of(trials)))] == [1, 2]


def test_a_number_is_compared_by_ranges():
    rng = np.random.default_rng(0)
    space = {"lr": FloatDistribution(0, 1)}
    made = []
    for number in range(120):
        lr = float(rng.uniform(0, 1))
        made.append(a_trial(number, value=lr, params={"lr": lr}, distributions=space))
    found = effects(study_of(made))
    assert len(found) == 4
    by_size = sorted(found, key=lambda e: e.value.difference)
    lows = [float(effect.choice.split(" to ")[0]) for effect in by_size]
    assert lows == sorted(lows)
    assert [e.direction for e in by_size] == ["worse", "worse", "better", "better"]


def test_choices_of_fewer_than_five_networks_are_left_out():
    space = choices_of(1)
    params = ["a"] * 30 + ["b"] * 4
    made = [
        a_trial(n, value=float(n), params={"p0": p}, distributions=space)
        for n, p in enumerate(params)
    ]
    assert effects(study_of(made)) == ()


def test_two_parameters_that_always_go_together_are_not_told_apart():
    space = choices_of(2)
    rng = np.random.default_rng(0)
    made = []
    for number in range(60):
        both = "abc"[rng.integers(3)]
        value = float((both == "b") + rng.normal(0, 0.1))
        made.append(
            a_trial(number, value=value, params={"p0": both, "p1": both}, distributions=space)
        )
    assert not any(effect.sure for effect in effects(study_of(made)))


def test_values_that_do_not_differ_and_no_trials():
    assert effects(study_of([])) == ()
    assert effects(studied(40, lambda params: 0.5, noise=0.0)) == ()
