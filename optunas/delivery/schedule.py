"""How long each retraining may be, where the time for all of them is given.

Their pace is measured, and all get the same number of epochs: as many as fit. Where that would be
fewer than a network had in the search, the baselines stay out. What was decided is written down: a
delivery that was interrupted goes on with it, whatever it would measure the second time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch

from optunas.atomic import replacing
from optunas.delivery.race import Entrant
from optunas.objective import Objective
from optunas.objective.failure import free_memory
from optunas.training.pace import Pace, pace

PLAN = "plan.json"
LONGEST = 10  # times the epochs of the search, however much time there is
PACE_SECONDS, EXPORT_SECONDS = 4.0, 15.0  # before a retraining and after all of them


def scheduled(
    entrants: Sequence[Entrant],
    objective: Objective,
    deadline: float,
    searched_epochs: int,
    folder: Path,
    devices: int = 1,
) -> tuple[Entrant, ...]:
    """The entrants with as many epochs as fit before `deadline` (`time.monotonic()`), one at least.

    The first is the best of the study; so many devices train them side by side. The plan is kept in
    `folder`.
    """
    names = [entrant.name for entrant in entrants]
    plan = _read(folder / PLAN, names)
    if plan is None:
        plan = _planned(entrants, objective, deadline, searched_epochs, devices)
        with replacing(folder / PLAN) as file:
            file.write(json.dumps({"entrants": names, "plan": plan}).encode())
    epochs, running = plan
    return tuple(
        replace(entrant, recipe=replace(entrant.recipe, epochs=epochs))
        for entrant in entrants[:running]
    )


def _planned(
    entrants: Sequence[Entrant],
    objective: Objective,
    deadline: float,
    searched_epochs: int,
    devices: int,
) -> tuple[int, int]:
    """The epochs of each, and how many of the entrants get them."""
    paces = [_pace(entrant, objective) for entrant in entrants]
    images = len(objective.data.train)
    left = deadline - time.monotonic() - EXPORT_SECONDS

    def fit(some: Sequence[Pace]) -> int:
        starts, epochs = [one.start for one in some], [one.epoch(images) for one in some]
        return int((left - _side_by_side(starts, devices)) / _side_by_side(epochs, devices))

    for count in (len(entrants), 1):
        epochs = fit(paces[:count])
        if epochs >= searched_epochs or count == 1:
            break
    return max(1, min(epochs, LONGEST * searched_epochs)), count


def _side_by_side(seconds: Sequence[float], devices: int) -> float:
    """How long all of it takes, where each device takes the next that is left, longest first."""
    busy = [0.0] * devices
    for one in sorted(seconds, reverse=True):
        busy[busy.index(min(busy))] += one
    return max(busy)


def _pace(entrant: Entrant, objective: Objective) -> Pace:
    network = entrant.candidate.build(0, torch.device(objective.device))
    try:
        return pace(
            network,
            objective.data,
            entrant.recipe,
            device=objective.device,
            engine=objective.engine,
            seconds=0.75 * PACE_SECONDS,  # the rest goes into validation
        )
    finally:
        del network
        free_memory(objective.device)


def _read(path: Path, names: list[str]) -> tuple[int, int] | None:
    """The plan that was made for these entrants, if there is one."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        known = json.loads(path.read_text(encoding="utf-8"))
        epochs, running = known["plan"]
        if known["entrants"] == names and epochs > 0 < running:
            return int(epochs), int(running)
    return None
