"""What all workers of a study must agree on, of an objective (`optunas.fingerprint`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from optunas.data import Data, ImageFiles
from optunas.fingerprint import minor
from optunas.spaces.described import choices_of, described
from optunas.training.recipe import Recipe
from optunas.training.recipe_space import RecipeSpace

if TYPE_CHECKING:
    from optunas.objective.objective import Objective


def agreed(objective: Objective) -> dict[str, Any]:
    """The facts that decide what a trial's values mean; neither the device nor what costs speed."""
    chosen = choices_of(objective.prospect.propose)
    return {
        "space": described(objective.space),
        "choices": {n: said for n, said in chosen.items() if not n.startswith("recipe.")},
        "data": _data(objective.data),
        "recipe": _recipe(objective.recipe),
        "limits": dict(objective.limits),
        "metrics": list(objective.metrics),
        "torch": minor(torch.__version__),
    }


def _data(data: Data) -> str:
    """Without its name, which may be that of a folder on this machine."""
    files = ", in files" if isinstance(data.train.images, ImageFiles) else ""
    return f"{data.describe().removeprefix(f'{data.name}: ')}{files}, {data.fingerprint}"


def _recipe(recipe: Recipe | RecipeSpace) -> dict[str, Any]:
    """Flat, so that a difference is told by the field that differs."""
    if isinstance(recipe, Recipe):
        return recipe.to_json()
    searched = {name: value for name, value in recipe.to_json().items() if name != "base"}
    return recipe.base.to_json() | {f"search.{n}": v for n, v in searched.items() if v is not None}
