"""A trial without a study: draws a space's choices at random, or takes them from given values.

Everything that looks at a space from outside (limits that nothing meets, screening, neighbours)
asks it through such a trial: no storage is touched, and a draw costs microseconds.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial

from optunas.errors import OptunasError


@dataclass(frozen=True)
class Draw:
    """One draw: the values, what each was drawn from, and what `suggest` made of them.

    That is an architecture where a space was asked; other functions of a trial give what they give.
    """

    params: dict[str, Any]
    distributions: dict[str, BaseDistribution]
    architecture: Any


def draw(
    suggest: Callable[[BaseTrial], Any],
    rng: np.random.Generator,
    given: Mapping[str, Any] | None = None,
) -> Draw:
    """Ask `suggest` (a space's method, or any function of a trial) with random choices.

    A choice named in `given` takes that value where its distribution holds it.
    """
    trial = DrawnTrial(rng, given or {})
    architecture = suggest(trial)
    return Draw(trial.params, trial.distributions, architecture)


class DrawnTrial(BaseTrial):
    """A trial whose values come from `given`, else from `rng`, uniformly over each distribution."""

    def __init__(self, rng: np.random.Generator, given: Mapping[str, Any]) -> None:
        self._rng = rng
        self._given = given
        self._params: dict[str, Any] = {}
        self._distributions: dict[str, BaseDistribution] = {}
        self._attrs: dict[str, Any] = {}

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Draw a float as Optuna's trial would."""
        return float(self._take(name, FloatDistribution(low, high, log=log, step=step)))

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Draw an integer as Optuna's trial would."""
        return int(self._take(name, IntDistribution(low, high, log=log, step=step)))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Draw a choice as Optuna's trial would."""
        return self._take(name, categorical(choices))

    def _take(self, name: str, distribution: BaseDistribution) -> Any:
        if name in self._params:
            return self._params[name]
        value = MISSING
        if name in self._given:
            value = held(distribution, self._given[name])
        if value is MISSING:
            value = sample(distribution, self._rng)
        self._distributions[name] = distribution
        self._params[name] = value
        return value

    def report(self, value: float, step: int) -> None:
        """Nothing is reported: there is no study."""

    def should_prune(self) -> bool:
        """Never: there is no study."""
        return False

    def set_user_attr(self, key: str, value: Any) -> None:
        self._attrs[key] = value

    def set_constraint(self, key: str, value: float) -> None:
        """Nothing is constrained: there is no study."""

    @property
    def params(self) -> dict[str, Any]:
        return self._params

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        return self._distributions

    @property
    def user_attrs(self) -> dict[str, Any]:
        return self._attrs

    @property
    def datetime_start(self) -> datetime.datetime | None:
        return None

    @property
    def number(self) -> int:
        return 0

    def _deprecated(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise OptunasError(
            "a search space uses suggest_float, suggest_int and suggest_categorical; it called "
            "suggest_uniform, suggest_loguniform or suggest_discrete_uniform, which Optuna drops "
            "in 6.0: write suggest_float(name, low, high, log=..., step=...)"
        )

    suggest_uniform = suggest_loguniform = suggest_discrete_uniform = _deprecated


MISSING = object()


def categorical(choices: Sequence[Any]) -> CategoricalDistribution:
    """The distribution over these choices, made once: a proposal draws tens of thousands."""
    try:
        return _categorical(*choices)
    except TypeError:  # a list can't be remembered
        return CategoricalDistribution(choices)


@lru_cache(maxsize=4096, typed=True)  # 1, 1.0 and True are equal and not the same choice
def _categorical(*choices: Any) -> CategoricalDistribution:
    return CategoricalDistribution(choices)


def held(distribution: BaseDistribution, value: Any) -> Any:
    """`value` as the distribution would give it, or `MISSING` where it does not hold it."""
    try:
        number = distribution.to_internal_repr(value)
    except (TypeError, ValueError):
        return MISSING
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[int(number)]  # it has an internal form, so it is a choice
    match distribution:
        case IntDistribution(low=low, high=high, step=step):
            within = low <= number <= high and (number - low) % step == 0
        case FloatDistribution(low=low, high=high, step=step):
            steps = 0.0 if step is None else (number - low) / step
            within = low <= number <= high and abs(steps - round(steps)) < 1e-8
        case _:
            within = True
    return distribution.to_external_repr(number) if within else MISSING


def sample(distribution: BaseDistribution, rng: np.random.Generator) -> Any:
    """One value of a distribution, as Optuna's `RandomSampler` draws it.

    Uniform, in the logarithm where it is logarithmic; whole numbers are rounded.
    """
    match distribution:
        case CategoricalDistribution(choices=choices):
            return choices[rng.integers(len(choices))]
        case IntDistribution(log=True, low=low, high=high):
            value = np.exp(rng.uniform(np.log(low - 0.5), np.log(high + 0.5)))
            return int(np.clip(np.round(value), low, high))
        case IntDistribution(low=low, high=high, step=step):
            return int(low + step * rng.integers((high - low) // step + 1))
        case FloatDistribution(log=True, low=low, high=high):
            return float(np.clip(np.exp(rng.uniform(np.log(low), np.log(high))), low, high))
        case FloatDistribution(step=float() as step, low=low, high=high):
            steps = round((high - low) / step)
            return float(min(high, low + step * rng.integers(steps + 1)))
        case FloatDistribution(low=low, high=high):
            return float(rng.uniform(low, high))
    raise OptunasError(f"unknown distribution {distribution!r}")
