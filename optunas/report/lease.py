"""Who keeps a study's page: one worker at a time, and another one where that one is gone."""

from __future__ import annotations

import time
import uuid
from typing import Any

from optuna import Study

from optunas.facts import fact, settle
from optunas.process import is_dead, this_process

ATTRIBUTE = "optunas.publisher"
GRACE_SECONDS = 60.0
LONGEST_SECONDS = 3600.0


class Lease:
    """The right to write a study's page. It ends by itself where its holder is silent, and at once
    where the holder's process on this host is no more. Two holders would do no harm but work twice.
    """

    def __init__(self) -> None:
        self._token = uuid.uuid4().hex

    def take(self, study: Study, seconds: float) -> bool:
        """Whether it is ours, for `seconds` and a minute from now."""
        found = fact(study, ATTRIBUTE)
        if self._is_ours(found):
            study.set_user_attr(ATTRIBUTE, self._ours(seconds))
            return True
        if _holds(found):
            return False
        return self._is_ours(settle(study, ATTRIBUTE, self._ours(seconds), _holds))

    def give_back(self, study: Study) -> None:
        """Let another worker have it at once."""
        if self._is_ours(fact(study, ATTRIBUTE)):
            study.set_user_attr(ATTRIBUTE, {"until": 0})

    def _ours(self, seconds: float) -> dict[str, Any]:
        until = time.time() + min(seconds, LONGEST_SECONDS) + GRACE_SECONDS
        return {"until": round(until, 1), "token": self._token, "worker": this_process()}

    def _is_ours(self, found: Any) -> bool:
        return isinstance(found, dict) and found.get("token") == self._token


def _holds(found: Any) -> bool:
    """Whether somebody has it. A time too far away is nonsense, and no lease."""
    if not isinstance(found, dict):
        return False
    until, now = found.get("until"), time.time()
    if not isinstance(until, int | float) or not now < until < now + 2 * LONGEST_SECONDS:
        return False
    return not is_dead(found.get("worker"))
