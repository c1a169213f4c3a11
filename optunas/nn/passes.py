"""A pass through a network by whoever measures it: made-up inputs, and nothing changed by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Within it the network is in eval mode and nothing is kept for a backward pass."""
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        network.train(training)


@contextmanager
def restoring(network: nn.Module) -> Iterator[None]:
    """Afterwards weights, buffers, mode and random numbers are as before, and gradients gone."""
    before = {name: tensor.detach().clone() for name, tensor in _tensors(network)}
    training, device = network.training, device_of(network)
    gpus = [device] if device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=gpus):
            yield
    finally:
        with torch.no_grad():
            for name, tensor in _tensors(network):
                tensor.copy_(before[name])
        network.zero_grad(set_to_none=True)
        network.train(training)


@contextmanager
def with_threads(threads: int) -> Iterator[int]:
    """Within it torch computes with so many threads on the CPU."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield threads
    finally:
        torch.set_num_threads(before)


def _tensors(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    return chain(network.named_parameters(), network.named_buffers())


def inputs(network: nn.Module, batch: int, shape: tuple[int, ...]) -> Tensor:
    """Zeros (batch, *shape) on the network's device, in the order of memory of its kernels."""
    x = torch.zeros(batch, *shape, device=device_of(network))
    kernels = [p for p in network.parameters() if p.ndim == 4]
    last = bool(kernels) and all(p.is_contiguous(memory_format=_LAST) for p in kernels)
    return x.contiguous(memory_format=_LAST) if last and x.ndim == 4 else x


def device_of(network: nn.Module) -> torch.device:
    """Where the first parameter lies; the CPU for a network without any."""
    first = next(network.parameters(), None)
    return torch.device("cpu") if first is None else first.device


_LAST = torch.channels_last
