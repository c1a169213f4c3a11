"""A flat search space as CatCMA with margin sees it: continuous, integer and categorical variables.

| distribution | variable |
|---|---|
| categorical | categorical |
| whole numbers and floats with a step, of two values | categorical, as `cmaes` recommends |
| of more values | integer: one of a row of positions, the logarithms where it is logarithmic |
| of more than `MOST` values, and floats without a step | continuous, rounded if there are steps |
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from cmaes import CatCMAwM
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

MOST = 1000

Number = int | float


class MixedSpace:
    """Translates parameters into CatCMA's variables and back; single values are left out."""

    def __init__(self, distributions: Mapping[str, BaseDistribution]) -> None:
        self.distributions = {n: d for n, d in sorted(distributions.items()) if not d.single()}
        self._ranges: dict[str, _Range] = {}
        self._rows: dict[str, _Row] = {}
        self._choices: dict[str, Sequence[Any]] = {}
        for name, distribution in self.distributions.items():
            self._add(name, distribution)

    def _add(self, name: str, distribution: BaseDistribution) -> None:
        if isinstance(distribution, CategoricalDistribution):
            self._choices[name] = distribution.choices
            return
        assert isinstance(distribution, IntDistribution | FloatDistribution)
        values = _values(distribution)
        if values is None:
            self._ranges[name] = _Range(distribution)
        elif len(values) == 2:
            self._choices[name] = values
        else:
            self._rows[name] = _Row.of(values, distribution.log)

    @property
    def numeric(self) -> bool:
        """Whether there is anything to model with a Gaussian."""
        return bool(self._ranges or self._rows)

    def optimizer(self, population: int | None) -> CatCMAwM:
        """A fresh optimizer; a population of None is the one of the paper."""
        return CatCMAwM(
            x_space=[span.bounds for span in self._ranges.values()] or None,
            z_space=[row.positions for row in self._rows.values()] or None,
            c_space=[len(choices) for choices in self._choices.values()] or None,
            population_size=population,
        )

    def decoded(self, solution: CatCMAwM.Solution) -> dict[str, Any]:
        """The parameters that a solution stands for."""
        params: dict[str, Any] = {}
        for (name, span), x in zip(self._ranges.items(), _or_none(solution.x), strict=True):
            params[name] = span.value(float(x))
        for (name, row), z in zip(self._rows.items(), _or_none(solution.z), strict=True):
            params[name] = row.value(float(z))
        for (name, choices), c in zip(self._choices.items(), _or_none(solution.c), strict=True):
            params[name] = choices[int(np.argmax(c))]
        return {name: params[name] for name in self.distributions}

    def encoded(self, params: Mapping[str, Any]) -> CatCMAwM.Solution:
        """The solution that stands for some parameters, in the middle of what they may have been.

        What lies outside of the space is moved to its border.
        """
        x = np.array([span.position(params[name]) for name, span in self._ranges.items()])
        z = np.array([row.position(params[name]) for name, row in self._rows.items()])
        return CatCMAwM.Solution(
            x if self._ranges else None,
            z if self._rows else None,
            self._one_hot(params) if self._choices else None,
            np.concatenate([x, z]) if self.numeric else None,
        )

    def _one_hot(self, params: Mapping[str, Any]) -> NDArray[np.bool_]:
        width = max(map(len, self._choices.values()))
        c = np.zeros((len(self._choices), width), dtype=bool)
        for i, name in enumerate(self._choices):
            c[i, _index(self._choices[name], params[name], self.distributions[name])] = True
        return c


@dataclass(frozen=True)
class _Range:
    """A continuous variable."""

    distribution: IntDistribution | FloatDistribution

    @property
    def bounds(self) -> list[float]:
        """With as much room for the first and the last value as for the others."""
        half = (self.distribution.step or 0.0) / 2
        return [
            self._on_scale(self.distribution.low - half),
            self._on_scale(self.distribution.high + half),
        ]

    def position(self, value: float) -> float:
        return self._on_scale(self._within(value))

    def value(self, position: float) -> Number:
        number = math.exp(position) if self.distribution.log else position
        low, step = self.distribution.low, self.distribution.step
        if step is not None:
            number = low + step * round((number - low) / step)
        number = self._within(number)
        return int(number) if isinstance(self.distribution, IntDistribution) else float(number)

    def _on_scale(self, value: float) -> float:
        return math.log(value) if self.distribution.log else float(value)

    def _within(self, value: float) -> float:
        return min(max(value, self.distribution.low), self.distribution.high)


@dataclass(frozen=True)
class _Row:
    """An integer variable: its values, and where each stands."""

    values: Sequence[Number]
    positions: Sequence[float]

    @classmethod
    def of(cls, values: Sequence[Number], logarithmic: bool) -> _Row:
        return cls(values, [math.log(v) if logarithmic else float(v) for v in values])

    def value(self, position: float) -> Number:
        return self.values[int(np.abs(np.array(self.positions) - position).argmin())]

    def position(self, value: float) -> float:
        return self.positions[int(np.abs(np.array(self.values) - value).argmin())]


def _values(distribution: IntDistribution | FloatDistribution) -> list[Number] | None:
    """Every value, where there are not too many to name."""
    low, high, step = distribution.low, distribution.high, distribution.step
    if step is None or (high - low) / step >= MOST:
        return None
    steps = round((high - low) / step)
    return [min(low + i * step, high) for i in range(steps + 1)]


def _index(choices: Sequence[Any], value: Any, distribution: BaseDistribution) -> int:
    if isinstance(distribution, CategoricalDistribution):
        return int(distribution.to_internal_repr(value))
    return int(np.abs(np.array(choices) - value).argmin())


def _or_none(array: NDArray[Any] | None) -> Sequence[Any]:
    return () if array is None else list(array)
