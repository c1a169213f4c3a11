"""What goes wrong with a candidate, in one line, and the memory that it leaves behind."""

from __future__ import annotations

import gc

import torch

from optunas.errors import OptunasError
from optunas.training import Diverged

LENGTH = 500  # characters; a database may hold no more than some thousand


def reason(error: BaseException, device: str) -> str:
    """One line that says why a candidate could not be evaluated."""
    if _is_out_of_memory(error):
        return (
            f"out of memory on {device}: take a smaller batch_size, or set Limits(memory_mb=...) "
            "so that such networks are rejected"
        )
    text = " ".join(str(error).split())
    plain = isinstance(error, OptunasError | Diverged)
    return (text if plain else f"{type(error).__name__}: {text}")[:LENGTH]


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(sign in str(error) for sign in _OUT_OF_MEMORY)
    )


_OUT_OF_MEMORY = (
    "DefaultCPUAllocator",  # torch has no class of its own for the memory of the CPU
    "std::bad_alloc",
    "CUDA error: out of memory",
    "STATUS_ALLOC_FAILED",  # cuBLAS, cuDNN
)


def free_memory(device: str) -> None:
    """Give back what a failed network held: it may sit in a cycle with its traceback."""
    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
