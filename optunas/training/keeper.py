"""When a training's checkpoint is written: after each epoch, and in the middle of a long one.

Whoever is killed, or told to stop, loses what was trained since: half a minute, or for a network
that takes long to write so much that writing stays within a fiftieth of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import torch

from optunas.training import checkpoint as checkpoints
from optunas.training.checkpoint import START, Begun, Saved
from optunas.training.results import Epoch
from optunas.training.seeds import random_states
from optunas.training.step import Step

PAUSE_SECONDS = 30.0
PAUSES = 50  # as long as the writing took


class Keeper:
    """Keeps one run's state at `path`; with None nothing is kept.

    identity: of the run. written: called after each writing.
    """

    def __init__(
        self,
        path: Path | None,
        step: Step,
        device: torch.device,
        identity: str,
        written: Callable[[], None] = lambda: None,
    ) -> None:
        self._path, self._step, self._device = path, step, device
        self._identity, self._tell = identity, written
        self._due = perf_counter() + PAUSE_SECONDS
        self._history: list[Epoch] = []

    def restored(self, epochs: int) -> Saved:
        """How far the run of so many epochs has come; network and optimizer are brought there."""
        if self._path is None:
            return checkpoints.NOTHING
        step = self._step
        saved = checkpoints.restore(
            self._path, step.network, step.optimizer, self._identity, epochs, step.average.tensors
        )
        self._history = list(saved.history)
        return saved

    def epoch(self, epoch: Epoch) -> None:
        """The next epoch is over."""
        self._history.append(epoch)
        self._write(START)

    def steps(self, done: int, began: float) -> None:
        """So many steps of the next epoch are done, which `began` then (of `perf_counter`)."""
        if self._path is not None and perf_counter() >= self._due:
            loss = self._step.total.detach().cpu()
            random = random_states(self._device)
            self._write(Begun(done, loss, perf_counter() - began, random))

    def _write(self, begun: Begun) -> None:
        if self._path is None:
            return
        start, step, saved = perf_counter(), self._step, Saved(self._history, begun)
        checkpoints.save(
            self._path, step.network, step.optimizer, saved, self._identity, step.average.tensors
        )
        self._tell()
        now = perf_counter()
        self._due = now + max(PAUSE_SECONDS, PAUSES * (now - start))
