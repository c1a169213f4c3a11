"""The files from which trainings go on: of interrupted trials, and of those that were stopped.

Each lies in a folder of this machine. Where the workers of a study share an artifact store, a copy
of it lies there, so that the trial goes on on any machine:

* When the file was written (after an epoch, and every half minute of a long one) it is copied in
  the background, unless a copy was made just before: copying takes at most a twentieth of the time,
  and at least every 20 s there is a copy, where there is anything new. So much, and what was
  trained since the file was written, is lost with a machine; a worker that is told to stop brings
  its last file, and waits 10 s for that.
* A trial that is run again takes its own file or the copy, whichever has come further. A copy that
  is damaged, or of anything else, counts as none.
* When a trial has ended, its file and its copy are deleted. A stopped one's file is parked under
  another name, for the case that the trial is promoted: the youngest 100 on each machine (2 GiB at
  most), and in the store that of the last 500 trials, one for each number modulo 500.
* Where the store fails, there is a warning, and the training goes on.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

import torch
from torch import nn

from optunas.artifacts import Where, open_artifacts
from optunas.errors import ArtifactError
from optunas.objective.courier import Courier
from optunas.training.checkpoint import progress, remove

STOPPED = "stopped-"
KEPT = 100  # files of stopped trials in a folder
KEPT_BYTES = 2 * 2**30
SLOTS = 500  # copies of stopped trials of a study
SLACK_BYTES = 16 * 2**20

_log = logging.getLogger("optunas")


class Shelf:
    """Where the checkpoints of an objective lie: a folder, an artifact store, both or neither."""

    def __init__(self, folder: Path | None, artifacts: Where | None) -> None:
        self._folder, self._artifacts = folder, artifacts

    def checkpoint(self, key: str, seed: int, study: str, run: object) -> Checkpoint:
        """The place for a training. A trial that is run again has the same key and seed.

        study: its name. run: what else a training follows from, as JSON has it. Names in the store
        are digests: whatever a database may say of a trial, nothing of it becomes part of a path.
        """
        path = None if self._place is None else self._place / f"{key[:16]}-{seed:d}.pt"
        prefix = f"checkpoint-{_digest(study)}"
        return Checkpoint(path, f"{prefix}-{_digest([key, seed, run])}", prefix, self._courier)

    @cached_property
    def _courier(self) -> Courier | None:
        try:
            return None if self._artifacts is None else Courier(open_artifacts(self._artifacts))
        except ArtifactError as error:  # it was there when the objective was made
            _log.warning("%s; checkpoints stay on this machine", error)
            return None

    @cached_property
    def _place(self) -> Path | None:
        """A folder; of its own for as long as the process, where there is only a store."""
        if self._folder is None and self._artifacts is not None:
            self._temporary = tempfile.TemporaryDirectory(prefix="optunas-")
            return Path(self._temporary.name)
        return self._folder


class Checkpoint:
    """A training's file and its copy.

    path: the file; None where nothing is kept. name: of the copy. prefix: of all of the study.
    """

    def __init__(self, path: Path | None, name: str, prefix: str, courier: Courier | None) -> None:
        self.path, self._name, self._prefix = path, name, prefix
        self._courier = courier if path is not None else None
        self._shared: tuple[int, ...] | None = None  # the state of the file that was copied last
        self._is_old = False  # whether a copy may have been there before

    def fetch(self, network: nn.Module, epochs: int, run: str, stopped: int | None) -> None:
        """Bring what is furthest to `path`, for a trial that is run again.

        network, epochs: what is trained, for how long. run: its identity. stopped: the number of
        the trial that was stopped and with which this one goes on.
        """
        if self.path is None:
            return
        self._is_old = True
        with suppress(OSError):  # the file of a stopped trial
            if not self.path.exists():
                os.replace(self.path.with_name(STOPPED + self.path.name), self.path)
        if self._courier is not None:
            for name in (self._name, *([] if stopped is None else [self._slot(stopped)])):
                content = self._courier.fetch(name, _most(network))
                if content is not None:
                    self._take(content, lambda file: progress(file, network, run, epochs))

    def share(self) -> None:
        """Copy the file, where it is time for it."""
        if self._courier is not None and self._courier.is_rested:
            self._bring()

    def hand_over(self) -> None:
        """Copy the file and wait until it has arrived: the worker is about to stop."""
        if self._courier is not None:
            self._bring()
            self._courier.settle()

    def park(self, number: int) -> None:
        """Keep the file of trial `number`, which was stopped."""
        if self.path is None:
            return
        with suppress(OSError):  # a full disk, a folder that is gone: then it starts from zero
            if self._courier is not None and not self._courier.is_busy:
                self._courier.bring(self._slot(number), self.path.read_bytes())
            os.replace(self.path, self.path.with_name(STOPPED + self.path.name))
            _tidy(self.path.parent)
        self._drop()

    def forget(self) -> None:
        """Delete the file of a trial with which nobody goes on, and its copy."""
        if self.path is not None:
            with suppress(OSError):  # where it could not be written either
                remove(self.path)
            self._drop()

    def _slot(self, number: int) -> str:
        return f"{self._prefix}-{STOPPED}{number % SLOTS:d}"

    def _bring(self) -> None:
        assert self.path is not None
        assert self._courier is not None
        with suppress(OSError):  # it could not be written, and that was said
            state = self.path.stat()
            now = state.st_ino, state.st_mtime_ns, state.st_size
            if now != self._shared:
                self._courier.bring(self._name, self.path.read_bytes())
                self._shared = now

    def _take(self, content: bytes, done: Callable[[Path], tuple[int, int]]) -> None:
        """Put a copy in the place of the file, where more is done in it."""
        assert self.path is not None
        copy = self.path.with_name(f"{self.path.name}.shared.tmp")
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
            if done(copy) > done(self.path):
                os.replace(copy, self.path)
            copy.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("the checkpoint %s can't be fetched (%s)", self.path, error)

    def _drop(self) -> None:
        if self._courier is not None and (self._is_old or self._shared is not None):
            self._courier.drop(self._name)


def beside_checkpoints(folder: Path) -> Path:
    """The folder for what else belongs to the trials whose checkpoints lie in this one."""
    if folder.name == "checkpoints":
        return folder.with_name("artifacts")
    return folder.with_name(f"{folder.absolute().name}-artifacts")


def _most(network: nn.Module) -> int:
    """Bytes that a checkpoint of a network may have: its weights and what an optimizer notes."""
    tensors = [t for t in network.state_dict().values() if isinstance(t, torch.Tensor)]
    weights = sum(t.numel() * max(4, t.element_size()) for t in tensors)
    return 4 * weights + SLACK_BYTES


def _digest(what: object) -> str:
    return blake2b(json.dumps(what).encode(), digest_size=12).hexdigest()


def _tidy(folder: Path) -> None:
    files = sorted(folder.glob(f"{STOPPED}*.pt"), key=lambda file: -file.stat().st_mtime)
    size = 0
    for place, file in enumerate(files):
        size += file.stat().st_size
        if place >= KEPT or size > KEPT_BYTES:
            file.unlink(missing_ok=True)
