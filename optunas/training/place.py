"""Where a split's images lie during training: on the device where they fit, else streamed."""

from typing import Any

import torch
from torch import Tensor

from optunas.data import Split
from optunas.machine import cores
from optunas.training.batches import Batches, Resident, is_brought
from optunas.training.engine import Engine
from optunas.training.streamed import Streamed

SHARE = 0.4  # of the device's free memory that one split may take; the network needs some too


def batches_of(split: Split, device: torch.device, engine: Engine, **options: Any) -> Batches:
    """The split in batches, from where `engine.images` says; options are those of `Resident`."""
    if lies_on(device, split, engine):
        return Resident(split, device=device, **options)
    workers = cores() if engine.workers is None else engine.workers
    return Streamed(split, device=device, workers=workers, **options)


def lies_on(device: torch.device, split: Split, engine: Engine) -> bool:
    """Whether the split's images lie on the device, as asked for or where they fit."""
    return engine.images == "device" or (engine.images == "auto" and fits(split, device))


def fits(split: Split, device: torch.device) -> bool:
    """Whether the decoded images find room on the device.

    Those in this machine's memory are on the CPU already. Those in files were found to be too many
    for it when they were loaded.
    """
    if is_brought(split, device):
        return True
    if not isinstance(split.images, Tensor):
        return False
    if device.type != "cuda":
        return True
    free, whole = torch.cuda.mem_get_info(device)
    # A worker that shares its device may not take more than its part, however much is free.
    mine = whole * torch.cuda.get_per_process_memory_fraction(device)
    return split.images.nbytes <= SHARE * min(free, mine - torch.cuda.memory_allocated(device))
