"""What a network costs, measured on the network itself: any `nn.Module`, ours or a person's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

MIB = 2**20


def count(network: nn.Module, input_shape: tuple[int, ...]) -> tuple[int, int]:
    """(parameters, MACs for one input) of any network, the meta device included.

    Frozen parameters count: they are stored, loaded and computed with wherever the network goes,
    and that is what a limit is about. What training needs is told by `training_memory_mb`.
    MACs are half of what `FlopCounterMode` counts: convolutions, matrix products and attention.
    """
    with evaluating(network), FlopCounterMode(display=False) as counter:
        network(_inputs(network, 1, input_shape))
    # counted afterwards: a lazy module has no parameters before its first call
    params = sum(p.numel() for p in network.parameters())
    return params, counter.get_total_flops() // 2


def latency_ms(
    network: nn.Module, input_shape: tuple[int, ...], *, batch: int = 1, seconds: float = 0.2
) -> float:
    """Median milliseconds of a forward pass over `batch` inputs, warm, on the network's device.

    Measured for about `seconds`, one pass at a time; on a CPU with one thread, because figures
    with several depend on what else the machine does.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with evaluating(network):
            return _median_ms(network, _inputs(network, batch, input_shape), seconds)
    finally:
        torch.set_num_threads(threads)


def _median_ms(network: nn.Module, x: Tensor, seconds: float) -> float:
    for _ in range(3):  # allocations and the choice of kernels happen in the first calls
        _timed(network, x)
    times: list[float] = []
    end = perf_counter() + seconds
    while len(times) < 5 or perf_counter() < end:
        times.append(_timed(network, x))
    return 1e3 * median(times)


def _timed(network: nn.Module, x: Tensor) -> float:
    start = perf_counter()
    network(x)
    if x.is_cuda:
        torch.cuda.synchronize(x.device)
    return perf_counter() - start


def training_memory_mb(network: nn.Module, input_shape: tuple[int, ...], batch: int) -> float:
    """MiB that a training step with `batch` inputs needs on the network's device.

    On CUDA the allocator's peak over a forward and a backward pass. Elsewhere no allocator keeps
    count, so what a step must hold is added up: the tensors kept for the backward pass, weights
    and buffers, gradients. Two numbers a weight that is trained, as AdamW keeps, are added in both
    cases.
    """
    weights = sum(p.numel() * p.element_size() for p in network.parameters() if p.requires_grad)
    device = _device(network)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    rng, training = torch.get_rng_state(), network.training
    try:
        measure = _cuda_peak if device.type == "cuda" else _kept_for_backward
        return (measure(network, _inputs(network, batch, input_shape)) + 2 * weights) / MIB
    finally:
        network.load_state_dict(state)  # running statistics have seen the made-up inputs
        network.zero_grad(set_to_none=True)
        network.train(training)
        torch.set_rng_state(rng)


def _cuda_peak(network: nn.Module, x: Tensor) -> int:
    torch.cuda.synchronize(x.device)
    torch.cuda.reset_peak_memory_stats(x.device)
    network.train()(x).sum().backward()
    torch.cuda.synchronize(x.device)
    return torch.cuda.max_memory_allocated(x.device)


def _kept_for_backward(network: nn.Module, x: Tensor) -> int:
    sizes: dict[int, int] = {}

    def note(*tensors: Tensor) -> None:
        for tensor in tensors:
            storage = tensor.untyped_storage()
            sizes[storage.data_ptr()] = storage.nbytes()

    def keep(tensor: Tensor) -> Tensor:
        note(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = network.train()(x)
    note(*network.parameters(), *network.buffers(), x, output)
    gradients = sum(p.numel() * p.element_size() for p in network.parameters() if p.requires_grad)
    return sum(sizes.values()) + gradients


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


def _inputs(network: nn.Module, batch: int, shape: tuple[int, ...]) -> Tensor:
    return torch.zeros(batch, *shape, device=_device(network))


def _device(network: nn.Module) -> torch.device:
    first = next(network.parameters(), None)
    return torch.device("cpu") if first is None else first.device
