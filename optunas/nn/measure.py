"""What a network costs, measured on the network itself: any `nn.Module`, ours or a person's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import FlopCounterMode

MIB = 2**20


def count(network: nn.Module, input_shape: tuple[int, ...]) -> tuple[int, int]:
    """(parameters, MACs for one input) of any network, the meta device included.

    MACs are half of what `FlopCounterMode` counts: convolutions, matrix products and attention.
    """
    params = sum(p.numel() for p in network.parameters() if p.requires_grad)
    with _evaluating(network), FlopCounterMode(display=False) as counter:
        network(_inputs(network, 1, input_shape))
    return params, counter.get_total_flops() // 2


def latency_ms(
    network: nn.Module, input_shape: tuple[int, ...], *, batch: int = 1, seconds: float = 0.2
) -> float:
    """Median milliseconds of a forward pass over `batch` inputs, warm, on the network's device.

    `torch.utils.benchmark` waits for the device, and measures for about `seconds`.
    """
    with _evaluating(network):
        x = _inputs(network, batch, input_shape)
        timer = Timer("network(x)", globals={"network": network, "x": x})
        timer.timeit(3)  # allocations and the choice of kernels happen in the first calls
        return timer.blocked_autorange(min_run_time=seconds).median * 1e3


def training_memory_mb(network: nn.Module, input_shape: tuple[int, ...], batch: int) -> float:
    """MiB that a training step with `batch` inputs needs on the network's device.

    On CUDA the allocator's peak over a forward and a backward pass. Elsewhere no allocator keeps
    count, so what a step must hold is added up: the tensors kept for the backward pass, weights
    and buffers, gradients. Two numbers a weight, as AdamW keeps, are added in both cases.
    """
    weights = sum(p.numel() * p.element_size() for p in network.parameters())
    device = _device(network)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    rng = torch.get_rng_state()
    try:
        measure = _cuda_peak if device.type == "cuda" else _kept_for_backward
        return (measure(network, _inputs(network, batch, input_shape)) + 2 * weights) / MIB
    finally:
        network.load_state_dict(state)  # running statistics have seen the made-up inputs
        network.zero_grad(set_to_none=True)
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
def _evaluating(network: nn.Module) -> Iterator[None]:
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
