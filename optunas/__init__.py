"""Neural architecture search the Optuna way.

The names in `__all__` are the whole public face. Each is imported when it is first used, so that
reading a study needs no torch and `optunas --help` no Optuna (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from optunas._version import __version__ as __version__

if TYPE_CHECKING:
    from optunas import architecture as architecture
    from optunas import benchmarks as benchmarks
    from optunas import data as data
    from optunas import delivery as delivery
    from optunas import insights as insights
    from optunas import nn as nn
    from optunas import report as report
    from optunas import spaces as spaces
    from optunas import storage as storage
    from optunas import testing as testing
    from optunas import training as training
    from optunas import visualization as visualization
    from optunas.delivery import deliver as deliver
    from optunas.joining import work as work
    from optunas.limits import Limits as Limits
    from optunas.objective import Objective as Objective
    from optunas.references import reference as reference
    from optunas.study import create_study as create_study
    from optunas.study import load_study as load_study
    from optunas.training.engine import Engine as Engine
    from optunas.training.recipe import Recipe as Recipe
    from optunas.training.recipe_space import RecipeSpace as RecipeSpace
    from optunas.worker import promote as promote

_HOME = {
    "Engine": "training.engine",
    "Limits": "limits",
    "Objective": "objective",
    "Recipe": "training.recipe",
    "RecipeSpace": "training.recipe_space",
    "architecture": "",
    "benchmarks": "",
    "create_study": "study",
    "data": "",
    "deliver": "delivery",
    "delivery": "",
    "insights": "",
    "load_study": "study",
    "nn": "",
    "promote": "worker",
    "reference": "references",
    "report": "",
    "spaces": "",
    "storage": "",
    "testing": "",
    "training": "",
    "visualization": "",
    "work": "joining",
}
"""The module that each public name comes from; a subpackage is its own home."""

__all__ = [
    "Engine",
    "Limits",
    "Objective",
    "Recipe",
    "RecipeSpace",
    "__version__",
    "architecture",
    "benchmarks",
    "create_study",
    "data",
    "deliver",
    "delivery",
    "insights",
    "load_study",
    "nn",
    "promote",
    "reference",
    "report",
    "spaces",
    "storage",
    "testing",
    "training",
    "visualization",
    "work",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'optunas' has no attribute {name!r}")
    home = import_module(f"optunas.{_HOME[name] or name}")
    return getattr(home, name) if _HOME[name] else home


def __dir__() -> list[str]:
    return __all__
