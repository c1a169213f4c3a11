"""The best of several objectives: by a rule that is stated."""

from math import inf, sqrt

import pytest

from optunas.delivery.choice import Rule, rule_for
from optunas.errors import StudyError

METRICS = ("accuracy", "params")
FRONT = [(0.90, 1000.0), (0.88, 400.0), (0.60, 100.0)]


def chosen(rule: Rule) -> tuple[float, float]:
    return max(FRONT, key=lambda values: rule.merit(dict(zip(METRICS, values, strict=True))))


def test_one_objective_is_its_own_rule() -> None:
    rule = rule_for(("f1",), [(0.5,)])
    assert rule.learned == "f1"
    assert rule.is_of_one
    assert rule.merit({"f1": 0.7, "accuracy": 0.1}) == 0.7
    assert str(rule) == "the highest F1"
    costs_only = rule_for(("params",), [(100.0,)])  # training decides nothing else
    assert costs_only == Rule(("accuracy",))


def test_of_several_the_nearest_to_the_ideal() -> None:
    rule = rule_for(METRICS, FRONT)
    assert chosen(rule) == (0.88, 400.0)
    distance = sqrt((0.02 / 0.30) ** 2 + (300 / 900) ** 2)
    assert rule.merit({"accuracy": 0.88, "params": 400}) == pytest.approx(-distance)
    assert not rule.is_of_one
    assert rule.learned == "accuracy"
    assert str(rule) == "nearest to the best of the Pareto front in all of accuracy, parameters"


def test_better_than_the_best_is_as_good_and_unknown_is_last() -> None:
    rule = rule_for(METRICS, FRONT)
    assert rule.merit({"accuracy": 0.99, "params": 50}) == 0
    assert rule.merit({"accuracy": 0.99}) == -inf
    assert rule.merit({"accuracy": float("nan"), "params": 50}) == -inf


def test_a_front_of_one_is_the_ideal() -> None:
    rule = rule_for(METRICS, FRONT[:1])
    assert rule.merit({"accuracy": 0.90, "params": 1000}) == 0


def test_a_metric_can_decide_alone() -> None:
    assert chosen(rule_for(METRICS, FRONT, "accuracy")) == FRONT[0]
    assert chosen(rule_for(METRICS, FRONT, "params")) == FRONT[2]
    assert str(rule_for(METRICS, FRONT, "params")) == "the lowest parameters"


@pytest.mark.parametrize(("metrics", "wanted"), [(METRICS, "f1"), (("accuracy",), "balanced")])
def test_another_rule_is_refused_with_those_that_there_are(
    metrics: tuple[str, ...], wanted: str
) -> None:
    with pytest.raises(StudyError, match=r"no rule of choice is called .*accuracy"):
        rule_for(metrics, [(0.5,) * len(metrics)], wanted)
