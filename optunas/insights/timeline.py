"""Who ran what, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from optunas.attributes import outcomes
from optunas.insights.reading import trials_of
from optunas.process import signature

UNSIGNED = "unknown"
RUNNING = "running"
HOST_LENGTH = 64


@dataclass(frozen=True)
class Span:
    """A trial on its worker. `worker`: `host:pid`, or `unknown` where the trial was not signed.

    `end` is None while it runs; `outcome` is an `attributes.Outcome` as text, or `running`.
    Times are naive and local to the machine that wrote them, as Optuna keeps them.
    """

    worker: str
    trial: int
    start: datetime
    end: datetime | None
    outcome: str

    @property
    def seconds(self) -> float | None:
        """How long it held its worker; None while it runs."""
        return None if self.end is None else max(0.0, (self.end - self.start).total_seconds())


def timeline(study: Study, trials: Sequence[FrozenTrial] | None = None) -> tuple[Span, ...]:
    """Every trial that was started, the earliest first."""
    trials = trials_of(study, trials)
    ends = outcomes(trials)
    spans = [
        Span(
            worker_of(trial),
            trial.number,
            trial.datetime_start,
            None if trial.state is TrialState.RUNNING else trial.datetime_complete,
            ends[trial.number].value if trial.number in ends else RUNNING,
        )
        for trial in trials
        if trial.datetime_start is not None and trial.state is not TrialState.WAITING
    ]
    return tuple(sorted(spans, key=lambda span: (span.start, span.trial)))


def worker_of(trial: FrozenTrial) -> str:
    """`host:pid` of who ran the trial."""
    signed = signature(trial)
    if signed is None:
        return UNSIGNED
    host = str(signed.get("host", ""))[:HOST_LENGTH]
    pid = signed.get("pid")
    if not host or not isinstance(pid, int):
        return UNSIGNED
    return "".join(c if c.isprintable() else " " for c in f"{host}:{pid}")
