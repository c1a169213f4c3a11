"""A study's trials as a worker needs to know them between two of its own: each is counted once.

Most of them have ended, and nothing changes in them any more. Who looks through 10,000 before each
trial of its own, to find the hundred that matter, spends a good part of its time on it.
"""

from __future__ import annotations

from collections.abc import Sequence

from optuna.trial import FrozenTrial, TrialState

from optunas.attributes import continues, evaluated
from optunas.worker.vigil import is_left


class Ledger:
    """What was seen of one study. `evaluated` and `running` count its trials, `continued` are the
    numbers of those that another one goes on with; all as of the last `read`."""

    def __init__(self) -> None:
        self.evaluated = 0
        self.running = 0
        self.continued: set[int] = set()
        self._seen = 0  # trials with lower numbers than this
        self._open: list[int] = []  # those of them that have not ended, or not for good

    def read(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """Those of a study's trials, all of them by number, that are not over: they run, wait, or
        have ended so that somebody has to go on with them and nobody does yet."""
        new = trials[self._seen :]
        self.continued.update(number for trial in new for number in continues(trial))
        unsettled = []
        for trial in [*(trials[number] for number in self._open), *new]:
            if is_left(trial):
                if trial.number not in self.continued:
                    unsettled.append(trial)
            elif trial.state.is_finished():
                self.evaluated += len(evaluated([trial]))
            else:
                unsettled.append(trial)
        self._seen, self._open = len(trials), [trial.number for trial in unsettled]
        self.running = sum(trial.state is TrialState.RUNNING for trial in unsettled)
        return unsettled
