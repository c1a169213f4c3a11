"""What reality adds to a table: noise, costs and failures. Each wraps a benchmark and is one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from optuna.trial import Trial

from optunas._named import unknown
from optunas.attributes import Outcome
from optunas.benchmarks.result import Benchmark, Result, Values, lived
from optunas.errors import OptunasError
from optunas.spaces.space import Suggests

Seconds = float | str | Callable[[Mapping[str, Any]], float]
"""A number, a benchmark's column, or a function of a trial's parameters."""


@dataclass(frozen=True)
class Wrapped(ABC):
    """A benchmark around another one."""

    benchmark: Benchmark

    @abstractmethod
    def changed(self, result: Result, trial: Trial) -> Result:
        """The result as this wrapper gives it; never called for networks that do not exist."""

    @property
    def space(self) -> Suggests:
        return self.benchmark.space

    @property
    def directions(self) -> list[str]:
        return self.benchmark.directions

    @property
    def columns(self) -> tuple[str, ...]:
        return self.benchmark.columns

    def row(self, params: Mapping[str, Any]) -> dict[str, float]:
        """What the table says, unchanged."""
        return self.benchmark.row(params)

    def look_up(self, trial: Trial) -> Result:
        result = self.benchmark.look_up(trial)
        return result if result.end is Outcome.REJECTED else self.changed(result, trial)

    def __call__(self, trial: Trial) -> Values:
        """Evaluate at once."""
        return lived(self.look_up(trial), trial)


@dataclass(frozen=True)
class Noisy(Wrapped):
    """Gaussian noise on the value and on each report.

    `std`: its standard deviation, in the metric's unit; a number, or one for each objective. The
    noise follows from `seed` and the trial's number: a network that is tried again gets another.
    """

    std: float | tuple[float, ...]
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self._stds) not in (1, len(self.directions)) or not all(s >= 0 for s in self._stds):
            raise OptunasError(
                f"std is 0 or more, one number or one for each objective; got {self.std!r}"
            )

    def changed(self, result: Result, trial: Trial) -> Result:
        rng = np.random.default_rng((self.seed, trial.number, _NOISE))
        noise = np.array(self._stds) * rng.standard_normal(len(self.directions))
        values = tuple((np.array(result.values) + noise).tolist()) if result.values else ()
        curve = tuple(
            replace(report, value=float(report.value + self._stds[0] * rng.standard_normal()))
            for report in result.curve
        )
        return replace(result, values=values, curve=curve)

    @property
    def _stds(self) -> tuple[float, ...]:
        return (self.std,) if isinstance(self.std, int | float) else tuple(self.std)


@dataclass(frozen=True)
class Costly(Wrapped):
    """What a trial takes in virtual time; `simulate` waits for it.

    `seconds`: a number, a column of the table, or a function of the trial's parameters. Reports
    come as early within the new time as they did within the old one.
    """

    seconds: Seconds

    def __post_init__(self) -> None:
        if isinstance(self.seconds, str) and self.seconds not in self.columns:
            raise OptunasError(unknown("column", self.seconds, sorted(self.columns)))
        if isinstance(self.seconds, int | float):
            priced(self.seconds, {}, {})

    def changed(self, result: Result, trial: Trial) -> Result:
        params = trial.params
        row = self.row(params) if isinstance(self.seconds, str) else {}
        seconds = priced(self.seconds, params, row)
        share = seconds / result.seconds if result.seconds else 0.0
        curve = tuple(replace(report, seconds=report.seconds * share) for report in result.curve)
        return replace(result, seconds=seconds, curve=curve)


@dataclass(frozen=True)
class Failing(Wrapped):
    """A share of the trials fails, each somewhere on its way.

    Which ones, and when, follows from `seed` and the trial's number.
    """

    share: float
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise OptunasError(f"a share of trials is 0 to 1; got {self.share!r}")

    def changed(self, result: Result, trial: Trial) -> Result:
        fate, when = np.random.default_rng((self.seed, trial.number, _FAILURE)).random(2)
        if fate >= self.share:
            return result
        seconds = float(when * result.seconds)
        curve = tuple(report for report in result.curve if report.seconds < seconds)
        reason = f"a simulated failure, one in {self.share:.0%} of the trials"
        return Result((), seconds, curve, end=Outcome.FAILED, reason=reason)


def priced(seconds: Seconds, params: Mapping[str, Any], row: Mapping[str, float]) -> float:
    """What a trial takes; raises `OptunasError` where that is no number of seconds."""
    if isinstance(seconds, str):
        taken = row[seconds]
    else:
        taken = seconds(params) if callable(seconds) else seconds
    if not 0 <= taken < float("inf"):
        raise OptunasError(f"a trial takes 0 seconds or more; got {taken!r} for {params!r:.200}")
    return float(taken)


_NOISE, _FAILURE = 1, 2
"""So that noise and failures of one seed have nothing in common."""
