"""Facts of a study: what the first worker writes down, and all the others go by.

A storage has no "write if nobody else has". So who finds a fact missing writes its own, waits, and
reads what stands there: the last writer's. Whoever looked too early has read another's by then,
and gives way: Fischer's mutual exclusion, as told by Lamport ("A Fast Mutual Exclusion Algorithm",
ACM TOCS 1987). It holds as long as no writer is slower than the others wait; they wait ten times
as long as their own reading and writing took.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from optuna import Study

PAUSE_SECONDS = 0.3
LONGEST_SECONDS = 5.0


def settle(
    study: Study, name: str, mine: Any, holds: Callable[[Any], bool] = lambda found: True
) -> Any:
    """The value of a user attribute that all workers share: what is there, or else `mine`.

    mine: JSON. holds: whether what is found still counts; where it does not, it is replaced.
    """
    began = time.monotonic()
    found = study.user_attrs.get(name)
    if found is not None and holds(found):
        return found
    study.set_user_attr(name, mine)
    took = time.monotonic() - began
    time.sleep(min(LONGEST_SECONDS, PAUSE_SECONDS + 10 * took))
    return study.user_attrs.get(name)
