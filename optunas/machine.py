"""What this machine has to give: cores and memory, those of the container where it is in one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Limit, use, and what of it is only cached files: in version 2 and in version 1 of cgroups.
https://docs.kernel.org/admin-guide/cgroup-v2.html, .../cgroup-v1/memory.html"""


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_for(workers: int) -> int:
    """Cores for each of so many workers; fewer where OMP_NUM_THREADS says so."""
    wished = os.environ.get("OMP_NUM_THREADS", "")
    share = max(1, cores() // workers)
    return min(share, int(wished)) if wished.isdecimal() and int(wished) else share


def free_ram() -> int:
    """Bytes that processes may still take before something has to be thrown out or killed."""
    return int(min([psutil.virtual_memory().available, *map(_left, _groups())]))


def _groups(proc: Path = Path("/proc/self"), root: Path = Path("/sys/fs/cgroup")) -> Iterator[Path]:
    """The folders of the memory control groups that this process is in, the outer ones too.

    A container may see its own folder as the root, whatever it is called outside.
    """
    try:
        lines = (proc / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top = root / "memory" if controllers else root
        group = top / path.lstrip("/")
        yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(top))


def _left(group: Path) -> float:
    """Bytes that a control group may still take; infinite where it has no limit."""
    for limit, used, cached in _FILES:
        try:
            most = (group / limit).read_text().strip()
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            now = int((group / used).read_text())
            return int(most) - now + int(stat.get(cached, 0))
        except (OSError, ValueError):  # "max" is no number, and no limit
            continue
    return float("inf")
