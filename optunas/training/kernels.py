"""Which CUDA kernels may be taken: TF32 where results stay fp32, deterministic ones on demand.

What CUDA allows: with the same seed, GPU, driver and torch, cuDNN may still choose kernels that
add in varying order (atomics), so two runs agree to some digits only. `Engine(deterministic=True)`
asks for kernels that do not, which costs some speed; operations that have none keep theirs and
torch warns of them once (https://docs.pytorch.org/docs/stable/notes/randomness.html). cuBLAS is
deterministic as long as its workspace is fixed, which must be said before CUDA starts:
CUBLAS_WORKSPACE_CONFIG=:4096:8.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def chosen_kernels(device: torch.device, deterministic: bool) -> Iterator[None]:
    """Choose for as long as the context lasts; a CPU has nothing to choose."""
    if device.type != "cuda":
        yield
        return
    before = (
        torch.backends.cudnn.deterministic,
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    matmul = _matmul_precision()
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.deterministic = True
        torch.use_deterministic_algorithms(True, warn_only=True)
    if matmul is not None:
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = before[0]
        torch.use_deterministic_algorithms(before[1], warn_only=before[2])
        if matmul is not None:
            torch.set_float32_matmul_precision(matmul)


def _matmul_precision() -> str | None:
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:  # set by torch's newer, finer switches: somebody has decided already
        return None
