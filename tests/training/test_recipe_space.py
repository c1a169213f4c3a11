import json
import math
from dataclasses import replace
from typing import Any

import optuna
import pytest
from optuna.trial import FixedTrial

from optunas.training import Recipe, RecipeError, RecipeSpace

NAMES = {
    "recipe.optimizer",
    "recipe.lr_factor",
    "recipe.weight_decay_factor",
    "recipe.batch_size",
    "recipe.label_smoothing",
    "recipe.augment",
}
FIXED: dict[str, Any] = {
    "recipe.optimizer": "adamw",
    "recipe.lr_factor": 1.0,
    "recipe.weight_decay_factor": 1.0,
    "recipe.batch_size": 128,
    "recipe.label_smoothing": 0.0,
    "recipe.augment": 0.0,
}


def test_every_trial_has_the_same_parameters() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = []
    for _ in range(50):
        trial = study.ask()
        drawn.append(RecipeSpace().suggest(trial))
        assert set(trial.params) == NAMES
        study.tell(trial, 0.0)
    assert {recipe.optimizer for recipe in drawn} == {"adamw", "sgd"}
    assert {recipe.batch_size for recipe in drawn} == {64, 128, 256}
    assert optuna.search_space.intersection_search_space(study.trials).keys() == NAMES


def test_factor_one_is_the_base_and_the_other_optimizers_own() -> None:
    assert RecipeSpace().suggest(FixedTrial(FIXED)) == Recipe()
    sgd = RecipeSpace().suggest(FixedTrial(FIXED | {"recipe.optimizer": "sgd"}))
    assert sgd == Recipe(optimizer="sgd")


def test_the_base_keeps_what_the_space_does_not_draw() -> None:
    base = Recipe(epochs=7, schedule="cosine", train_fraction=0.5, precision="fp32", momentum=0.8)
    recipe = RecipeSpace(base).suggest(FixedTrial(FIXED | {"recipe.optimizer": "sgd"}))
    for name in ("epochs", "schedule", "train_fraction", "precision", "momentum"):
        assert getattr(recipe, name) == getattr(base, name)


@pytest.mark.parametrize(("optimizer", "factor"), [("sgd", 2.0), ("adamw", math.sqrt(2))])
def test_larger_batches_get_a_larger_rate(optimizer: str, factor: float) -> None:
    values = FIXED | {"recipe.optimizer": optimizer}
    small = RecipeSpace().suggest(FixedTrial(values))
    large = RecipeSpace().suggest(FixedTrial(values | {"recipe.batch_size": 256}))
    assert large.lr == pytest.approx(factor * small.lr)
    assert large.weight_decay == small.weight_decay


def test_the_other_optimizers_rate_does_not_depend_on_the_base() -> None:
    """256 images want one rate of SGD, whatever the AdamW base was written for."""
    values = FIXED | {"recipe.optimizer": "sgd", "recipe.batch_size": 256}
    by_default = RecipeSpace().suggest(FixedTrial(values))
    other_base = RecipeSpace(Recipe(batch_size=64, lr=0.1)).suggest(FixedTrial(values))
    assert other_base.lr == pytest.approx(by_default.lr)


def test_factors_multiply() -> None:
    values = FIXED | {"recipe.lr_factor": 0.5, "recipe.weight_decay_factor": 4.0}
    recipe = RecipeSpace(Recipe(lr=0.02, weight_decay=0.1)).suggest(FixedTrial(values))
    assert (recipe.lr, recipe.weight_decay) == pytest.approx((0.01, 0.4))


def test_what_is_fixed_is_not_suggested() -> None:
    space = RecipeSpace(
        Recipe(augment=0.3, optimizer="sgd"),
        optimizer=None,
        lr_factor=(0.5, 2.0),
        weight_decay_factor=None,
        batch_size=64,
        label_smoothing=0.1,
        augment=None,
    )
    trial = optuna.create_study().ask()
    recipe = space.suggest(trial)
    assert set(trial.params) == {"recipe.lr_factor"}
    assert (recipe.optimizer, recipe.batch_size) == ("sgd", 64)
    assert (recipe.label_smoothing, recipe.augment) == (0.1, 0.3)


NEW = ("colour", "rand_augment", "mixup", "cutmix")


def test_other_augmentations_are_as_the_base_has_them_until_they_are_opened() -> None:
    base = Recipe(colour=0.1, rand_augment=0.2, mixup=0.3, cutmix=0.4)
    recipe = RecipeSpace(base).suggest(FixedTrial(FIXED))
    assert [getattr(recipe, name) for name in NEW] == [0.1, 0.2, 0.3, 0.4]
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
    space = RecipeSpace(base, colour=(0.0, 1.0), rand_augment=(0.0, 0.6), mixup=(0, 1), cutmix=0.7)
    recipe = space.suggest(trial)
    assert set(trial.params) == NAMES | {"recipe.colour", "recipe.rand_augment", "recipe.mixup"}
    assert (recipe.colour, recipe.cutmix) == (trial.params["recipe.colour"], 0.7)
    assert space.suggest(FixedTrial(space.baseline())) == replace(base, cutmix=0.7)


def test_one_choice_is_fixed_and_lists_are_tuples() -> None:
    space = RecipeSpace(optimizer=["sgd"], batch_size=[32, 64], augment=[0.1, 0.2])  # type: ignore[arg-type]
    trial = optuna.create_study().ask()
    assert space.suggest(trial).optimizer == "sgd"
    assert trial.distributions["recipe.batch_size"].choices == (32, 64)  # type: ignore[attr-defined]
    assert "recipe.optimizer" not in trial.params
    assert 0.1 <= trial.params["recipe.augment"] <= 0.2


def test_json_is_plain() -> None:
    values = json.loads(json.dumps(RecipeSpace().to_json()))
    assert Recipe.from_json(values.pop("base")) == Recipe()
    assert RecipeSpace(**values) == RecipeSpace()


@pytest.mark.parametrize(
    "fields",
    [
        {"base": {"epochs": 3}},
        {"optimizer": ()},
        {"optimizer": ("adam", "sgd")},
        {"optimizer": ("sgd", "sgd")},
        {"optimizer": "adam"},
        {"optimizer": (["sgd"],)},
        {"batch_size": (64, 0)},
        {"batch_size": (64, 64.5)},
        {"batch_size": 0},
        {"lr_factor": (0.0, 1.0)},
        {"lr_factor": (2.0, 1.0)},
        {"lr_factor": (1.0, 1.0)},
        {"lr_factor": (1.0,)},
        {"lr_factor": (1.0, 2.0, 3.0)},
        {"lr_factor": ()},
        {"lr_factor": "high"},
        {"lr_factor": math.nan},
        {"weight_decay_factor": (-1.0, 1.0)},
        {"base": Recipe(weight_decay=0)},
        {"label_smoothing": (0.0, 1.0)},
        {"label_smoothing": (0.2, 0.1)},
        {"augment": (0.0, 1.5)},
        {"augment": -0.5},
        {"colour": (0.0, 1.5)},
        {"rand_augment": (0.5, 0.5)},
        {"mixup": (-0.1, 1.0)},
        {"cutmix": math.inf},
    ],
)
def test_a_bad_space_is_a_recipe_error(fields: dict[str, Any]) -> None:
    with pytest.raises(RecipeError) as caught:
        RecipeSpace(**fields)
    assert "\n" not in str(caught.value)


class TestBaseline:
    def test_suggests_the_base_where_the_ranges_hold_it(self):
        base = Recipe(epochs=7, augment=0.5, label_smoothing=0.1)
        space = RecipeSpace(base)
        assert space.suggest(FixedTrial(space.baseline())) == base

    def test_comes_as_close_as_the_ranges_allow(self):
        space = RecipeSpace(Recipe(augment=0.9), augment=(0.0, 0.5), batch_size=(32, 64))
        recipe = space.suggest(FixedTrial(space.baseline()))
        assert (recipe.augment, recipe.batch_size) == (0.5, 32)

    def test_has_only_what_is_open(self):
        space = RecipeSpace(optimizer="sgd", batch_size=None)
        assert not {"recipe.optimizer", "recipe.batch_size"} & set(space.baseline())
