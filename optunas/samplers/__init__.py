"""Samplers, the search strategies: Optuna's by name, with settings that suit architectures."""

from optunas.samplers.by_name import SAMPLERS as SAMPLERS
from optunas.samplers.by_name import grid_of as grid_of
from optunas.samplers.by_name import make_sampler as make_sampler
from optunas.samplers.seeded import Seeded as Seeded

__all__ = ["SAMPLERS", "Seeded", "grid_of", "make_sampler"]
