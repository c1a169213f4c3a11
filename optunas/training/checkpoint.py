"""What a killed training goes on from: one file, written whole or not at all.

The file is a line that names the format, the SHA-256 of the rest, and the rest as `torch.save`
writes it. The digest finds every truncation and every flipped bit before anything is parsed;
`weights_only=True` keeps a file of unknown origin from running code. There are no random states
in it: each epoch's random numbers follow from (seed, epoch), see `seeds`.
"""

import hashlib
import io
import json
import logging
import os
import re
import tempfile
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.optim import Optimizer

from optunas.training.recipe import Recipe
from optunas.training.results import Epoch

if TYPE_CHECKING:
    from optunas.data import Data

MAGIC = b"optunas checkpoint 1\n"
_log = logging.getLogger(__name__)


def identity(network: nn.Module, data: "Data", recipe: Recipe, seed: int) -> str:
    """A string that differs wherever a run would: another network, data, recipe or seed.

    Initial weights are not part of it: they have been trained away by the first epoch.
    """
    shapes = {name: list(getattr(t, "shape", ())) for name, t in network.state_dict().items()}
    layers = re.sub(r"0x[0-9a-fA-F]+", "", repr(network))  # addresses differ between processes
    run = [layers, shapes, data.fingerprint, recipe.to_json(), seed]
    return hashlib.sha256(json.dumps(run).encode()).hexdigest()


def save(
    path: Path, network: nn.Module, optimizer: Optimizer, history: Sequence[Epoch], run: str
) -> None:
    """Replace the checkpoint at `path`; a file that can't be written is a warning, not an end."""
    buffer = io.BytesIO()
    state = {
        "run": run,
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "history": [asdict(epoch) for epoch in history],
    }
    torch.save(state, buffer)
    content = buffer.getbuffer()
    try:
        _replace(path, MAGIC + hashlib.sha256(content).digest(), content)
    except OSError as error:
        _log.warning("the checkpoint %s can't be written (%s); training goes on", path, error)


def restore(path: Path, network: nn.Module, optimizer: Optimizer, run: str) -> list[Epoch]:
    """Bring network and optimizer to the last finished epoch; the epochs so far, or none.

    A file that is absent, damaged or of another run leaves both as they were.
    """
    try:
        return _apply(_read(path, run), network, optimizer)
    except FileNotFoundError:
        return []
    except Exception as error:  # a damaged file can raise anything; none of it may end a search
        reason = str(error).partition("\n")[0] or type(error).__name__
        _log.warning("the checkpoint %s is ignored (%s); training starts from zero", path, reason)
        return []


def remove(path: Path) -> None:
    """Delete a checkpoint that is no longer needed, and what a killed `save` may have left."""
    for file in (path, *path.parent.glob(f"{path.name}.*.tmp")):
        file.unlink(missing_ok=True)


def _read(path: Path, run: str) -> dict[str, Any]:
    content = path.read_bytes()
    head = len(MAGIC) + hashlib.sha256().digest_size
    digest, body = content[len(MAGIC) : head], content[head:]
    if not content.startswith(MAGIC) or hashlib.sha256(body).digest() != digest:
        raise ValueError("it is damaged, or no checkpoint of this version")
    state: dict[str, Any] = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    if state["run"] != run:
        raise ValueError("it is of another network, data, recipe or seed")
    return state


def _apply(state: dict[str, Any], network: nn.Module, optimizer: Optimizer) -> list[Epoch]:
    before = deepcopy(network.state_dict()), deepcopy(optimizer.state_dict())
    try:
        network.load_state_dict(state["network"])
        _load_optimizer(optimizer, state["optimizer"])
        return [Epoch(**epoch) for epoch in state["history"]]
    except Exception:
        network.load_state_dict(before[0])
        _load_optimizer(optimizer, before[1])
        raise


def _load_optimizer(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Restore an optimizer; its learning rates stay the tensors that they are, on their device.

    A loaded rate would lie on the CPU; it follows from the step, and is set before each.
    """
    rates = [group["lr"] for group in optimizer.param_groups]
    optimizer.load_state_dict(state)
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate


def _replace(path: Path, *parts: bytes | memoryview) -> None:
    """Write a file beside `path`, make sure that it is on the disk, and rename it over `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
