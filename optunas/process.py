"""Who runs a trial: this host, this process. Tells a dead worker from a slow one, on one host.

A worker signs its trial with the user attribute `worker`. A trial that is put back into the queue
inherits the attribute, so a signature with a number counts only on the trial that has it; one
without was made together with its trial.
"""

from __future__ import annotations

import os
import socket
import uuid
from functools import cache
from typing import Any

import psutil
from optuna.trial import FrozenTrial, Trial

BEAT = "optunas:beat"
"""The system attribute of a running trial that changes as long as its worker lives."""

TOKEN = "optunas:token"
"""The system attribute by which who made a trial knows it again."""

TAKEN = "optunas:taken"
"""The system attribute of a trial whose worker was gone, and which another has failed."""


class TakenOverError(KeyboardInterrupt):
    """The running trial is another worker's now: this one was silent for too long."""


def sign(trial: Trial, **more: Any) -> None:
    """Say who runs this trial, and what more the signature shall hold, where it does not yet."""
    signed = signature(trial)
    if signed is None or not set(more) <= set(signed):
        signed = {**(signed or this_process()), "trial": trial.number, **more}
        trial.set_user_attr("worker", signed)


def signature(trial: Trial | FrozenTrial) -> dict[str, Any] | None:
    """Who runs or ran this trial; None where it was not signed."""
    worker = trial.user_attrs.get("worker")
    if not isinstance(worker, dict) or worker.get("trial", trial.number) != trial.number:
        return None
    return worker


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
