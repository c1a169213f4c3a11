"""Samplers, the search strategies: Optuna's by name, and ours, which see the networks.

Each name is imported when it is first used: reading a study needs none of them, nor scipy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optunas.samplers.architecture import ArchitectureSampler as ArchitectureSampler
    from optunas.samplers.by_name import SAMPLERS as SAMPLERS
    from optunas.samplers.by_name import grid_of as grid_of
    from optunas.samplers.by_name import make_sampler as make_sampler
    from optunas.samplers.catcma import CatCmaSampler as CatCmaSampler
    from optunas.samplers.evolution import (
        RegularizedEvolutionSampler as RegularizedEvolutionSampler,
    )
    from optunas.samplers.genetic import GeneticSampler as GeneticSampler
    from optunas.samplers.local import LocalSearchSampler as LocalSearchSampler
    from optunas.samplers.screened import Screened as Screened
    from optunas.samplers.seeded import Seeded as Seeded
    from optunas.samplers.warm import guess as guess
    from optunas.samplers.warm import warm_start as warm_start

_HOME = {
    "SAMPLERS": "by_name",
    "ArchitectureSampler": "architecture",
    "CatCmaSampler": "catcma",
    "GeneticSampler": "genetic",
    "LocalSearchSampler": "local",
    "RegularizedEvolutionSampler": "evolution",
    "Screened": "screened",
    "Seeded": "seeded",
    "grid_of": "by_name",
    "guess": "warm",
    "make_sampler": "by_name",
    "warm_start": "warm",
}

__all__ = [
    "SAMPLERS",
    "ArchitectureSampler",
    "CatCmaSampler",
    "GeneticSampler",
    "LocalSearchSampler",
    "RegularizedEvolutionSampler",
    "Screened",
    "Seeded",
    "grid_of",
    "guess",
    "make_sampler",
    "warm_start",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'optunas.samplers' has no attribute {name!r}")
    return getattr(import_module(f"optunas.samplers.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
