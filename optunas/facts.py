"""Facts of a study: what the first worker writes down, and all the others go by.

An SQL database that `optunas.storage` opened writes a fact where nobody else has
(`swap_study_user_attr`). Other storages (a journal, a proxy) have no such thing. There, who finds a
fact missing writes that it is its turn, waits, and looks whose turn it is then: the last writer's,
who writes the fact. All others wait for that: Fischer's mutual exclusion, as told by Lamport ("A
Fast Mutual Exclusion Algorithm", ACM TOCS 1987). It holds as long as no writer is slower than the
others wait; they wait ten times as long as their own reading and writing took.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from optuna import Study

PAUSE_SECONDS = 0.3
LONGEST_SECONDS = 5.0
GONE_SECONDS = 15.0  # after which whoever had the turn is taken to be gone
GLANCE_SECONDS = 0.05
TURN = "optunas.turn"


def fact(study: Study, name: str) -> Any:
    """A fact of the study; None where there is none, or somebody is about to write it."""
    found = study.user_attrs.get(name)
    return None if _turn(found) is not None else found


def settle(
    study: Study, name: str, mine: Any, holds: Callable[[Any], bool] = lambda found: True
) -> Any:
    """The value of a user attribute that all workers share: what is there, or else `mine`.

    mine: JSON. holds: whether what is found still counts; where it does not, it is replaced.
    """
    me = uuid.uuid4().hex
    gone = time.monotonic() + GONE_SECONDS
    while True:
        began = time.monotonic()
        found = study.user_attrs.get(name)
        turn = _turn(found)
        if turn is None and found is not None and holds(found):
            return found
        if turn == me:
            study.set_user_attr(name, mine)
            return mine
        if turn is not None and began < gone:
            time.sleep(GLANCE_SECONDS)
            continue
        swapped = _swapped(study, name, found, mine)
        if swapped:
            return mine
        if swapped is not None:  # another one was faster
            continue
        study.set_user_attr(name, {TURN: me})
        took = time.monotonic() - began
        time.sleep(min(LONGEST_SECONDS, PAUSE_SECONDS + 10 * took))
        gone = time.monotonic() + GONE_SECONDS


def _swapped(study: Study, name: str, found: Any, mine: Any) -> bool | None:
    """Whether the fact could be written in the place of what was found there; None where the
    storage can't do that at once."""
    swap = getattr(study._storage, "swap_study_user_attr", None)
    return None if swap is None else swap(study._study_id, name, found, mine)


def _turn(found: Any) -> Any:
    """Whose turn it is to write the fact; None where it stands there, or nothing does."""
    return found[TURN] if isinstance(found, dict) and found.keys() == {TURN} else None
