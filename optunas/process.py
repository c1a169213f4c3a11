"""Who runs a trial: this host, this process. Tells a dead worker from a slow one, on one host.

A worker signs its trial with the user attribute `worker`. A trial that is put back into the queue
inherits the attribute, so a signature counts only on the trial whose number it names.
"""

from __future__ import annotations

import os
import socket
import uuid
from functools import cache
from typing import Any

import psutil
from optuna.trial import FrozenTrial, Trial


def sign(trial: Trial, **more: Any) -> None:
    """Say who runs this trial, once."""
    if signature(trial) is None:
        trial.set_user_attr("worker", {**this_process(), "trial": trial.number, **more})


def signature(trial: Trial | FrozenTrial) -> dict[str, Any] | None:
    """Who runs or ran this trial; None where it was not signed."""
    worker = trial.user_attrs.get("worker")
    return worker if isinstance(worker, dict) and worker.get("trial") == trial.number else None


def this_process() -> dict[str, Any]:
    """Host, process number and start time: numbers are given anew, start times are not."""
    return {**_host(), "pid": os.getpid(), "started": _started(os.getpid())}


def is_dead(worker: Any) -> bool:
    """Whether this is a process of this host that is no more; False where that can't be known."""
    if not isinstance(worker, dict) or any(worker.get(k) != v for k, v in _host().items()):
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


@cache
def _host() -> dict[str, str]:
    """Rented machines share host names, and containers the network card of their host: a process
    number means something only where name, card and process namespace are the same."""
    try:
        namespace = str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        namespace = ""
    card = uuid.getnode()
    known = "" if card >> 40 & 1 else f"{card:012x}"  # without a card Python makes up a number
    return {"host": socket.gethostname(), "machine": f"{known} {namespace}".strip()}


@cache
def _started(pid: int) -> float:
    return float(round(psutil.Process(pid).create_time(), 1))
