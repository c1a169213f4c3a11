"""Two trials side by side, whatever their attributes hold."""

from __future__ import annotations

import re
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, create_trial
from rich.console import Console

from optunas.architecture import ConvNorm, GlobalPool, Linear, Sequential, cost, key, to_json
from optunas.terminal import comparison_page

SHAPE = (1, 8, 8)
ONE = Sequential(ConvNorm(8), ConvNorm(8), GlobalPool(), Linear())
OTHER = Sequential(ConvNorm(8), ConvNorm(16, kernel=5), GlobalPool(), Linear())


def pair(*changes: dict[str, Any]) -> list[FrozenTrial]:
    study = optuna.create_study(direction="maximize")
    for layer, more in zip((ONE, OTHER), changes, strict=True):
        found = cost(layer, SHAPE, 10)
        known = {
            "architecture": to_json(layer), "input_shape": list(SHAPE), "classes": 10,
            "key": key(layer, SHAPE, 10), "params": found.params, "macs": found.macs, **more,
        }  # fmt: skip
        params = known.pop("x", {})
        choices = {n: optuna.distributions.CategoricalDistribution([v]) for n, v in params.items()}
        study.add_trial(
            create_trial(value=0.5, params=params, distributions=choices, user_attrs=known)
        )
    return study.get_trials()


def page(trials: list[FrozenTrial], width: int = 80) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        for part in comparison_page(*trials):
            console.print(part)
    said = captured.get()
    assert max(map(len, said.splitlines())) <= width
    return said


def test_scores_costs_layers_and_parameters_stand_side_by_side() -> None:
    said = page(
        pair(
            {"accuracy": 0.9, "role": "baseline", "x": {"width": 8, "norm": "batch"}},
            {"accuracy": 0.9525, "recipe": {"lr": 0.5}, "x": {"width": 16, "norm": "batch"}},
        )
    )
    one, other = (cost(layer, SHAPE, 10) for layer in (ONE, OTHER))
    more = other.params - one.params
    for line in (
        r"Trial 0 \(baseline, trained\) and trial 1 \(trained\): different networks",
        r"accuracy +90.00 % +95.25 % +\+5.25 points",
        rf"parameters +{one.params:,} +{other.params:,} +\+{more:,} \(4.5 times\)",
        r"  +ConvNorm\(8\) +8x8x8",
        r"- +ConvNorm\(8\) +8x8x8",
        r"\+ +ConvNorm\(16, kernel=5\) +16x8x8",
        r"width +8 +16",
        r"lr +– +0.5",
    ):
        assert re.search(line, said), line
    assert "norm " not in said.partition("Parameters that differ")[2]


def test_equal_trials_say_so() -> None:
    one = pair({"x": {"width": 8}}, {})[0]
    said = page([one, one])
    assert "the same network" in said
    assert "All 1 parameters are equal." in said


def test_a_plain_study_of_optuna_is_compared_by_value_and_parameters() -> None:
    study = optuna.create_study()
    for x in (1.5, 2.0):
        space = {"x": optuna.distributions.FloatDistribution(0, 9)}
        study.add_trial(create_trial(value=x, params={"x": x}, distributions=space))
    said = page(study.get_trials())
    assert re.search(r"value +1.5 +2 +\+0.5", said)
    assert "no described architecture" in " ".join(said.split())


@pytest.mark.parametrize("value", ["\x1b]0;title\x07" * 9, [1], {"a": 1}, float("nan"), -1, None])
def test_whatever_stands_in_the_attributes_is_told_in_words(value: Any) -> None:
    names = ("architecture", "input_shape", "accuracy", "params", "recipe", "key", "role")
    said = page(pair({}, dict.fromkeys(names, value)))
    assert "\x1b" not in said
    assert "can't be" in said or "no described" in said
