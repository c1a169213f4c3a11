"""The loop that a careful person writes with PyTorch: `DataLoader`, torchvision's transforms, AMP.

Nothing of optunas works here but `Recipe`, which holds the numbers, so that both sides train by
the same. Everything that is usually recommended is done: decoding workers (how many is tried out),
pinned memory, copies that don't wait, persistent workers, prefetching, bf16 autocast on a GPU,
channels_last, a fused optimizer, cuDNN's choice of algorithms by trial, gradients set to None, and
no number read from the device within an epoch. Of the usual ways to read an image, the fastest is
taken (`torchvision.io` and v2 transforms of tensors; images per second on one core, as measured:
1,870; PIL and v1 transforms 1,380; PIL and v2 1,080).

The augmentation is of the same kind as optunas' at full strength: a crop of the image padded by an
eighth, a flip, and a square of 3/8 erased; here each image on its own, in a worker.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from machine import cores
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision.datasets import ImageFolder
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import v2

from optunas import Recipe

WARM_UP = 0.2


@dataclass(frozen=True)
class Load:
    """How the work is divided: processes that prepare images, threads that compute (0: torch's)."""

    workers: int = 0
    threads: int = 0


class InMemory(Dataset[tuple[Tensor, Tensor]]):
    """uint8 images (N, C, H, W) and labels (N,), transformed one by one."""

    def __init__(self, images: Tensor, labels: Tensor, transform: Callable[[Tensor], Tensor]):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.transform(self.images[index]), self.labels[index]


def transforms(side: int, mean: tuple[float, ...], std: tuple[float, ...]) -> v2.Compose:
    """uint8 (C, H, W) -> float32, augmented and normalised."""
    share = (3 / 8) ** 2
    return v2.Compose(
        [
            v2.RandomCrop(side, padding=side // 8, padding_mode="reflect"),
            v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(mean, std),
            v2.RandomErasing(p=1.0, scale=(share, share), ratio=(1.0, 1.0)),
        ]
    )


def jpegs(folder: Path, count: int, transform: Callable[[Tensor], Tensor], seed: int) -> Subset:
    """`count` random images of an image folder, decoded whenever they are asked for."""
    every = ImageFolder(str(folder), transform, loader=_decoded)
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(every), generator=generator)[:count]
    return Subset(every, chosen.tolist())


def _decoded(path: str) -> Tensor:
    return decode_image(path, mode=ImageReadMode.RGB)


def train(
    network: nn.Module,
    dataset: Dataset,
    recipe: Recipe,
    device: torch.device,
    *,
    load: Load,
    seed: int = 0,
    seconds: float = math.inf,
) -> Iterator[float]:
    """Train, an epoch at a time, each cut off after `seconds`; yields images per second."""
    torch.manual_seed(seed)
    network.to(device, memory_format=torch.channels_last)
    batches = loader(dataset, recipe.batch_size, load.workers, device)
    optimizer = optimizer_for(network, recipe)
    steps = recipe.epochs * len(batches)
    schedule = LambdaLR(optimizer, lambda step: factor(step, steps))
    for _ in range(recipe.epochs):
        with tuned_machine(load.threads):
            start = time.perf_counter()
            end = start + seconds
            done = _epoch(network, batches, optimizer, schedule, device, recipe, end)
            rate = done * batches.batch_size / (time.perf_counter() - start)
        yield rate


def _epoch(
    network: nn.Module,
    batches: DataLoader,
    optimizer: Optimizer,
    schedule: LambdaLR,
    device: torch.device,
    recipe: Recipe,
    end: float,
) -> int:
    """The steps that were done, when the device is through with them."""
    network.train()
    total = torch.zeros((), device=device)
    for done, (images, labels) in enumerate(batches, start=1):  # noqa: B007
        x = images.to(device, non_blocking=True, memory_format=torch.channels_last)
        y = labels.to(device, non_blocking=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            loss = cross_entropy(network(x), y, label_smoothing=recipe.label_smoothing)
        loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        total += loss.detach()
        if time.perf_counter() > end:
            break
    total.item()
    return done


@torch.no_grad()
def accuracy(
    network: nn.Module, images: Tensor, labels: Tensor, moments: tuple, device: torch.device
) -> float:
    """On uint8 images that are not augmented; 0..1."""
    network.eval()
    right = torch.zeros((), dtype=torch.long, device=device)
    normalise = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(*moments)])
    for x, y in zip(images.split(1000), labels.split(1000), strict=True):
        x = normalise(x.to(device)).to(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            right += (network(x).argmax(1) == y.to(device)).sum()
    return right.item() / len(labels)


def loader(dataset: Dataset, batch: int, workers: int, device: torch.device) -> DataLoader:
    """Whole batches in a new order; workers that live as long as the loader."""
    return DataLoader(
        dataset,
        min(batch, len(dataset)),
        shuffle=True,
        num_workers=workers,
        pin_memory=device.type == "cuda",
        drop_last=True,
        persistent_workers=workers > 0,
        prefetch_factor=4 if workers else None,
    )


def optimizer_for(
    network: nn.Module, recipe: Recipe, lr: float | Tensor | None = None
) -> Optimizer:
    """As `Recipe` names it; vectors (biases, normalisation) are not decayed, as is usual."""
    lr = recipe.lr if lr is None else lr
    parameters = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    if recipe.optimizer == "sgd":
        return SGD(groups, lr, recipe.momentum, nesterov=True, fused=True)
    capturable = isinstance(lr, Tensor)
    return AdamW(groups, lr, (recipe.momentum, 0.999), fused=True, capturable=capturable)


def factor(step: int, steps: int) -> float:
    """One cycle: a linear warm-up, then a cosine to zero."""
    warm = round(WARM_UP * steps)
    if step < warm:
        return (step + 1) / (warm + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


@contextmanager
def tuned_machine(threads: int) -> Iterator[None]:
    """Settings that are global in torch, for as long as it is this loop's turn."""
    before = torch.backends.cudnn.benchmark, torch.get_num_threads()
    torch.backends.cudnn.benchmark = True
    torch.set_num_threads(threads or before[1])
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before[0]
        torch.set_num_threads(before[1])


def fastest(
    make: Callable[[], nn.Module],
    dataset: Dataset,
    recipe: Recipe,
    device: torch.device,
    seconds: float,
) -> Load:
    """The best division of work for this network: each is tried for `seconds`, after a warm-up."""
    rates = {}
    for load in _loads(device):
        run = train(make(), dataset, recipe, device, load=load, seconds=seconds)
        next(run)  # workers start, memory is allocated
        rates[load] = next(run)
        run.close()
    return max(rates, key=lambda load: rates[load])


def _loads(device: torch.device) -> list[Load]:
    """0, 1, 2, 4 ... workers; on a CPU with all threads, and with those that are left."""
    most = cores()
    workers = sorted({0, most, *(2**n for n in range(most.bit_length()) if 2**n <= most)})
    if device.type != "cpu":
        return [Load(count) for count in workers]
    pairs = {(count, threads) for count in workers for threads in (most, max(1, most - count))}
    return [Load(*pair) for pair in sorted(pairs)]
