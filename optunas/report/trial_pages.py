"""Puts what there is to see of each trial where optuna-dashboard shows it: pictures and a note.

Nothing of this may cost a trial: what fails is said once, and tried again some time later.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from optuna import Study
from optuna.trial import FrozenTrial, Trial

from optunas.artifacts import ArtifactStore, Where, masked
from optunas.report.note import trial_note
from optunas.report.pictures import pictures, present, upload
from optunas.report.places import pictures_of

if TYPE_CHECKING:
    from optunas.training.results import Answers

NOTED = 200
"""The trials of a study that have a note whatever comes of them; of later ones only those that were
among the best. optuna-dashboard looks through all notes for each trial that it shows: at 5,000
trials these 200 cost its first page 2 s, 5,000 would cost it minutes."""
PAUSE_SECONDS = 60.0
T = TypeVar("T")

_log = logging.getLogger("optunas")


class TrialPages:
    """What an objective shows of its trials.

    artifacts: the store that all workers share. folder: on this machine, where they share none.
    classes: their names.
    """

    def __init__(
        self, artifacts: Where | None, folder: Path | None, classes: Sequence[str] = ()
    ) -> None:
        self._artifacts, self._folder, self._classes = artifacts, folder, classes
        self._said: set[str] = set()
        self._rests_until = 0.0
        self._store: tuple[str, ArtifactStore | None] | None = None  # of the study of this name

    def show(self, trial: Trial, answers: Answers | None = None) -> None:
        """Show a trial that is about to end, and what it answers, where that is known."""
        if time.monotonic() < self._rests_until:
            return
        whole = self._tried(lambda: _frozen(trial))
        if whole is None:
            return
        self._tried(lambda: self._picture(trial, whole, answers))
        if trial.number < NOTED or answers is not None:
            self._tried(lambda: self._note(trial, whole, answers))

    def _picture(self, trial: Trial, whole: FrozenTrial, answers: Answers | None) -> None:
        store = self._store_for(trial.study)
        if store is None:
            return
        there = present(trial)
        for picture in pictures(whole, self._classes, answers):
            if picture.name not in there:
                upload(store, trial, picture)

    def _note(self, trial: Trial, whole: FrozenTrial, answers: Answers | None) -> None:
        from optuna_dashboard import get_note, save_note  # a second to import

        confusion = None if answers is None else answers.confusion
        note, before = trial_note(whole, self._classes, confusion), get_note(trial)
        # while the trial ran somebody may have written one
        save_note(trial, f"{note}\n\n---\n\n{before}" if before else note)

    def _store_for(self, study: Study) -> ArtifactStore | None:
        if self._store is None or self._store[0] != study.study_name:
            found = pictures_of(study, self._artifacts, self._folder)
            if found is None and self._folder is not None:
                _log.info("no pictures: those of this study lie where this machine can't reach")
            self._store = study.study_name, found
        return self._store[1]

    def _tried(self, what: Callable[[], T]) -> T | None:
        """Do it, or say once why it can't be done, and rest for a while."""
        try:
            return what()
        except Exception as error:  # a full disk, a store that is gone, a picture nobody foresaw
            self._rests_until = time.monotonic() + PAUSE_SECONDS
            kind = f"{type(error).__name__} {getattr(error, 'errno', '')}"
            if kind not in self._said:
                self._said.add(kind)
                said = " ".join(masked(str(error)).split())[:200]
                _log.warning("a trial's page can't be written (%s); the search goes on", said)
            return None


def _frozen(trial: Trial) -> FrozenTrial:
    """The trial as it is stored now."""
    return trial.study.get_trials(deepcopy=False)[trial.number]
