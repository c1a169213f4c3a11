"""What the insights read of a study, whoever wrote it."""

import pytest

from optunas.insights import reading
from optunas.insights.reading import (
    aim_of,
    aims,
    curve,
    default_cost,
    epochs_of,
    last_report,
    limits_of,
    measure,
    reports,
    trained,
    value,
)
from optunas.insights.sample import LARGEST, sampled

from .made import a_trial, study_of


def test_the_aim_is_what_is_learned():
    study = study_of([], ("minimize", "maximize"), ("params", "f1"))
    aim = aim_of(study)
    assert (aim.index, aim.name, aim.direction, aim.sign) == (1, "f1", "maximize", 1)
    assert [one.name for one in aims(study)] == ["params", "f1"]


@pytest.mark.parametrize(
    ("stored", "names"),
    [
        (["accuracy"], ["accuracy"]),
        (["x" * 900], ["x" * 200]),
        (["one", "too many"], ["value"]),
        ("accuracy", ["value"]),
        ([3], ["3"]),
        (None, ["value"]),
    ],
)
def test_without_names_the_fingerprint_or_the_place_names_objectives(stored, names):
    study = study_of([])
    study.set_user_attr("optunas.fingerprint", {"metrics": stored})
    assert [aim.name for aim in aims(study)] == names
    several = study_of([], ("minimize", "minimize"))
    assert [aim.name for aim in aims(several)] == ["objective 1", "objective 2"]


def test_a_value_is_a_finite_number_of_a_completed_trial():
    aim = aim_of(study_of([]))
    assert value(a_trial(0, value=0.5), aim) == 0.5
    assert value(a_trial(0, value=float("inf")), aim) is None
    assert value(a_trial(0, "pruned", None), aim) is None
    assert value(a_trial(0, value=(1.0, 2.0)), aim) == 1.0


def test_reports_leave_out_what_is_no_number():
    aim = aim_of(study_of([]))
    trial = a_trial(0, values=[0.1, float("nan"), 0.3])
    assert reports(trial, aim) == {1: 0.1, 3: 0.3}
    assert last_report(trial, aim) == 0.3
    assert last_report(a_trial(0), aim) is None


def test_a_network_counts_once():
    aim = aim_of(study_of([]))
    trials = [a_trial(n, end) for n, end in enumerate(["trained", "reused", "trained"])]
    trials += [a_trial(3, "failed", None), a_trial(4, value=float("inf"))]
    assert [trial.number for trial in trained(trials, aim)] == [0, 2]


def test_a_plain_optuna_trial_was_trained():
    trial = a_trial(0)
    del trial.user_attrs["outcome"]
    assert trained([trial], aim_of(study_of([]))) == [trial]


def test_a_cost_is_an_attribute_or_an_objective():
    study = study_of([], ("maximize", "minimize"), ("accuracy", "latency_ms"))
    trial = a_trial(0, value=(0.5, 3.0), attributes={"macs": 7})
    assert measure(trial, "macs") == 7.0
    assert measure(trial, "latency_ms") is None
    assert measure(trial, "latency_ms", aims(study)) == 3.0
    assert default_cost(study, [trial]) == "latency_ms"


def test_limits_are_the_fingerprints_or_what_margins_imply():
    trials = [a_trial(0, attributes={"params": 900, "margin.params": -0.1, "macs": 5})]
    study = study_of(trials)
    assert limits_of(study, trials) == {"params": 1000.0}
    study.set_user_attr("optunas.fingerprint", {"limits": {"params": 2000, "macs": 9, "x": 1}})
    assert limits_of(study, trials) == {"params": 2000.0, "macs": 9.0}


@pytest.mark.parametrize("margin", [-1, -2, float("nan"), "x", float("inf")])
def test_a_margin_that_implies_no_limit(margin: object):
    trials = [a_trial(0, attributes={"params": 900, "margin.params": margin})]
    assert limits_of(study_of(trials), trials) == {}


def test_a_column_of_the_learning_curve():
    rows = [[1, 2, 0.3, 0.4, 5], [1, 2, 0.6, 0.7, 8]]
    trial = a_trial(0, attributes={"curve": rows})
    assert curve(trial, "accuracy") == [0.3, 0.6]
    assert curve(trial, "seconds") == [5, 8]


@pytest.mark.parametrize(
    ("recipe", "epochs"),
    [({"epochs": 8}, 8), ({"epochs": 0}, None), ({"epochs": True}, None), ({"epochs": 1e3}, None),
     ({"epochs": 10**9}, None), ("x", None), ({}, None)],
)  # fmt: skip
def test_epochs_are_those_of_the_recipe(recipe: object, epochs: int | None):
    assert epochs_of(a_trial(0, attributes={"recipe": recipe})) == epochs


def test_costs_are_those_that_optunas_knows():
    from optunas.metrics import DIRECTIONS

    assert set(reading.COSTS) < set(DIRECTIONS)


def test_a_sample_is_the_same_every_time_and_in_order():
    trials = [a_trial(n) for n in range(30)]
    assert sampled(trials) == trials
    few = sampled(trials, 10)
    assert few == sampled(trials, 10)
    numbers = [trial.number for trial in few]
    assert (len(few), numbers) == (10, sorted(numbers))
    assert LARGEST == 1000
