"""What changed between two trials, held against what was written into them."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, create_trial

from optunas.architecture import (
    Conv,
    ConvNorm,
    GlobalPool,
    Linear,
    Pool,
    Sequential,
    cost,
    key,
    to_json,
)
from optunas.insights.difference import difference

SHAPE = (1, 8, 8)
ONE = Sequential(ConvNorm(8), ConvNorm(8), Pool(), GlobalPool(), Linear())
OTHER = Sequential(ConvNorm(8), Conv(16, kernel=5), Pool(), GlobalPool(), Linear())


def trials(*known: dict[str, Any], values: list[Any] | None = None) -> list[FrozenTrial]:
    """Completed trials with these attributes; `params` are their parameters."""
    study = optuna.create_study(direction="maximize")
    for number, attributes in enumerate(known):
        params = attributes.pop("x", {})
        choices = {n: optuna.distributions.CategoricalDistribution([v]) for n, v in params.items()}
        value = (values or [0.5] * len(known))[number]
        study.add_trial(
            create_trial(
                value=value, params=params, distributions=choices, user_attrs=dict(attributes)
            )
        )
    return study.get_trials()


def described(layer: Sequential, **more: Any) -> dict[str, Any]:
    found = cost(layer, SHAPE, 10)
    return {
        "architecture": to_json(layer),
        "input_shape": list(SHAPE),
        "classes": 10,
        "key": key(layer, SHAPE, 10),
        "params": found.params,
        "macs": found.macs,
        **more,
    }


def test_layers_are_told_as_a_diff_with_their_own_costs() -> None:
    found = difference(*trials(described(ONE), described(OTHER)))
    assert found.layers is not None
    assert [(line.mark, str(line.row.layer)) for line in found.layers] == [
        ("=", "ConvNorm(8)"),
        ("-", "ConvNorm(8)"),
        ("+", "Conv(16, kernel=5)"),
        ("=", "Pool()"),
        ("=", "GlobalPool()"),
        ("=", "Linear()"),
    ]
    assert found.same_network is False
    for mark, side in (("-", ONE), ("+", OTHER)):  # the marked lines and what both have
        kept = [line for line in found.layers if line.mark in ("=", mark)]
        assert [str(line.row.layer) for line in kept] == [str(layer) for layer in side.layers]
    after = [line.row for line in found.layers if line.mark != "-"]
    assert sum(row.params for row in after) == cost(OTHER, SHAPE, 10).params
    assert sum(row.macs for row in after) == cost(OTHER, SHAPE, 10).macs


def test_the_same_network_has_no_marked_layer() -> None:
    found = difference(*trials(described(ONE), described(ONE)))
    assert found.same_network is True
    assert found.layers is not None
    assert {line.mark for line in found.layers} == {"="}


def test_parameters_and_recipe_tell_what_differs_and_what_one_lacks() -> None:
    one = {"x": {"width": 8, "op": "conv", "gone": 1}, "recipe": {"lr": 0.1, "epochs": 3}}
    other = {"x": {"width": 16, "op": "conv", "new": "a"}, "recipe": {"lr": 0.2, "epochs": 3}}
    found = difference(*trials(one, other))
    assert [(c.name, c.one, c.other) for c in found.parameters] == [
        ("width", 8, 16),
        ("gone", 1, None),
        ("new", None, "a"),
    ]
    assert found.alike == 1
    assert [(c.name, c.one, c.other) for c in found.recipe] == [("lr", 0.1, 0.2)]


def test_parameters_of_stages_that_a_network_lacks_are_none_of_its() -> None:
    one = {"x": {"stages": 2, "stage2.op": "a", "stage3.op": "a", "stage4.op": "a"}}
    other = {"x": {"stages": 3, "stage2.op": "a", "stage3.op": "a", "stage4.op": "b"}}
    found = difference(*trials(one, other))
    assert [(c.name, c.one, c.other) for c in found.parameters] == [
        ("stages", 2, 3),
        ("stage3.op", None, "a"),
    ]
    assert found.alike == 1  # stage2.op


def test_scores_and_costs_are_subtracted() -> None:
    one = {"accuracy": 0.5, "f1": 0.25, "params": 100, "latency_ms": 2.0}
    other = {"accuracy": 0.75, "f1": 0.5, "params": 60, "memory_mb": 9.0}
    found = difference(*trials(one, other, values=[0.5, 0.75]))
    scores = {gap.name: gap.difference for gap in found.scores}
    assert scores == {"accuracy": 0.25, "f1": 0.25}  # the value is the accuracy: not told twice
    costs = {gap.name: (gap.one, gap.other, gap.difference) for gap in found.costs}
    assert costs == {
        "params": (100, 60, -40),
        "latency_ms": (2.0, None, None),
        "memory_mb": (None, 9.0, None),
    }


def test_a_value_that_is_no_score_is_told() -> None:
    (gap,) = difference(*trials({}, {}, values=[1.5, 2.0])).scores
    assert (gap.name, gap.one, gap.other, gap.difference) == ("value", 1.5, 2.0, 0.5)


def test_several_values_are_numbered() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    study.add_trial(create_trial(values=[1.0, 2.0]))
    study.add_trial(create_trial(values=[3.0, 5.0]))
    found = difference(*study.get_trials())
    assert [(gap.name, gap.difference) for gap in found.scores] == [("value 1", 2), ("value 2", 3)]


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"architecture": "<script>", "input_shape": [1, 8, 8]},
        {"architecture": {"layer": "Nothing"}, "input_shape": [1, 8, 8]},
        {"architecture": to_json(ONE), "input_shape": "x"},
        {"architecture": to_json(ONE), "input_shape": [float("nan"), 8, 8]},
        {"architecture": to_json(ONE), "input_shape": [1, 8, 8], "classes": "many"},
        {"architecture": to_json(ONE), "input_shape": [-1, 0, 8], "classes": 10},
    ],
)
def test_what_cant_be_read_is_told(broken: dict[str, Any]) -> None:
    spoiled = {"accuracy": "a", "params": float("nan"), "recipe": [1], "key": {}, **broken}
    found = difference(*trials(described(ONE), spoiled))
    assert found.layers is None
    assert found.unread.startswith("trial 1: ")
    assert found.same_network is None
    assert {gap.name: gap.other for gap in found.costs} == {"params": None, "macs": None}
