"""The device-resident loop, written out by hand for CIFAR-10: no parts, nothing to choose.

All images lie on the device as uint8, padded once; a batch is an index into windows of them. The
whole of a step is plain torch. `train` launches every kernel from Python; `train_captured` replays
a CUDA graph of the step, captured as torch's notes on CUDA graphs describe
(https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import torch
from ordinary import factor, optimizer_for, tuned_machine
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from optunas import Recipe
from optunas.data import Data


class Resident:
    """The training images on the device, and batches of them."""

    def __init__(self, data: Data, device: torch.device) -> None:
        images, self.labels = data.train.images.to(device), data.train.labels.to(device)
        self.side = images.shape[-1]
        self.reach = self.side // 8
        around = (self.reach,) * 4
        padded = torch.cat(  # pad knows no reflection of uint8; floats of all images are many
            [pad(part.float(), around, mode="reflect").byte() for part in images.split(5000)]
        )
        # (N, C, 9, 9, 32, 32): every crop of every image, without a copy
        self.crops = padded.unfold(2, self.side, 1).unfold(3, self.side, 1)
        self.mean = 255 * torch.tensor(data.mean, device=device)[:, None, None]
        self.scale = 1 / (255 * torch.tensor(data.std, device=device)[:, None, None])
        self.places = torch.arange(self.side, device=device)

    def batch(self, index: Tensor) -> Tensor:
        """index: (B,) -> float32 (B, C, H, W): cropped, flipped, normalised, a square erased."""
        count, device, side = len(index), index.device, self.side
        down, right = torch.randint(2 * self.reach + 1, (2, count), device=device)
        x = self.crops[index, :, down, right]
        flipped = torch.rand(count, 1, 1, 1, device=device) < 0.5
        x = torch.where(flipped, x.flip(-1), x)
        x = x.to(torch.float32, memory_format=torch.channels_last)
        x = x.sub_(self.mean).mul_(self.scale)
        hole = 3 * side // 8
        first = torch.randint(side, (2, count, 1), device=device) - hole // 2
        rows, columns = (self.places >= first) & (self.places < first + hole)
        return x.masked_fill_(rows[:, None, :, None] & columns[:, None, None, :], 0.0)


def train(
    network: nn.Module,
    data: Data,
    recipe: Recipe,
    device: torch.device,
    *,
    seed: int = 0,
    seconds: float = math.inf,
) -> Iterator[float]:
    """Train, an epoch at a time, each cut off after `seconds`; yields images per second."""
    torch.manual_seed(seed)
    network.to(device, memory_format=torch.channels_last)
    resident, count = Resident(data, device), len(data.train)
    size = min(recipe.batch_size, count)
    optimizer = optimizer_for(network, recipe)
    steps = count // size
    for epoch in range(recipe.epochs):
        with tuned_machine(0):
            start = time.perf_counter()
            network.train()
            order = torch.randperm(count, device=device)
            total = torch.zeros((), device=device)
            for number in range(steps):
                index = order[number * size : (number + 1) * size]
                for group in optimizer.param_groups:
                    step = epoch * steps + number
                    group["lr"] = recipe.lr * factor(step, recipe.epochs * steps)
                total += _step(network, optimizer, resident, index, recipe, device)
                optimizer.zero_grad(set_to_none=True)
                if time.perf_counter() > start + seconds:
                    break
            total.item()
            rate = (number + 1) * size / (time.perf_counter() - start)
        yield rate


def train_captured(
    network: nn.Module,
    data: Data,
    recipe: Recipe,
    device: torch.device,
    *,
    seed: int = 0,
    seconds: float = math.inf,
) -> Iterator[float]:
    """The same, with the whole step (crops, network, optimizer) in one CUDA graph."""
    torch.manual_seed(seed)
    network.to(device, memory_format=torch.channels_last)
    resident, count = Resident(data, device), len(data.train)
    size = min(recipe.batch_size, count)
    rate = torch.zeros((), device=device)
    optimizer = optimizer_for(network, recipe, rate)  # zero: warming up moves no weight
    index = torch.arange(size, device=device)
    total = torch.zeros((), device=device)
    with tuned_machine(0):
        graph = _captured(network, optimizer, resident, index, total, recipe, device)
    steps = count // size
    every = recipe.epochs * steps
    rates = torch.tensor([recipe.lr * factor(step, every) for step in range(every)], device=device)
    for epoch in range(recipe.epochs):
        start = time.perf_counter()
        network.train()
        order = torch.randperm(count, device=device)
        total.zero_()
        for number in range(steps):
            index.copy_(order[number * size : (number + 1) * size])
            rate.copy_(rates[epoch * steps + number])
            graph.replay()
            if time.perf_counter() > start + seconds:
                break
        total.item()
        yield (number + 1) * size / (time.perf_counter() - start)


def _captured(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    resident: Resident,
    index: Tensor,
    total: Tensor,
    recipe: Recipe,
    device: torch.device,
) -> torch.cuda.CUDAGraph:
    network.train()
    side = torch.cuda.Stream(device)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        for _ in range(5):
            optimizer.zero_grad(set_to_none=True)
            _step(network, optimizer, resident, index, recipe, device)
    torch.cuda.current_stream(device).wait_stream(side)
    optimizer.zero_grad(set_to_none=True)  # so that the gradients lie in the graph's own memory
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        total += _step(network, optimizer, resident, index, recipe, device)
    for state in optimizer.state.values():  # what it learned from warming up
        for value in state.values():
            value.zero_()
    return graph


def _step(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    resident: Resident,
    index: Tensor,
    recipe: Recipe,
    device: torch.device,
) -> Tensor:
    x, y = resident.batch(index), resident.labels[index]
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        loss = cross_entropy(network(x), y, label_smoothing=recipe.label_smoothing)
    loss.backward()
    optimizer.step()
    return loss.detach()
