"""The trainings of a race on several devices: one process each, started once.

A training leaves its checkpoint, and the race afterwards finds all epochs done. Nothing else comes
back from a process, so one that dies costs time and no more: what it has not done is done by the
race itself. One network is trained by one device; of several GPUs none waits for another.
"""

from __future__ import annotations

import logging
import multiprocessing
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.queues import Queue
from pathlib import Path
from pickle import PicklingError

import cloudpickle
import torch

from optunas import studyfile
from optunas.delivery.race import Entrant, checkpoint_of, retrained
from optunas.machine import threads_for
from optunas.objective import Objective
from optunas.objective.failure import free_memory
from optunas.training import Diverged

_log = logging.getLogger("optunas")


def spread(
    entrants: Sequence[Entrant],
    objective: Objective,
    seeds: Sequence[int],
    folder: Path,
    devices: Sequence[str],
    on_run: Callable[[str], None],
) -> None:
    """Train every entrant with every seed, each on the next device that is free.

    The checkpoints lie in `folder`, where `race` looks for them. What can't be done there, for
    whatever reason, is left to it, with a warning.
    """
    runs = [(entrant.name, n) for entrant in entrants for n in range(1, len(seeds) + 1)]
    context = multiprocessing.get_context("spawn")
    free: Queue[str] = context.Queue()
    for device in devices:
        free.put(device)
    with tempfile.TemporaryDirectory() as room:
        work = Path(room) / "work"
        try:
            work.write_bytes(_packed(objective, entrants, seeds, folder))
            given = (work, free, len(devices))
            with ProcessPoolExecutor(len(devices), context, _begin, given) as pool:
                _follow([pool.submit(_train, *run) for run in runs], on_run, len(devices))
        except (BrokenProcessPool, PicklingError, TypeError, AttributeError) as error:
            line = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            _log.warning("the retrainings go on one after another, on one device: %s", line)


def _follow(futures: Sequence[Future[None]], on_run: Callable[[str], None], devices: int) -> None:
    on_run(f"{len(futures)} trainings, on {devices} devices")
    try:
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            on_run(f"{done} of {len(futures)} trainings done, on {devices} devices")
    except BaseException:
        for future in futures:
            future.cancel()
        raise


def _packed(
    objective: Objective, entrants: Sequence[Entrant], seeds: Sequence[int], folder: Path
) -> bytes:
    """All that a process needs; what a study file or a script defines is sent as it is."""
    own = replace(objective, on_epoch=None, checkpoints=None, artifacts=None)
    files = [module for name, module in sys.modules.items() if name.startswith(studyfile.MODULE)]
    for module in files:
        cloudpickle.register_pickle_by_value(module)
    try:
        work = _Work(own, {one.name: one for one in entrants}, tuple(seeds), folder.resolve())
        packed: bytes = cloudpickle.dumps(work)
    finally:
        for module in files:
            cloudpickle.unregister_pickle_by_value(module)
    return packed


@dataclass(frozen=True)
class _Work:
    """What a process was started for."""

    objective: Objective
    entrants: dict[str, Entrant]
    seeds: tuple[int, ...]
    folder: Path


_work: _Work


def _begin(path: Path, free: Queue[str], processes: int) -> None:
    """In the new process: take a device, and read what there is to do."""
    global _work
    device = free.get()
    if device == "cpu":
        torch.set_num_threads(threads_for(processes))
    work = cloudpickle.loads(path.read_bytes())  # written a moment ago, by our parent
    _work = replace(work, objective=replace(work.objective, device=device))


def _train(name: str, number: int) -> None:
    entrant, seed = _work.entrants[name], _work.seeds[number - 1]
    with suppress(Diverged):  # the race finds that out as well
        retrained(entrant, _work.objective, seed, checkpoint_of(_work.folder, entrant, number))
    free_memory(_work.objective.device)
