"""Recipes, and the loop that follows one; importing this doesn't import torch."""

from typing import TYPE_CHECKING, Any

from optunas.training.engine import Engine as Engine
from optunas.training.errors import Diverged as Diverged
from optunas.training.errors import NetworkError as NetworkError
from optunas.training.errors import RecipeError as RecipeError
from optunas.training.recipe import Recipe as Recipe
from optunas.training.recipe_space import RecipeSpace as RecipeSpace
from optunas.training.results import Epoch as Epoch
from optunas.training.results import Scores as Scores

if TYPE_CHECKING:
    from optunas.training.loop import evaluate as evaluate
    from optunas.training.loop import train as train

__all__ = [
    "Diverged",
    "Engine",
    "Epoch",
    "NetworkError",
    "Recipe",
    "RecipeError",
    "RecipeSpace",
    "Scores",
    "evaluate",
    "train",
]


def __getattr__(name: str) -> Any:
    """Fetch what needs torch when it is first asked for (PEP 562)."""
    if name in ("evaluate", "train"):
        from optunas.training import loop

        return getattr(loop, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
