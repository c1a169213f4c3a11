"""One worker of a study, from Python: what `optunas worker` is on the command line.

`study.optimize` runs trials and knows of no other worker. Here the trials of all workers count,
lost ones are taken over, and whoever is told to stop puts its own back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from optuna import Study
from optuna.trial import Trial

from optunas.deadline import agree_on_deadline, plan_until
from optunas.errors import StudyError
from optunas.storage import SharedStorage, address, explained
from optunas.worker import Noted, Plan
from optunas.worker import work as run

_log = logging.getLogger("optunas")


def work(
    study: Study,
    objective: Callable[[Trial], Any],
    *,
    trials: int | None = None,
    hours: float | None = None,
    retries: int = Plan.retries,
    grace_s: float = Plan.grace_s,
    note: Callable[[str], None] = _log.info,
) -> None:
    """Run trials of a study until it holds `trials` evaluated ones, or its `hours` are over.

    Both are the study's, not this worker's: earlier trials and those of other workers count, and
    the hours begin with the first who names some. Trials of a worker that is gone, or has been
    silent for `grace_s` seconds, are run again, up to `retries` times. `note` is told in a line
    what happens beside the trials.

    Silence can be told, and the end of a trial survives an outage, in a study of
    `optunas.create_study` or with a storage of `optunas.storage.open`; others have no heartbeat.

    `KeyboardInterrupt` (Ctrl-C, and in the main thread SIGTERM) passes through after the running
    trial was put back. Raises StudyError for a plan without an end, and where trial after trial
    fails; StorageError where the storage fails.
    """
    if trials is None and hours is None:
        raise StudyError("a worker works up to a number of trials or hours; got neither: name one")
    plan = Plan(trials, hours, retries, grace_s)
    storage = study._storage if isinstance(study._storage, SharedStorage) else None
    with explained(address(study._storage)):
        if hours is not None:
            plan = plan_until(plan, agree_on_deadline(study, time.time() + 3600 * hours))
        run(study, objective, plan, Noted(note), storage)
