"""What a search is compared with, queued before it begins: a baseline and some random draws."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

from optuna import Study
from optuna.trial import FrozenTrial

from optunas.attributes import BASELINE, RANDOM, outcome, text
from optunas.process import is_dead, this_process

QUEUE = "optunas.queue"  # the study's attribute that names who fills its queue
SETTLE_SECONDS = 0.3  # longer than a worker takes from reading that attribute to writing it
WAIT_SECONDS = 30.0


def enqueue_comparisons(
    study: Study,
    baseline: Mapping[str, Any] | None,
    draws: Iterable[Mapping[str, Any]],
    number: int,
) -> None:
    """Queue what a new study's search is compared with: a baseline, and a number of random draws.

    In a study that was interrupted on the way, what is missing is queued; in one whose search has
    begun, nothing: random draws that came then would not be its start. Of workers that start at
    the same moment one fills the queue, and the others wait for it.
    """
    if _missing(study, baseline, number) == (False, 0):
        return
    with _the_only_one(study) as chosen:
        if chosen:
            _fill(study, baseline, draws, number)


def _fill(
    study: Study,
    baseline: Mapping[str, Any] | None,
    draws: Iterable[Mapping[str, Any]],
    number: int,
) -> None:
    wants_baseline, missing = _missing(study, baseline, number)
    if baseline is not None and wants_baseline:
        study.enqueue_trial(dict(baseline), user_attrs={"role": BASELINE})
    if missing:
        for params in islice(draws, number - missing, number):
            study.enqueue_trial(dict(params), user_attrs={"role": RANDOM})


def _missing(study: Study, baseline: Mapping[str, Any] | None, number: int) -> tuple[bool, int]:
    """Whether the baseline is still to be queued, and how many random draws."""
    trials = study.get_trials(deepcopy=False)
    if any(map(_is_of_the_search, trials)):
        return False, 0
    roles = [text(trial, "role") for trial in trials]
    return baseline is not None and BASELINE not in roles, max(0, number - roles.count(RANDOM))


def _is_of_the_search(trial: FrozenTrial) -> bool:
    return outcome(trial) is not None and not text(trial, "role")


@contextmanager
def _the_only_one(study: Study) -> Iterator[bool]:
    """True for one of the workers that come at once; the others leave when that one has."""
    me = this_process()
    if _holder(study) in (None, me):
        study.set_user_attr(QUEUE, me)
        time.sleep(SETTLE_SECONDS)  # the last one to write wins; all have written by now
    if _holder(study) == me:
        try:
            yield True
        finally:
            study.set_user_attr(QUEUE, None)
        return
    deadline = time.monotonic() + WAIT_SECONDS
    while _holder(study) is not None and time.monotonic() < deadline:
        time.sleep(0.1)
    yield False


def _holder(study: Study) -> Any:
    """Who fills the queue now, and lives."""
    holder = study.user_attrs.get(QUEUE)
    return None if is_dead(holder) else holder
