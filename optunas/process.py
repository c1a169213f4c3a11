"""Who runs a trial: this host, this process. Tells a dead worker from a slow one, on one host."""

from __future__ import annotations

import os
import socket
from functools import cache
from typing import Any

import psutil


@cache
def _started(pid: int) -> float:
    return float(round(psutil.Process(pid).create_time(), 1))


def this_process() -> dict[str, Any]:
    """Host, process number and start time: numbers are given anew, start times are not."""
    pid = os.getpid()
    return {"host": socket.gethostname(), "pid": pid, "started": _started(pid)}


def is_dead(worker: Any) -> bool:
    """Whether this is a process of this host that is no more; False where that can't be known."""
    if not isinstance(worker, dict) or worker.get("host") != socket.gethostname():
        return False
    pid, started = worker.get("pid"), worker.get("started")
    if not isinstance(pid, int) or not isinstance(started, float | int):
        return False
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return True
        return bool(abs(process.create_time() - started) > 2)
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
