"""The last places of a study: of workers that begin a trial at once, as many go on as it needs.

Optuna hands out trials one by one, and nothing in it stops two workers from both beginning the
last one. So a trial takes a ticket, higher than those it sees, and those that run with lower ones
go first: Lamport's bakery ("A New Solution of Dijkstra's Concurrent Programming Problem", CACM
1974). A trial that runs and has no ticket yet may still draw a low one, and is waited for.

The ticket is part of the trial's signature, so all of this costs no writing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from optuna import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from optunas.process import sign, signature
from optunas.worker.ledger import Ledger

PATIENCE_SECONDS = 2.0  # with trials of other programs, which never take a ticket
GLANCE_SECONDS = 0.02
MANY = 10  # times as many places as running trials: nobody can be the last


def takes_place(
    study: Study,
    trial: Trial,
    total: int,
    seen: Sequence[FrozenTrial] | None = None,
    ledger: Ledger | None = None,
) -> bool:
    """Sign this running trial; True where the study of `total` evaluated networks needs it.

    seen: the study's trials, where they were read since this one runs. ledger: what is known of
    them already.
    """
    ledger = ledger or Ledger()
    running = _running(ledger, study.get_trials(deepcopy=False) if seen is None else seen)
    sign(trial, ticket=1 + max(map(_ticket, running), default=0))
    if MANY * len(running) < total - ledger.evaluated:
        return True  # however many begin and end meanwhile: reading 10,000 trials again takes long
    ticket = _ticket(trial)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        running = _running(ledger, study.get_trials(deepcopy=False))
        left = total - ledger.evaluated
        others = [other for other in running if other.number != trial.number]
        if len(others) < left:
            return True
        decided = all(map(_ticket, others))
        if decided or time.monotonic() > deadline:
            first = [t for t in others if (_ticket(t), t.number) < (ticket, trial.number)]
            return len(first) < left
        time.sleep(GLANCE_SECONDS)


def _running(ledger: Ledger, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    return [trial for trial in ledger.read(trials) if trial.state is TrialState.RUNNING]


def _ticket(trial: Trial | FrozenTrial) -> int:
    ticket = (signature(trial) or {}).get("ticket", 0)
    return ticket if isinstance(ticket, int) else 0
