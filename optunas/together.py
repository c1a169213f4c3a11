"""One search by several processes that share a device: the one that leads, and its members.

The members are given the same command line. Each learns from its environment that it is one.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from optuna import Study
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, Trial

from optunas.attributes import evaluated
from optunas.errors import StudyError
from optunas.machine import free_ram, threads_for
from optunas.search import Search
from optunas.worker.crew import CrewWatch, lead
from optunas.worker.member import Member as Member
from optunas.worker.member import leave_with_parent
from optunas.worker.member import this_member as this_member

USABLE_RAM = 0.9

_log = logging.getLogger("optunas")


def search_together(
    search: Search,
    study: Study,
    workers: int,
    words: Sequence[str],
    storage: str | None,
    watch: CrewWatch,
) -> None:
    """Search with so many workers on the search's device.

    `search.storage` is open; `words` are the command line without the `storage` that was typed.
    Raises `StudyError` where the study is in memory, and what `lead` raises.
    """
    if isinstance(search.storage, InMemoryStorage):
        raise StudyError(
            f"{workers} workers share a study through its storage, and can't share one in memory: "
            "take a file or a server, such as --storage sqlite:///optunas.db"
        )
    wanted = search.plan.trials
    if wanted is not None and len(evaluated(study.get_trials(deepcopy=False))) >= wanted:
        return
    members = _members(search, workers, storage)
    watch.note(_said(search, members[0]))
    if _times_a_shared_gpu(search):
        watch.note("latency is measured while other workers use the GPU, and comes out higher")
    search.queue(study)
    lead(study, members, [sys.executable, "-P", "-m", "optunas", *words], watch)


def serve(search: Search, member: Member) -> None:
    """Be one of the workers; `search.storage` is open."""
    leave_with_parent()
    if search.own is not None:
        from optunas.objective.share import take_share

        take_share(search.own.device, of=member.of, threads=member.threads, ram=member.ram)
    search = replace(search, plan=member.plan(search.plan))
    search.run(search.study(on_change=_log.info), _Log())


class _Log:
    """The watch of a member: a person hears from the leader."""

    def began(self, trial: Trial) -> None:
        pass

    def ended(self, study: Study, trial: FrozenTrial) -> None:
        pass

    def note(self, line: str) -> None:
        _log.info(line)


def _members(search: Search, workers: int, storage: str | None) -> list[Member]:
    hours = search.plan.hours
    deadline = None if hours is None else time.time() + 3600 * hours
    ram = int(USABLE_RAM * free_ram() / workers)
    return [
        Member(number, workers, threads_for(workers), ram, deadline, storage)
        for number in range(1, workers + 1)
    ]


def _times_a_shared_gpu(search: Search) -> bool:
    own = search.own
    if own is None or not own.device.startswith("cuda"):
        return False
    return "latency_ms" in own.metrics or own.limits.latency_ms is not None


def _said(search: Search, member: Member) -> str:
    threads = f"{member.threads} thread{'s' if member.threads > 1 else ''}"
    device = "one device" if search.own is None else search.own.device
    memory = {
        "cpu": f" and at most {member.ram / 2**30:.3g} GiB of memory",
        "cuda": f" and at most a share of 1/{member.of} of its memory",
    }
    said = f"{member.of} workers on {device}, each with {threads}"
    return said + memory.get(device.partition(":")[0], "")
