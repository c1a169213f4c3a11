"""One search by several processes on the devices of a machine: the one that leads, its members.

The members are given the same command line. Each learns from its environment that it is one.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from optuna import Study
from optuna.storages import InMemoryStorage

from optunas.attributes import evaluated
from optunas.deadline import deadline_of, plan_until
from optunas.errors import StudyError
from optunas.machine import free_ram, threads_for
from optunas.search import Search
from optunas.worker import Noted
from optunas.worker.crew import CrewWatch, lead
from optunas.worker.dealing import deal
from optunas.worker.member import Member as Member
from optunas.worker.member import leave_with_parent
from optunas.worker.member import this_member as this_member

USABLE_RAM = 0.9

_log = logging.getLogger("optunas")


def dealt(
    search: Search,
    devices: Sequence[str] | None = None,
    workers: int | None = None,
    per_device: int | None = None,
) -> tuple[str | None, ...]:
    """The device of each worker; without `devices` it is the search's own.

    None is the device of a plain callable. Raises `StudyError` for a device that isn't here, and
    numbers that contradict each other.
    """
    if search.own is None:
        return deal([None], workers, per_device)
    from optunas.objective.device import chosen_device

    chosen = [str(chosen_device(device)) for device in devices or [search.own.device]]
    return deal(["cuda:0" if name == "cuda" else name for name in chosen], workers, per_device)


def search_together(
    search: Search,
    study: Study,
    devices: Sequence[str | None],
    words: Sequence[str],
    storage: str | None,
    watch: CrewWatch,
) -> None:
    """Search with a worker for each of `devices`, as they were `dealt`.

    `search.storage` is open; `words` are the command line without the `storage` that was typed.
    Raises `StudyError` where the study is in memory, and what `lead` raises.
    """
    if isinstance(search.storage.inner, InMemoryStorage):
        raise StudyError(
            f"{len(devices)} workers share a study through its storage, and can't share one in "
            "memory: take a file or a server, such as --storage sqlite:///optunas.db"
        )
    wanted = search.plan.trials
    if wanted is not None and len(evaluated(study.get_trials(deepcopy=False))) >= wanted:
        return
    members = _members(devices, storage)
    watch.note(_said(members))
    if _times_a_shared_gpu(search, members):
        watch.note("latency is measured while other workers use the GPU, and comes out higher")
    search.queue(study)
    command = [sys.executable, "-P", "-m", "optunas", *words]
    lead(study, members, command, watch, search.storage, search.plan.retries)


def serve(search: Search, member: Member, reserve: float = 0.0) -> None:
    """Be one of the workers; `search.storage` is open.

    reserve: seconds that the search ends before the study's deadline, for what comes after it.
    """
    leave_with_parent()
    if search.own is not None:
        from optunas.objective.share import take_share

        take_share(search.own.device, of=member.of, threads=member.threads, ram=member.ram)
    study = search.study(on_change=_log.info)
    plan = plan_until(search.plan, deadline_of(study), reserve)
    replace(search, plan=plan).run(study, Noted(_log.info))


def _members(devices: Sequence[str | None], storage: str | None) -> list[Member]:
    everywhere, on_each = len(devices), Counter(devices)
    ram = int(USABLE_RAM * free_ram() / everywhere)
    return [
        Member(number, on_each[device], threads_for(everywhere), ram, device, storage)
        for number, device in enumerate(devices, start=1)
    ]


def _times_a_shared_gpu(search: Search, members: Sequence[Member]) -> bool:
    own = search.own
    if own is None or not any(m.of > 1 and _is_a_gpu(m.device) for m in members):
        return False
    return "latency_ms" in own.metrics or own.limits.latency_ms is not None


def _is_a_gpu(device: str | None) -> bool:
    return device is not None and device.startswith("cuda")


def _said(members: Sequence[Member]) -> str:
    """`2 workers on cuda:0, 1 on cuda:1, each with 5 threads and an equal share of ...`."""
    counts = Counter(member.device or "one device" for member in members)
    (device, count), *others = counts.items()
    where = [f"{count} worker{'s' if count > 1 else ''} on {device}"]
    where += [f"{count} on {device}" for device, count in others]
    each = members[0]
    said = f"{', '.join(where)}, each with {each.threads} thread{'s' if each.threads > 1 else ''}"
    if set(counts) == {"cpu"}:
        return f"{said} and at most {each.ram / 2**30:.3g} GiB of memory"
    shared = any(member.of > 1 and _is_a_gpu(member.device) for member in members)
    return f"{said} and an equal share of its GPU's memory" if shared else said
