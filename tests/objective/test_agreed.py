"""What an objective says of itself to the other workers of a study."""

import json
from typing import Any

import pytest
from optuna.trial import BaseTrial
from torch import nn

from optunas import Limits, Recipe, RecipeSpace

from ..small import RECIPE, plain, small_objective


def network(trial: BaseTrial) -> nn.Module:
    return plain(trial.suggest_int("width", 4, 8))


def test_it_is_plain_and_the_same_each_time() -> None:
    found = small_objective(limits=Limits(params=10**6)).fingerprint
    assert json.loads(json.dumps(found)) == found
    assert found == small_objective(limits=Limits(params=10**6)).fingerprint
    assert found["limits"] == {"params": 10**6}
    assert found["recipe"]["epochs"] == RECIPE.epochs
    assert found["data"].startswith("10 classes, 1x8x8, 216 train / 108 validation / 360 test, ")


@pytest.mark.parametrize(
    ("changes", "aspects"),
    [
        ({"limits": Limits(params=10**6)}, {"limits"}),
        ({"recipe": Recipe(epochs=4, batch_size=64)}, {"recipe"}),
        ({"recipe": RecipeSpace(RECIPE)}, {"recipe"}),
        ({"seed": 5}, set()),
        ({"metrics": ("f1",)}, {"metrics"}),
        ({"space": network}, {"space", "choices"}),
        ({"proxies": ("params",), "reuse": False}, set()),
    ],
)
def test_what_changes_it(changes: dict[str, Any], aspects: set[str]) -> None:
    before, after = small_objective().fingerprint, small_objective(**changes).fingerprint
    assert {name for name in before if before[name] != after[name]} == aspects


def test_a_persons_function_is_known_by_its_name_and_its_draws() -> None:
    found = small_objective(space=network).fingerprint
    assert (found["space"], found["choices"]) == ("network", {"width": "4..8"})
