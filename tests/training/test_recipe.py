import json
import math
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest

from optunas.errors import OptunasError
from optunas.training import Recipe, RecipeError, RecipeSpace

FULL = Recipe(
    epochs=3,
    batch_size=32,
    optimizer="sgd",
    lr=0.05,
    momentum=0.8,
    weight_decay=1e-4,
    schedule="cosine",
    label_smoothing=0.1,
    clip_norm=1.0,
    augment=0.5,
    colour=0.4,
    rand_augment=0.3,
    mixup=0.2,
    cutmix=1.0,
    train_fraction=0.25,
    resolution=24,
    precision="fp32",
    ema=0.999,
)
# What the defaults were stored as before `ema` came: in fingerprints, trials and checkpoints.
STORED = {
    "epochs": 20, "batch_size": 128, "optimizer": "adamw", "lr": 0.006, "momentum": 0.9,
    "weight_decay": 0.05, "schedule": "onecycle", "label_smoothing": 0.0, "clip_norm": None,
    "augment": 0.0, "colour": 0.0, "rand_augment": 0.0, "mixup": 0.0, "cutmix": 0.0,
    "train_fraction": 1.0, "resolution": None, "precision": "auto",
}  # fmt: skip


@pytest.mark.parametrize("recipe", [Recipe(), Recipe(optimizer="sgd"), FULL])
def test_json_brings_the_same_recipe_back(recipe: Recipe) -> None:
    text = json.dumps(recipe.to_json())
    assert Recipe.from_json(json.loads(text)) == recipe
    later = set() if recipe.ema else {"ema"}
    assert set(json.loads(text)) == {field.name for field in fields(Recipe)} - later


def test_a_recipe_is_stored_as_ever_and_read_as_ever() -> None:
    assert json.dumps(Recipe().to_json()) == json.dumps(STORED)  # the order is in checkpoints, too
    assert Recipe.from_json(STORED) == Recipe()
    assert json.dumps(RecipeSpace().to_json()["base"]) == json.dumps(STORED)


def test_json_may_leave_fields_out() -> None:
    assert Recipe.from_json({"epochs": 3}) == Recipe(epochs=3)


def test_each_optimizer_fills_in_its_own_rates() -> None:
    adamw, sgd = Recipe(optimizer="adamw"), Recipe(optimizer="sgd")
    assert 10 * adamw.lr < sgd.lr
    assert adamw.weight_decay > 10 * sgd.weight_decay > 0
    assert replace(adamw, optimizer="sgd", lr=None, weight_decay=None) == sgd
    assert Recipe(lr=0.3).lr == 0.3
    assert Recipe(weight_decay=0).weight_decay == 0


def test_numpy_numbers_become_plain_ones() -> None:
    recipe = Recipe(epochs=np.int64(3), lr=np.float32(0.5), augment=np.float64(1))  # type: ignore[arg-type]
    assert [type(v) for v in (recipe.epochs, recipe.lr, recipe.augment)] == [int, float, float]
    assert json.loads(json.dumps(recipe.to_json()))["epochs"] == 3


BAD: list[tuple[str, Any]] = [
    *[("epochs", v) for v in (0, -1, 1.5, "3", True, None)],
    *[("batch_size", v) for v in (0, -8, 32.0, None)],
    *[("optimizer", v) for v in ("Adam", "", None, 3, ["sgd"])],
    *[("lr", v) for v in (0, -0.1, math.nan, math.inf, "0.1", True)],
    *[("momentum", v) for v in (-0.1, 1, 1.5, math.nan, None)],
    *[("weight_decay", v) for v in (-1e-4, math.inf, math.nan, "x")],
    *[("schedule", v) for v in ("step", None)],
    *[("label_smoothing", v) for v in (-0.1, 1, math.nan, None)],
    *[("clip_norm", v) for v in (0, -1, math.inf, math.nan)],
    *[(name, v) for name in ("augment", "colour", "rand_augment") for v in (-0.01, 1.01, math.nan)],
    *[(name, None) for name in ("augment", "colour", "rand_augment", "mixup", "cutmix")],
    *[(name, v) for name in ("mixup", "cutmix") for v in (-0.1, math.inf, math.nan, "1")],
    *[("resolution", v) for v in (0, -1, 24.5, "24", True)],
    *[("train_fraction", v) for v in (0, -0.5, 1.1, math.nan, None)],
    *[("precision", v) for v in ("fp16", None)],
    *[("ema", v) for v in (-0.1, 1, 1.5, math.nan, None, "0.9", True)],
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_is_one_line_that_names_it(name: str, value: Any) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe(**{name: value})
    message = str(caught.value)
    assert message.startswith(f"{name} is ")
    assert repr(value) in message
    assert "\n" not in message
    assert isinstance(caught.value, OptunasError)


@pytest.mark.parametrize("values", [{"epoch": 3}, [("epochs", 3)], "epochs", {"lr": -1}])
def test_bad_json_is_a_recipe_error(values: Any) -> None:
    with pytest.raises(RecipeError):
        Recipe.from_json(values)


def test_an_unknown_field_is_named_beside_the_known_ones() -> None:
    with pytest.raises(RecipeError, match=r"batch_size.*got learning_rate as well"):
        Recipe.from_json({"learning_rate": 1})


def test_a_recipe_is_frozen_and_hashable() -> None:
    recipe = Recipe()
    with pytest.raises(FrozenInstanceError):
        recipe.epochs = 3  # type: ignore[misc]
    assert len({recipe, Recipe(), FULL}) == 2


def test_describe_says_what_is_switched_on() -> None:
    assert "augmentation" not in Recipe().describe()
    line = FULL.describe()
    for part in ("3 epochs", "sgd", "0.05", "cosine", "clipped at 1", "augmentation 0.5", "0.25"):
        assert part in line
    assert "averaged with decay 0.999" in line
    assert "averaged" not in Recipe().describe()
    for part in ("colour 0.4", "RandAugment 0.3", "mixup 0.2", "cutmix 1", "24 pixels"):
        assert part in line
        assert part.split()[0] not in Recipe().describe()


def test_recipes_need_no_torch() -> None:
    code = (
        "import sys, optunas.training as t; t.Recipe(); t.RecipeSpace(); t.Epoch; t.Diverged;"
        "assert 'torch' not in sys.modules; t.train; assert 'torch' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_exported_name_is_there() -> None:
    import optunas.training

    assert optunas.training.__all__ == sorted(optunas.training.__all__)
    for name in optunas.training.__all__:
        assert getattr(optunas.training, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        optunas.training.trian  # noqa: B018
