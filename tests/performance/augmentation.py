"""Augmented images per second: a batch at once, beside torchvision's transforms image by image.

    python tests/performance/augmentation.py

Batches of 128 random images (a GPU also takes 1,024), 3 x 32 x 32 and 3 x 128 x 128, uint8 and on
the device, as during training. Beside ours: "indexed", the usual shift, flip and square of whole
batches by plain indexing and `torch.where`; torchvision's transforms of the same kind on the CPU,
on Pillow images in memory, one after the other, without what follows (batching, the way to the
device). A figure is the median, and the best, of several runs. On a CPU everything has one thread,
and the seconds are those that the process was given, so that other processes do not count.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter, process_time

import torch
from machine import wait
from PIL import Image
from reporting import Table, parsed, parser, report
from torch import Tensor
from torchvision.transforms import v2

from optunas import Recipe
from optunas.training.augment import Mixing, Policy

SIZES = (32, 128)
CPU, MAIN = torch.device("cpu"), "shift, flip, erase"
RECIPES = {
    MAIN: Recipe(augment=1.0),
    "colour": Recipe(colour=0.5),
    "RandAugment": Recipe(rand_augment=0.3),
    "all of these": Recipe(augment=1.0, colour=0.5, rand_augment=0.3),
}
MIXES = {
    "mixup": Recipe(mixup=0.2),
    "CutMix": Recipe(cutmix=1.0),
    "mixup or CutMix": Recipe(mixup=0.2, cutmix=1.0),
}


def torchvision(size: int) -> dict[str, Callable[[Image.Image], Tensor]]:
    """What people write; strengths are those of RECIPES."""
    crop = [v2.RandomCrop(size, size // 8, padding_mode="reflect"), v2.RandomHorizontalFlip()]
    erase = [v2.ToImage(), v2.RandomErasing(p=1.0, scale=(0.14, 0.14), ratio=(1, 1))]
    jitter, some = v2.ColorJitter(0.4, 0.4, 0.4, 0.1), v2.RandAugment()
    return {
        MAIN: v2.Compose([*crop, *erase]),
        "colour": v2.Compose([jitter, v2.ToImage()]),
        "RandAugment": v2.Compose([some, v2.ToImage()]),
        "all of these": v2.Compose([*crop, some, jitter, *erase]),
    }


def indexed(images: Tensor, u: Tensor, fill: Tensor) -> Tensor:
    """Shift, flip and square in the plain way: indices for rows and columns, then a mask."""
    count, _, height, width = images.shape
    y, x = (torch.arange(size, device=images.device) for size in (height, width))
    most = height // 8
    rows, columns = (
        place + ((2 * number - 1) * (most + 1)).trunc().long()[:, None]
        for place, number in ((y, u[0]), (x, u[1]))
    )
    columns = torch.where(u[2, :, None] < 0.5, columns.flip(1), columns)
    rows, columns = (
        (size - 1 - (size - 1 - index.abs()).abs())
        for size, index in ((height, rows), (width, columns))
    )
    each = torch.arange(count, device=images.device)[:, None, None]
    moved = images[each, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    side = 3 * height // 8
    hidden = [
        (place >= first[:, None]) & (place < first[:, None] + side)
        for place, first in ((y, (u[4] * height).long()), (x, (u[5] * width).long()))
    ]
    hole = hidden[0][:, None, :, None] & hidden[1][:, None, None, :]
    return torch.where(hole, fill[:, None, None], moved)


def rate(
    work: Callable[[], object], images: int, device: torch.device, seconds: float
) -> list[float]:
    """Images per second of several runs, after two that warm up."""
    clock = process_time if device.type == "cpu" else perf_counter
    runs: list[float] = []
    end = perf_counter() + seconds
    while len(runs) < 7 or perf_counter() < end:
        wait(device)
        start = clock()
        work()
        wait(device)
        runs.append(images / (clock() - start))
    return runs[2:]


def shown(rates: list[float]) -> str:
    return f"{median(rates):,.0f} (best {max(rates):,.0f})"


def compared(batch: int, size: int, options: argparse.Namespace) -> Table:
    """One size of batches and images."""
    device, seconds = options.device, options.seconds
    generator = torch.Generator().manual_seed(options.seed)
    stored = torch.randint(0, 256, (batch, 3, size, size), generator=generator).to(torch.uint8)
    images, u = stored.to(device), torch.rand(14, batch, generator=generator).to(device)
    floats = images.to(torch.float32, memory_format=torch.channels_last)
    fill = torch.full((3,), 127, dtype=torch.uint8, device=device)
    pictures = [v2.functional.to_pil_image(image) for image in stored[:64]]
    table = Table(
        f"batches of {batch}, 3 x {size} x {size}",
        ["operation", "optunas", "indexed", "torchvision, one by one"],
    )
    plain = shown(rate(partial(indexed, images, u, fill), batch, device, seconds))
    for name, transform in torchvision(size).items():
        policy = Policy.of(RECIPES[name], flip=True)
        ours = rate(partial(policy, images, u[: policy.numbers], fill), batch, device, seconds)
        one_by_one = rate(partial(each, transform, pictures), len(pictures), CPU, seconds)
        table.add(name, shown(ours), plain if name == MAIN else "", shown(one_by_one))
    for name, recipe in MIXES.items():
        ours = rate(partial(Mixing.of(recipe, device), floats, u), batch, device, seconds)
        table.add(name, shown(ours), "", "")
    return table


def each(transform: Callable[[Image.Image], Tensor], pictures: list[Image.Image]) -> list[Tensor]:
    return [transform(picture) for picture in pictures]


def main() -> None:
    made = parser(__doc__, data=False)
    made.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    options = parsed(made)
    if options.device.type == "cpu":
        torch.set_num_threads(1)
    found = report("Augmentation, images per second", options.device, options.seed)
    for batch in (128, 1024) if options.device.type == "cuda" else (128,):
        found.tables += [compared(batch, size, options) for size in SIZES]
    found.finish(options)


if __name__ == "__main__":
    main()
