"""The most memory that a network's tensors take at one moment of whatever is done with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from optunas.nn.live import LiveTensors
from optunas.nn.passes import evaluating, inputs

MIB = 2**20


def inference_memory_mb(
    network: nn.Module,
    input_shape: tuple[int, ...],
    *,
    batch: int = 1,
    within: AbstractContextManager[Any] | None = None,
) -> float:
    """MiB that the answer to `batch` inputs takes at its peak, weights and inputs included.

    within: a context for the pass, such as autocast.
    """
    x = inputs(network, batch, input_shape)
    with evaluating(network), within or nullcontext():
        return peak_mb(lambda: network(x), [*network.parameters(), *network.buffers(), x])


def peak_mb(run: Callable[[], object], known: Iterable[Tensor]) -> float:
    """MiB of tensors at the peak of `run`: those that it makes, and those `known` before.

    It is called twice, and the second time counts: by then an optimizer has its state, and
    libraries their workspaces. What else lies on the device doesn't count.

    On CUDA torch's allocator keeps count, of workspaces too. Elsewhere the tensors that live are
    followed (`LiveTensors`), and what kernels hold for themselves meanwhile is not seen (the
    profiler, which sees it, counted 1 to 13 % more in training steps of three networks on a CPU).
    """
    known = list(known)
    assert known
    if known[0].is_cuda:
        return _allocated(run, known) / MIB
    live = LiveTensors(known)
    for _ in range(2):
        live.peak = live.now
        with live:
            run()
    return live.peak / MIB


def _allocated(run: Callable[[], object], known: list[Tensor]) -> int:
    """Bytes by the allocator's count; others' tensors lay there before, and are subtracted."""
    device = known[0].device
    torch.ones(8, 8, device=device) @ torch.ones(8, 8, device=device)  # cuBLAS takes its workspace
    others = torch.cuda.memory_allocated(device) - _bytes(known)
    for _ in range(2):
        torch.cuda.reset_peak_memory_stats(device)
        run()
    return torch.cuda.max_memory_allocated(device) - others


def _bytes(tensors: list[Tensor]) -> int:
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    return sum(storages.values())
