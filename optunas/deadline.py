"""The end of a search, where `--hours` set one: a fact of the study, not of a worker.

The first worker writes it down, as UNIX time, and those that join before it has come end with the
others. When it is over, whoever searches on sets the next one. The clocks of the hosts are taken to
be in step to a second or so, as NTP keeps them.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, TypeGuard

from optuna import Study

from optunas.facts import fact, settle
from optunas.numeric import is_number
from optunas.worker import Plan

ATTRIBUTE = "optunas.deadline"
LEAST_SECONDS = 1.0
FAR = 1e11  # the year 5138: beyond it is nonsense that somebody wrote into the database


def agree_on_deadline(study: Study, wished: float) -> float:
    """When the study's search ends, in seconds since 1970: as it was set, or else as wished."""
    return float(settle(study, ATTRIBUTE, wished, _is_to_come))


def deadline_of(study: Study) -> float | None:
    """When the study's search ends or ended; None where no hours were given."""
    found = fact(study, ATTRIBUTE)
    return float(found) if _is_a_time(found) else None


def plan_until(plan: Plan, deadline: float | None, reserve: float = 0.0) -> Plan:
    """The plan with the hours that are left of it until then; `reserve` seconds less."""
    if plan.hours is None or deadline is None:
        return plan
    left = deadline - reserve - time.time()
    return replace(plan, hours=max(LEAST_SECONDS, left) / 3600)


def _is_to_come(found: Any) -> bool:
    return _is_a_time(found) and found > time.time()


def _is_a_time(found: Any) -> TypeGuard[float]:
    return is_number(found) and 0 <= found < FAR
