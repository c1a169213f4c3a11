"""Keeps a study's page in optuna-dashboard up to date while it is searched: its note, its plots.

>>> publisher = Publisher()                                       # doctest: +SKIP
>>> study.optimize(objective, n_trials=100, callbacks=[publisher])
>>> publisher.close(study)

It works in a thread of its own, between 30 s and as long as it takes to keep it below 2 % of the
worker's time. Of several workers one does it at a time. Whatever fails is said once, and costs no
trial.
"""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from optuna import Study
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial

from optunas.report.lease import Lease
from optunas.report.study_note import merged, study_note
from optunas.report.trial_pages import NOTED

SHARE = 0.02
EVERY_SECONDS = 30.0
MOST_BYTES = 150_000
"""of a plot: optuna-dashboard keeps it in pieces of 2 kB, and looks at each for each trial"""

HEIGHT = 430
"""px; optuna-dashboard gives each plot a box of 450"""

PLOTS = ("cost", "operations", "importances", "effects", "agreement", "savings", "timeline")

_log = logging.getLogger("optunas")


class Publisher:
    """An Optuna callback that writes the study's page; `close` writes it for the last time.

    every_s: seconds between two updates, at least. share: of this worker's time, at most.
    """

    def __init__(self, *, every_s: float = EVERY_SECONDS, share: float = SHARE) -> None:
        self._every, self._share = every_s, share
        self._lease = Lease()
        self._due = time.monotonic()
        self._thread: threading.Thread | None = None
        self._written: dict[str, str] = {}
        self._said: set[str] = set()

    def __call__(self, study: Study, trial: FrozenTrial) -> None:
        """After each trial: begin an update where one is due, and don't wait for it."""
        busy = self._thread is not None and self._thread.is_alive()
        if not busy and time.monotonic() >= self._due:
            self._thread = threading.Thread(
                target=self._update, args=(study,), name="publisher", daemon=True
            )
            self._thread.start()

    def close(self, study: Study, *, last: bool = True) -> None:
        """Let others keep the page; before that, where it is `last`, write it as it is now."""
        if self._thread is not None:
            self._thread.join(None if last else 0.0)
        if last:
            self._update(study)
        self._tried("lease", lambda: self._lease.give_back(study))

    def _update(self, study: Study) -> None:
        began = time.monotonic()
        self._due = began + self._every
        if self._tried("lease", lambda: self._lease.take(study, self._every)):
            self._write(study)
            took = time.monotonic() - began
            pause = max(self._every, took / self._share)
            self._tried("lease", lambda: self._lease.take(study, pause))
            self._due = time.monotonic() + pause

    def _write(self, study: Study) -> None:
        trials = self._tried("trials", lambda: study.get_trials(deepcopy=False))
        if trials is None:
            return
        self._tried("note", lambda: self._note(study, trials))
        for name in PLOTS:
            self._tried(name, lambda name=name: self._plot(study, trials, name))  # type: ignore[misc]

    def _note(self, study: Study, trials: Sequence[FrozenTrial]) -> None:
        from optuna_dashboard import get_note, save_note

        note = study_note(study, trials, NOTED)
        if self._written.get("note") != note:
            save_note(study, merged(get_note(study), note))
            self._written["note"] = note

    def _plot(self, study: Study, trials: Sequence[FrozenTrial], name: str) -> None:
        from optuna_dashboard import save_plotly_graph_object

        from optunas import visualization

        plot: Callable[..., Any] = getattr(visualization, f"plot_{name}")
        while True:
            figure = plot(study, trials=trials)
            figure.update_layout(height=HEIGHT, width=None)
            drawn = figure.to_json()
            if len(drawn) <= MOST_BYTES or not trials:
                break
            trials = trials[-len(trials) // 2 :]  # the latest ones
        if self._written.get(name) != drawn:
            save_plotly_graph_object(study, figure, graph_object_id=f"optunas.{name}")
            self._written[name] = drawn

    def _tried(self, what: str, do: Callable[[], Any]) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)
                return do()
        except Exception as error:
            kind = f"{what} {type(error).__name__}"
            if kind not in self._said:
                self._said.add(kind)
                said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
                _log.warning("the study's page is not up to date (%s: %s)", what, said)
            return None
