"""Optuna's samplers by name, with the settings that suit flat spaces of architectures.

None of these imports torch before it is used (``gp`` does then), and ours come with scipy: they are
imported when they are made.
"""

import functools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from optuna import samplers
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler

from optunas._named import call_named, parse_named
from optunas.errors import StudyError
from optunas.samplers.seeded import Seeded
from optunas.spaces.sight import Sight
from optunas.spaces.space import Suggests

GRID_LIMIT = 1_000_000
SCREENED = "screened-"

Grid = Mapping[str, Sequence[Any]]


def make_sampler(
    sampler: str | BaseSampler,
    *,
    seed: int,
    n_objectives: int = 1,
    search_space: Grid | None = None,
    startup: int = 10,
    space: Suggests | Sight | None = None,
) -> BaseSampler:
    """The sampler of this name, seeded by ``seed`` and its first trial (see ``Seeded``).

    Names: random, grid, tpe, gp, nsgaii (nsga2), nsgaiii (nsga3); ours: architecture,
    catcma (cmaes), evolution (rea), genetic, local. Arguments in brackets change the settings:
    ``"tpe(startup=20)"``, ``"nsgaii(population=50)"``. With ``screened-`` before the name,
    ``"screened-tpe"``, networks that are over the limits or were evaluated already are drawn again;
    ``"screened-tpe(proxy=swap, draws=16)"`` proposes of 16 draws the one that a zero-cost proxy
    ranks best (see ``Screened``). A sampler of Optuna's, or your own, is returned as it is, with
    its own seed.

    ``startup`` is how many random trials come before the model; ``search_space`` is what a grid
    shall visit (see ``grid_of``). ``space`` is what samplers of ours look at: a search space, a
    function of a trial, or ``objective.prospect``; without one they see the parameters only.

    Raises StudyError for an unknown name or argument, or a sampler that can't serve the objectives.
    """
    if isinstance(sampler, BaseSampler):
        return sampler
    if seed < 0:
        raise StudyError(f"a seed is a whole number from 0 on; got {seed}")
    given = {
        "seed": seed,
        "n_objectives": n_objectives,
        "search_space": search_space,
        "startup": startup,
        "space": space,
    }
    name = sampler.strip()
    if name[: len(SCREENED)].lower().replace("_", "-") != SCREENED:
        return call_named("sampler", name, _TABLE, _ALIASES, given)
    if space is None:
        raise StudyError(f"sampler {name!r} looks at networks: give it the search space, space=")
    kind, settings = parse_named("sampler", name[len(SCREENED) :])
    ours = {key: settings.pop(key) for key in _SCREEN if key in settings}
    its = ", ".join(f"{key}={value!r}" for key, value in settings.items())
    wrapped = call_named("sampler", f"{kind}({its})", _TABLE, _ALIASES, given)
    from optunas.samplers.screened import Screened

    return Screened(wrapped, space, seed=seed, **ours)


_SCREEN = ("proxy", "draws")
"""The settings of the screen; what else stands in brackets is the sampler's."""


def _seeded(make: Callable[..., BaseSampler], seed: int, **settings: Any) -> BaseSampler:
    return Seeded(functools.partial(_quietly, make, settings), seed=seed)


def _quietly(
    make: Callable[..., BaseSampler], settings: Mapping[str, Any], seed: int
) -> BaseSampler:
    """Make it without ExperimentalWarning: the choice of such a setting was ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return make(seed=seed, **settings)


def _random(seed: int) -> BaseSampler:
    return _seeded(samplers.RandomSampler, seed)


def _grid(seed: int, search_space: Grid | None) -> BaseSampler:
    """Every combination once, in random order; the study stops when all are done.

    Without a search space this is Optuna's BruteForceSampler: it learns the values while it runs,
    so it serves conditional spaces too, and spaces far too large to finish, as random draws
    without repetition. With one it is GridSampler, over exactly these values.
    """
    if search_space is None:
        return _seeded(samplers.BruteForceSampler, seed)
    _check_grid(search_space)
    return samplers.GridSampler(search_space, seed=seed)  # its seed orders the grid: one for all


def _tpe(seed: int, *, startup: int, candidates: int = 24) -> BaseSampler:
    """Tree-structured Parzen estimator (Bergstra et al. 2011; Watanabe 2023).

    ``multivariate``: which operation is good depends on the others, so they are modelled together,
    with several objectives too. ``group``: changes nothing in a flat space; elsewhere trials that
    lack parameters (a conditional space, a trial added by hand) don't switch the model off.
    ``constant_liar``: a running trial counts as bad, so that workers don't propose one network.
    """
    return _seeded(
        samplers.TPESampler,
        seed,
        multivariate=True,
        group=True,
        constant_liar=True,
        n_startup_trials=startup,
        n_ei_candidates=candidates,
    )


def _gp(seed: int, *, startup: int) -> BaseSampler:
    """Gaussian process: the fewest trials in a small flat space, and the slowest proposals (0.1 to
    2 s each within the first 60 trials, on two busy cores). It serves several objectives. It learns
    from completed trials only and may propose a pruned network again and again: with a pruner take
    ``screened-gp``."""
    return _seeded(
        samplers.GPSampler, seed, n_startup_trials=startup, warn_independent_sampling=False
    )


def _nsgaii(seed: int, *, population: int = 20) -> BaseSampler:
    """NSGA-II (Deb et al. 2002). The first ``population`` trials are random and Optuna's 50 would
    be a whole small search; uniform crossover suits categorical choices."""
    return _seeded(samplers.NSGAIISampler, seed, population_size=population)


def _nsgaiii(seed: int, *, population: int = 20) -> BaseSampler:
    """NSGA-III (Deb and Jain 2014), for three objectives and more; settings as for nsgaii."""
    return _seeded(samplers.NSGAIIISampler, seed, population_size=population)


def _architecture(seed: int, space: Suggests | Sight | None, *, startup: int) -> BaseSampler:
    from optunas.samplers.architecture import ArchitectureSampler

    return ArchitectureSampler(space, seed=seed, startup=startup)


def _evolution(
    seed: int,
    space: Suggests | Sight | None,
    *,
    startup: int,
    population: int = 30,
    sample: int = 10,
) -> BaseSampler:
    from optunas.samplers.evolution import RegularizedEvolutionSampler

    return RegularizedEvolutionSampler(
        space, seed=seed, population=population, sample=sample, startup=startup
    )


def _genetic(
    seed: int, space: Suggests | Sight | None, *, startup: int, population: int = 20
) -> BaseSampler:
    from optunas.samplers.genetic import GeneticSampler

    return GeneticSampler(space, seed=seed, population=population, startup=startup)


def _local(seed: int, space: Suggests | Sight | None, *, startup: int) -> BaseSampler:
    from optunas.samplers.local import LocalSearchSampler

    return LocalSearchSampler(space, seed=seed, startup=startup)


def _catcma(
    seed: int,
    n_objectives: int,
    space: Suggests | Sight | None,
    *,
    population: int | None = None,
) -> BaseSampler:
    """CMA-ES over categorical, whole and continuous numbers (Hamano et al. 2025).

    Optuna's own CMA-ES draws every categorical parameter at random, and keeps its state as a pickle
    in the study's storage: whoever writes there could run code in all who join. So it has no name.
    """
    if n_objectives > 1:
        raise StudyError(
            f"sampler 'catcma' serves one objective; the study has {n_objectives}: "
            "take 'nsgaii' or 'tpe'"
        )
    from optunas.samplers.catcma import CatCmaSampler

    return CatCmaSampler(space, seed=seed, population=population)


def grid_of(distributions: Mapping[str, BaseDistribution]) -> dict[str, list[Any]]:
    """The values of every parameter, for ``make_sampler("grid", search_space=...)``.

    ``distributions`` are those of one trial of a flat space (``trial.distributions``). Raises
    StudyError for a float without step and for more than a million combinations.
    """
    grid = {name: _values(name, distribution) for name, distribution in distributions.items()}
    _check_grid(grid)
    return grid


def _values(name: str, distribution: BaseDistribution) -> list[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    if isinstance(distribution, IntDistribution):
        return list(range(distribution.low, distribution.high + 1, distribution.step))
    if isinstance(distribution, FloatDistribution) and distribution.step is not None:
        low, high, step = (
            Decimal(str(number))
            for number in (distribution.low, distribution.high, distribution.step)
        )
        return [float(low + i * step) for i in range(int((high - low) / step) + 1)]
    raise StudyError(
        f"a grid needs a finite space; {name!r} is any number in a range: give it a step, "
        "fix it, or take another sampler than grid"
    )


def _check_grid(grid: Grid) -> None:
    size = math.prod(len(values) for values in grid.values())
    if size > GRID_LIMIT:
        raise StudyError(
            f"a grid holds at most {GRID_LIMIT:,} combinations; these are {size:.3g}: narrow the "
            "space, or take 'grid' without a search space, which draws without repetition"
        )


_TABLE: dict[str, Callable[..., BaseSampler]] = {
    "architecture": _architecture,
    "catcma": _catcma,
    "evolution": _evolution,
    "genetic": _genetic,
    "gp": _gp,
    "grid": _grid,
    "local": _local,
    "nsgaii": _nsgaii,
    "nsgaiii": _nsgaiii,
    "random": _random,
    "tpe": _tpe,
}
_ALIASES = {
    "brute-force": "grid",
    "cat-cma": "catcma",
    "cma-es": "catcma",
    "cmaes": "catcma",
    "local-search": "local",
    "nsga-ii": "nsgaii",
    "nsga2": "nsgaii",
    "nsga-iii": "nsgaiii",
    "nsga3": "nsgaiii",
    "rea": "evolution",
    "regularized-evolution": "evolution",
}

SAMPLERS = tuple(_TABLE)
