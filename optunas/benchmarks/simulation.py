"""`Simulation`: what a simulated search did, in virtual seconds and in evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import nan
from typing import Any

from optuna.trial import TrialState

from optunas.errors import OptunasError


@dataclass(frozen=True)
class Done:
    """A trial that ended, with its virtual start and end in seconds since the simulation began.

    `values` are those that the study was told; `rejected` says that the network does not exist.
    `proposal_s` is real time: what the sampler took on this machine to propose the network.
    """

    number: int
    worker: int
    start: float
    end: float
    state: TrialState
    values: tuple[float, ...]
    params: Mapping[str, Any]
    proposal_s: float
    rejected: bool = False


@dataclass(frozen=True)
class Simulation:
    """A simulated search: its trials in the order in which they ended.

    An evaluation is a trial that was completed, pruned or failed; a rejected one is none. What is
    best is for one objective, judged by the values told (with their noise): for the true ones,
    look the incumbents' parameters up in the benchmark.
    """

    trials: tuple[Done, ...]
    directions: tuple[str, ...]

    @property
    def evaluations(self) -> tuple[Done, ...]:
        """The trials that took an evaluation."""
        return tuple(trial for trial in self.trials if not trial.rejected)

    @property
    def seconds(self) -> float:
        """When the last trial ended."""
        return max((trial.end for trial in self.trials), default=0.0)

    @cached_property
    def incumbents(self) -> tuple[Done | None, ...]:
        """The best completed trial after 1, 2, ... evaluations; None before there is one."""
        best: Done | None = None
        incumbents = []
        for trial in self.evaluations:
            complete = trial.state is TrialState.COMPLETE
            if complete and (best is None or self._sign * (trial.values[0] - best.values[0]) > 0):
                best = trial
            incumbents.append(best)
        return tuple(incumbents)

    @property
    def best_by_evaluation(self) -> list[float]:
        """The best value after 1, 2, ... evaluations; NaN before there is one."""
        return [nan if best is None else best.values[0] for best in self.incumbents]

    @property
    def best_by_time(self) -> list[tuple[float, float]]:
        """(second, value): when a new best value was known, and which."""
        found = {best.number: best for best in self.incumbents if best is not None}
        return [(best.end, best.values[0]) for best in found.values()]

    def evaluations_to(self, value: float) -> int | None:
        """How many evaluations it took to be as good as `value`; None where nothing was."""
        values = enumerate(self.best_by_evaluation, start=1)
        return next((n for n, best in values if self._sign * (best - value) >= 0), None)

    @property
    def _sign(self) -> int:
        if len(self.directions) != 1:
            raise OptunasError(
                f"what is best so far is for one objective; this study has {len(self.directions)}: "
                "take the values of `trials`"
            )
        return 1 if self.directions[0] == "maximize" else -1
