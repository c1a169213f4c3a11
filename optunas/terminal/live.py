"""The search as it runs: a live panel on a terminal, a line a trial everywhere else."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from optuna import Study
from optuna.trial import FrozenTrial, Trial
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from optunas.attributes import Outcome, number, outcome, text
from optunas.tally import Tally, best_trials
from optunas.wording import count, percent
from optunas.worker import Plan

if TYPE_CHECKING:
    from optunas.training import Epoch


@contextmanager
def watching(console: Console, study: Study, plan: Plan) -> Iterator[Watcher]:
    """Show the search on `console` while the context is open."""
    watcher = Watcher(console, study, plan)
    if not console.is_terminal:
        yield watcher
        return
    with Live(get_renderable=watcher.panel, console=console, refresh_per_second=4, transient=True):
        watcher.live = True
        yield watcher


class Watcher:
    """Told by the worker and the objective; tells the person."""

    def __init__(self, console: Console, study: Study, plan: Plan) -> None:
        self.console, self.plan, self.live = console, plan, False
        self._started = time.monotonic()
        self._now = ""
        self._refresh(study)
        self._finished_at_start = self._tally.finished

    def _refresh(self, study: Study) -> None:
        trials = study.get_trials(deepcopy=False)
        self._tally = Tally.of(trials)
        self._best = next(iter(best_trials(study, trials)), None)

    def began(self, trial: Trial) -> None:
        """A trial has begun."""
        self._now = f"trial {trial.number}"

    def epoch(self, trial: int, epoch: Epoch) -> None:
        """The running trial has finished an epoch."""
        self._now = (
            f"trial {trial}, epoch {epoch.number} of {epoch.of}, accuracy {percent(epoch.accuracy)}"
        )

    def running(self, trials: Sequence[FrozenTrial]) -> None:
        """These trials run now, by whichever workers."""
        self._now = "; ".join(map(_progress, trials))

    def ended(self, study: Study, trial: FrozenTrial) -> None:
        """A trial has ended."""
        self._now = ""
        self._refresh(study)
        if not self.live:
            self.console.print(Text(self._line(trial)), soft_wrap=True)
        elif outcome(trial) is Outcome.FAILED:
            self.note(f"trial {trial.number} failed: {text(trial, 'reason')}")

    def note(self, line: str) -> None:
        """Something happened that a person wants to know."""
        self.console.print(Text(line), soft_wrap=True)

    def panel(self) -> RenderableType:
        """The live panel: progress, counts, the best so far, the current trial."""
        rows = Table.grid(padding=(0, 2))
        rows.add_row("trials", Text(str(self._tally)))
        if self._best is not None:
            rows.add_row("best", Text(_said(self._best), style="green"))
        if self._now:
            rows.add_row("now", Text(self._now))
        return Group(self._bar(), rows)

    def _bar(self) -> RenderableType:
        line = Table.grid(padding=(0, 2))
        total, done = self.plan.trials, self._tally.finished
        bar = ProgressBar(total=total, completed=done, width=40, pulse=total is None)
        line.add_row(bar, Text(f"{done} of {total}" if total else str(done)), Text(self._time()))
        return line

    def _time(self) -> str:
        passed = time.monotonic() - self._started
        left = self._seconds_left(passed)
        return f"{_clock(passed)} passed" + (f", about {_clock(left)} left" if left else "")

    def _seconds_left(self, passed: float) -> float | None:
        done = self._tally.finished - self._finished_at_start
        ends = [] if self.plan.hours is None else [self.plan.hours * 3600 - passed]
        if self.plan.trials is not None and done > 0:
            ends.append((self.plan.trials - self._tally.finished) * passed / done)
        return max(0.0, min(ends)) if ends else None

    def _line(self, trial: FrozenTrial) -> str:
        end = outcome(trial)
        what = _said(trial) if end in (Outcome.TRAINED, Outcome.REUSED) else f"trial {trial.number}"
        why = text(trial, "reason")
        return f"{_clock(time.monotonic() - self._started)}  {what}  {end}" + (
            f" ({why})" if why else ""
        )


def _said(trial: FrozenTrial) -> str:
    parts = [f"trial {trial.number}"]
    accuracy = number(trial, "accuracy")
    if accuracy is not None:
        parts.append(f"accuracy {percent(accuracy)}")
    elif trial.values:
        parts.append(f"value {', '.join(f'{value:.4g}' for value in trial.values)}")
    for name, unit in (("params", "parameters"), ("macs", "MACs")):
        cost = number(trial, name)
        if cost is not None:
            parts.append(f"{count(cost)} {unit}")
    return ", ".join(parts)


def _progress(trial: FrozenTrial) -> str:
    """`trial 12, epoch 3`, as far as the storage knows."""
    epoch = trial.last_step
    return f"trial {trial.number}" + (f", epoch {epoch}" if epoch is not None else "")


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
