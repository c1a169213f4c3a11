"""Small steps in a search space: one choice changed, whatever the space is.

Steps are taken over the flat parameters, so they work for every space of `suggest` calls. Where a
changed choice opens others (a conditional space), those are drawn at random.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import exp, log
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from optunas.spaces.draw import Draw, draw, sample
from optunas.spaces.space import Suggests, suggestion

STRIDES = (-0.25, -0.05, 0.05, 0.25)
"""How far a float without steps moves, as shares of its range."""
TRIES = 100


def neighbours(
    space: Suggests, params: Mapping[str, Any], rng: np.random.Generator | None = None
) -> Iterator[Draw]:
    """Every network that is one changed choice away from the one that `params` makes.

    A categorical choice takes each of its other values, a whole number one step down and up, a
    float a few values around. Changes of inactive choices are among them: networks may repeat.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    here = draw(suggestion(space), rng, params)
    for name, value in changes(here.distributions, here.params):
        yield draw(suggestion(space), rng, {**here.params, name: value})


def changes(
    distributions: Mapping[str, BaseDistribution], params: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    """The steps to the neighbours, each a parameter's name and its other value."""
    for name, distribution in distributions.items():
        for value in _around(distribution, params[name]):
            yield name, value


def mutate(
    space: Suggests, params: Mapping[str, Any], rng: np.random.Generator, tries: int = TRIES
) -> Draw:
    """The network of `params` with one choice changed at random (Real et al. 2019).

    Choices that change nothing (those of a stage that is not there) are passed over: the
    description that comes back is another one, unless none was found in `tries`.
    """
    here = draw(suggestion(space), rng, params)
    free = [name for name, d in here.distributions.items() if not d.single()]
    child = here
    for _ in range(tries if free else 0):
        name = free[rng.integers(len(free))]
        value = _another(here.distributions[name], here.params[name], rng)
        child = draw(suggestion(space), rng, {**here.params, name: value})
        if child.architecture != here.architecture:
            break
    return child


def _around(distribution: BaseDistribution, value: Any) -> Iterator[Any]:
    match distribution:
        case CategoricalDistribution(choices=choices):
            near = list(choices)
        case IntDistribution(low=low, high=high, step=step):
            near = [n for n in (value - step, value + step) if low <= n <= high]
        case FloatDistribution(low=low, high=high, step=float() as step):
            near = [x for x in (value - step, value + step) if low - 1e-9 <= x <= high + 1e-9]
        case FloatDistribution(low=low, high=high, log=logarithmic):
            near = [_moved(value, stride, low, high, logarithmic) for stride in STRIDES]
        case _:
            near = []
    yield from (other for other in near if other != value)


def _moved(value: float, stride: float, low: float, high: float, logarithmic: bool) -> float:
    if logarithmic:
        value = exp(log(value) + stride * log(high / low))
    else:
        value += stride * (high - low)
    return min(max(value, low), high)


def _another(distribution: BaseDistribution, value: Any, rng: np.random.Generator) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        others = [choice for choice in distribution.choices if choice != value]
        return others[rng.integers(len(others))]
    for _ in range(TRIES):
        other = sample(distribution, rng)
        if other != value:
            break
    return other
