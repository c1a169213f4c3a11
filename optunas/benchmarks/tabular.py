"""`TabularBenchmark`: an objective that looks a network up in a table instead of training it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

from optuna import TrialPruned
from optuna.trial import Trial

from optunas.attributes import Outcome
from optunas.benchmarks.columns import key_of, keys_of, space_of
from optunas.benchmarks.files import all_numbers, numbers, read_csv
from optunas.benchmarks.result import Report, Result, Values, lived
from optunas.benchmarks.table import Table, tabulated
from optunas.errors import OptunasError
from optunas.spaces.space import Suggests, suggestion

BETTER = {"maximize": max, "minimize": min}


@dataclass(frozen=True)
class TabularBenchmark:
    """`study.optimize(benchmark, n_trials=100)` in seconds: results come from a table.

    * `space` suggests a network; `key` makes of a trial's parameters what the table calls it;
    * `metric`: the column to optimise, `direction` which way; several make several objectives;
    * `curve`: step -> column of the values that are reported on the way there, to be pruned by;
      `step`: the one at which the metric itself is reported. One objective only, as in Optuna;
    * `seconds`: what a trial takes for `simulate`: a number, or a column.

    A trial whose network the table lacks ends as one that is over its limits does: it is pruned
    without a value, with the outcome "rejected" and the reason in its user attributes, and takes
    no time. Samplers of Optuna count it as bad; the space stays flat, which most of them need.

    Raises `OptunasError` for columns that aren't there and directions that are none.
    """

    space: Suggests
    table: Table
    key: Callable[[Mapping[str, Any]], Hashable]
    metric: str | Sequence[str]
    direction: str | Sequence[str] = "maximize"
    curve: Mapping[int, str] = field(default_factory=dict)
    step: int | None = None
    seconds: float | str = 1.0

    def __post_init__(self) -> None:
        if len(self.metrics) != len(self.directions) or not self.metrics:
            raise OptunasError(
                f"each metric has a direction; got {self.metrics} and {self.directions}"
            )
        wrong = [way for way in self.directions if way not in BETTER]
        if wrong:
            raise OptunasError(f"a direction is 'maximize' or 'minimize'; got {wrong[0]!r}")
        if self.curve and len(self.metrics) > 1:
            raise OptunasError("Optuna knows no reports with several objectives: leave curve out")
        for column in (*self.metrics, *self.curve.values()):
            self.table.place(column)
        if isinstance(self.seconds, str):
            self.table.place(self.seconds)
        elif not 0 <= self.seconds < inf:
            raise OptunasError(f"a trial takes 0 seconds or more; got seconds={self.seconds!r}")
        late = [step for step in self.curve if self.step is not None and step >= self.step]
        if late or any(step < 0 for step in self.curve):
            raise OptunasError(
                f"the steps of a curve lie between 0 and step={self.step}; got {sorted(self.curve)}"
            )

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        *,
        metric: str | Sequence[str],
        params: Sequence[str] | None = None,
        direction: str | Sequence[str] = "maximize",
        space: Suggests | None = None,
        curve: Mapping[int, str] | None = None,
        step: int | None = None,
        seconds: float | str = 1.0,
    ) -> TabularBenchmark:
        """A table of your own: a CSV file (or .csv.gz, .csv.xz, .csv.bz2) with a header line.

        `params` are the columns whose values a trial chooses; their choices are read off the table
        (see `ColumnSpace`). Without `params` every other column than those named is one, which is
        accepted where the table then holds each combination exactly once.

        Or they come from a `space` of yours that suggests parameters of these names, `params` being
        those of one draw if it is not given. An empty cell is a parameter that a conditional space
        leaves out.

        Raises `OptunasError` for what a table must not have: no row, no such column, a parameter
        or a metric that is missing in a row, two rows of one network that differ.
        """
        columns = read_csv(path)
        used = [*names_of(metric), *(curve or {}).values()]
        used += [seconds] if isinstance(seconds, str) else []
        for name in used:
            numbers(columns, name)
        own = space is not None
        space, names = space_of(columns, used, params, space)
        results = {n: found for n, found in all_numbers(columns).items() if n not in names}
        table = tabulated(keys_of(columns, names, holes=own), results, used)
        key = partial(key_of, names)
        return cls(space, table, key, metric, direction, curve or {}, step, seconds)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The columns to optimise."""
        return names_of(self.metric)

    @property
    def directions(self) -> list[str]:
        """`optuna.create_study(directions=benchmark.directions)`."""
        return list(names_of(self.direction))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every number that is known of a network."""
        return self.table.columns

    def row(self, params: Mapping[str, Any]) -> dict[str, float]:
        """Every number of the network with these parameters.

        Raises `OptunasError` where the table lacks it.
        """
        number = self.table.rows.get(self.key(params))
        if number is None:
            raise OptunasError(self._missing(params))
        return dict(zip(self.table.columns, self.table.numbers[number].tolist(), strict=True))

    def best(self, column: str | None = None) -> float:
        """The best value in the whole table, of the (first) metric or of another column that is to
        be judged the same way."""
        values = self.table.column(column or self.metrics[0])
        return float(BETTER[self.directions[0]](values))

    def look_up(self, trial: Trial) -> Result:
        """Let the trial choose a network, and find its row."""
        try:
            suggestion(self.space)(trial)
        except TrialPruned as error:  # a person's own space may refuse its own draws
            return Result((), 0.0, end=Outcome.REJECTED, reason=f"the space refused it: {error}")
        params = trial.params
        if self.key(params) not in self.table.rows:
            return Result((), 0.0, end=Outcome.REJECTED, reason=self._missing(params))
        row = self.row(params)
        seconds = row[self.seconds] if isinstance(self.seconds, str) else self.seconds
        values = tuple(row[name] for name in self.metrics)
        return Result(values, seconds, self._curve(row, seconds), self.step)

    def __call__(self, trial: Trial) -> Values:
        """Evaluate at once: the value, or one for each metric."""
        return lived(self.look_up(trial), trial)

    def _curve(self, row: Mapping[str, float], seconds: float) -> tuple[Report, ...]:
        """Reports are spread in proportion to their steps."""
        last = self.step or max(self.curve, default=0) + 1
        return tuple(
            Report(step, row[column], seconds * step / last)
            for step, column in sorted(self.curve.items())
        )

    def _missing(self, params: Mapping[str, Any]) -> str:
        return f"the table has no row for {self.key(params)!r:.300}"


def names_of(one_or_several: str | Sequence[str]) -> tuple[str, ...]:
    """All of them."""
    return (one_or_several,) if isinstance(one_or_several, str) else tuple(one_or_several)
