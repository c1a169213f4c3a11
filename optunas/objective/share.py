"""The share of a device that one of several workers may take, enforced by torch or the system.

On a GPU torch's allocator refuses what goes beyond the share. It doesn't see what the driver holds
for each process (the context, some hundred MiB: `CONTEXT_BYTES` are left for it) nor what other
libraries take on their own. On a CPU, under Linux, the system refuses private memory beyond the
share: torch, NumPy and Python then raise an error that fails the trial, where otherwise the
system would kill some process. Files that are mapped to be read, as cached data are, don't count.
Elsewhere nothing is enforced.

Kernels of several processes take turns on a GPU, and run side by side only under NVIDIA's
multi-process service (`nvidia-cuda-mps-control -d`).
"""

from __future__ import annotations

import sys
from contextlib import suppress

import psutil
import torch

from optunas.errors import StudyError

USABLE = 0.95
CONTEXT_BYTES = 512 * 2**20


def take_share(device: str, *, of: int, threads: int, ram: int) -> None:
    """Keep this process to its share: one of `of` equal parts of a GPU, or `ram` bytes.

    threads: of the CPU, wherever candidates are trained. Raises `StudyError` where the share is
    too small to begin with.
    """
    torch.set_num_threads(threads)
    with suppress(RuntimeError):  # somebody has computed in this process already
        torch.set_num_interop_threads(threads)
    chosen = torch.device(device)
    if chosen.type == "cuda":
        index = torch.cuda.current_device() if chosen.index is None else chosen.index
        total = torch.cuda.get_device_properties(index).total_memory
        torch.cuda.set_per_process_memory_fraction(gpu_fraction(total, of), index)
    elif chosen.type == "cpu" and sys.platform == "linux":
        _limit_ram(ram)


def gpu_fraction(total: int, of: int) -> float:
    """The part of a GPU's `total` bytes that the allocator of one process may take."""
    fraction = USABLE / of - CONTEXT_BYTES / total
    if fraction <= 0:
        raise StudyError(
            f"{of} workers don't fit on a GPU of {total / 2**30:.3g} GiB: each needs "
            f"{CONTEXT_BYTES / 2**30:.3g} GiB before it begins; take fewer workers for it"
        )
    return fraction


def _limit_ram(share: int) -> None:
    """Cap the private memory of this process.

    RLIMIT_DATA counts addresses, also those that were reserved and never used (stacks of threads,
    for instance); what is reserved by now is therefore given on top.
    """
    import resource

    now = psutil.Process().memory_info()
    left = share - (now.rss - now.shared)
    if left <= 0:
        raise StudyError(
            f"each worker has {share / 2**30:.2g} GiB of memory here, and holds more before it "
            "begins; take fewer workers"
        )
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    limit = now.data + left
    resource.setrlimit(
        resource.RLIMIT_DATA, (limit if most == resource.RLIM_INFINITY else min(limit, most), most)
    )
