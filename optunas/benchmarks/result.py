"""What a benchmark knows of one network, and how a trial lives through it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from math import nan
from typing import Any, Protocol, runtime_checkable

from optuna import TrialPruned
from optuna.trial import Trial

from optunas.attributes import Outcome, conclude
from optunas.spaces.space import Suggests

Values = float | tuple[float, ...]


@dataclass(frozen=True)
class Report:
    """A value on the way: reported at this step, so many seconds after the trial began."""

    step: int
    value: float
    seconds: float


@dataclass(frozen=True)
class Result:
    """What an evaluation gives, before any trial is told of it.

    * `values`: one for each objective; none where the evaluation ends without;
    * `seconds`: what the evaluation takes;
    * `curve`: what is reported on the way; `step`: the one at which the value itself is reported;
    * `end`: trained, rejected (it costs nothing) or failed; `reason`: why.
    """

    values: tuple[float, ...]
    seconds: float
    curve: tuple[Report, ...] = ()
    step: int | None = None
    end: Outcome = Outcome.TRAINED
    reason: str = ""


@runtime_checkable
class Benchmark(Protocol):
    """An objective that knows its results in advance. Wrappers change them, `simulate` plays them.

    `space` suggests the networks, `directions` are those of the study; `row` gives every number
    that is known of the network with these parameters, `columns` what these are called.
    """

    @property
    def space(self) -> Suggests: ...

    @property
    def directions(self) -> list[str]: ...

    @property
    def columns(self) -> tuple[str, ...]: ...

    def row(self, params: Mapping[str, Any]) -> dict[str, float]: ...

    def look_up(self, trial: Trial) -> Result:
        """Let the trial choose a network, and find its result."""
        ...

    def __call__(self, trial: Trial) -> Values:
        """Evaluate at once, as `study.optimize` asks for it."""
        ...


Life = Generator[float, None, tuple[float, ...]]
"""Gives the seconds, from a trial's start, at which something happens next; in the end its values.

NaN says that the trial failed; raises `TrialPruned` as an objective does.
"""


def life(result: Result, trial: Trial) -> Life:
    """The trial reports what is known on the way, is pruned where its pruner says so, and ends."""
    for report in result.curve:
        yield report.seconds
        trial.report(report.value, report.step)
        if trial.should_prune():
            said = f"pruned after step {report.step}"
            conclude(trial, Outcome.PRUNED, said)
            raise TrialPruned(said)
    yield result.seconds
    conclude(trial, result.end, result.reason)
    if result.end is Outcome.REJECTED:
        raise TrialPruned(result.reason)
    if result.end is Outcome.TRAINED and result.step is not None:
        trial.report(result.values[0], result.step)
    return result.values or (nan,) * len(trial.study.directions)


def lived(result: Result, trial: Trial) -> Values:
    """A whole life at once."""
    moments = life(result, trial)
    while True:
        try:
            next(moments)
        except StopIteration as end:
            values: tuple[float, ...] = end.value
            return values if len(values) > 1 else values[0]
