"""Recipes, and the loop that follows one; importing this doesn't import torch."""

from typing import TYPE_CHECKING, Any

from .errors import Diverged as Diverged
from .errors import NetworkError as NetworkError
from .errors import RecipeError as RecipeError
from .recipe import Recipe as Recipe
from .recipe_space import RecipeSpace as RecipeSpace
from .results import Epoch as Epoch
from .results import Scores as Scores

if TYPE_CHECKING:
    from .loop import evaluate as evaluate
    from .loop import train as train

__all__ = [
    "Diverged",
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
        from . import loop

        return getattr(loop, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
