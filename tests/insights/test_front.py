"""Value against cost: the Pareto front is held against all pairs, and against Optuna's own."""

import numpy as np
import optuna
import pytest

from optunas.insights import Front, front

from .made import a_search, a_trial, study_of


def priced(number: int, value: float, params: float, outcome: str = "trained", **more):
    return a_trial(number, outcome, value, attributes={"params": params, **more})


def on_front(found: Front) -> set[int]:
    return {point.trial for point in found.points if point.on_front}


def beaten(pairs: dict[int, tuple[float, float]], number: int) -> bool:
    """Whether another is nowhere worse and somewhere better; less cost, more value."""
    cost, value = pairs[number]
    return any(c <= cost and v >= value and (c, v) != (cost, value) for c, v in pairs.values())


@pytest.mark.parametrize("seed", range(3))
def test_nobody_on_the_front_is_beaten_and_everybody_else_is(seed: int):
    rng = np.random.default_rng(seed)
    pairs = {n: (float(rng.integers(20)), float(rng.integers(20))) for n in range(60)}
    study = study_of([priced(n, value, cost) for n, (cost, value) in pairs.items()])
    unbeaten = {pairs[n] for n in pairs if not beaten(pairs, n)}
    found = on_front(front(study))
    assert {pairs[n] for n in found} == unbeaten
    assert len(found) == len(unbeaten)  # of equal ones the first


def test_with_two_objectives_it_is_optunas_own_front():
    rng = np.random.default_rng(0)
    trials = [a_trial(n, value=(float(rng.random()), float(rng.random()))) for n in range(80)]
    study = study_of(trials, ("maximize", "minimize"), ("accuracy", "latency_ms"))
    found = front(study)
    assert (found.cost, found.value, found.direction) == ("latency_ms", "accuracy", "maximize")
    assert on_front(found) == {trial.number for trial in study.best_trials}


def test_a_second_objective_that_is_maximised_is_no_cost_to_keep_small():
    rng = np.random.default_rng(1)
    trials = [a_trial(n, value=(float(rng.random()), float(rng.random()))) for n in range(50)]
    study = study_of(trials, ("minimize", "maximize"))
    found = front(study)
    assert (found.cost, found.cost_direction) == ("objective 2", "maximize")
    assert on_front(found) == {trial.number for trial in study.best_trials}
    costs = [point.cost for point in found.best]
    assert costs == sorted(costs, reverse=True)


def test_only_what_was_trained_to_the_end_within_the_limits_can_be_on_it():
    trials = [
        priced(0, 0.5, 10),
        a_trial(1, "pruned", None, values=[0.7, 0.9], attributes={"params": 5}),
        a_trial(2, "rejected", None, attributes={"params": 1}),
        a_trial(3, value=0.99, constraints={"params": 0.1}, attributes={"params": 4}),
        priced(4, 0.5, 10, "reused"),
        a_trial(5, "failed", None, attributes={"params": 3}),
    ]
    found = front(study_of(trials))
    assert on_front(found) == {0}
    values = {point.trial: point.value for point in found.points}
    assert values == {0: 0.5, 1: 0.9, 2: None, 3: 0.99, 4: 0.5, 5: None}
    assert [p.trial for p in found.points if not p.feasible] == [3]


def test_the_cost_is_one_that_is_aimed_at_or_limited_or_the_parameters():
    both = {"params": 10, "latency_ms": 2.0}
    assert front(study_of([a_trial(0, attributes=both)])).cost == "params"
    limited = study_of([a_trial(0, attributes={**both, "margin.latency_ms": -0.5})])
    assert front(limited).cost == "latency_ms"
    assert front(limited).limit == pytest.approx(4.0)
    assert front(limited, "params").limit is None
    aimed = study_of([a_trial(0, value=(0.5, 10), attributes=both)], ("maximize", "minimize"),
                     ("accuracy", "params"))  # fmt: skip
    assert front(aimed).cost == "params"


def test_the_limit_is_the_fingerprints():
    study = study_of([priced(0, 0.5, 10)])
    study.set_user_attr("optunas.fingerprint", {"limits": {"params": 5000}, "metrics": ["f1"]})
    assert (front(study).limit, front(study).value) == (5000.0, "f1")


@pytest.mark.parametrize("limits", ["x", [1], {"params": "many"}, {"params": True}, None])
def test_a_limit_that_is_none_is_ignored(limits: object):
    study = study_of([priced(0, 0.5, 10)])
    study.set_user_attr("optunas.fingerprint", {"limits": limits})
    assert front(study).limit is None


@pytest.mark.parametrize("cost", ["x", None, float("nan"), float("inf"), True, [1], {"a": 1}])
def test_a_cost_that_is_no_number_is_no_point(cost: object):
    study = study_of([priced(0, 0.5, 10), priced(1, 0.6, cost)])  # type: ignore[arg-type]
    assert [point.trial for point in front(study).points] == [0]


def test_roles_are_known_ones():
    roles = ["baseline", "random draw", "<b>", 3]
    study = study_of([priced(n, 0.5, n + 1, role=role) for n, role in enumerate(roles)])
    told = [point.role for point in front(study).points]
    assert told == ["baseline", "random draw", "search", "search"]


def test_nothing_yet():
    assert front(study_of([])).points == ()


def test_trials_can_be_given():
    study = a_search(40)
    some = study.trials[:7]
    assert {point.trial for point in front(study, trials=some).points} == set(range(7))


def test_an_ordinary_optuna_study_has_its_objectives():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(directions=["minimize", "minimize"])
    study.optimize(lambda t: (t.suggest_float("x", 0, 1), 1 - t.params["x"]), n_trials=9)
    assert on_front(front(study)) == set(range(9))
