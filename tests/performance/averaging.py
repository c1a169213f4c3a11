"""Whether an average of the weights makes a winner better: `Recipe(ema=...)` beside none.

    python tests/performance/averaging.py digits --epochs 60 --seeds 5
    python tests/performance/averaging.py FOLDER --images 5000 --epochs 15 --seeds 3

FOLDER holds CIFAR-10 as train/<class>/*.jpg, or other images. A plain small network, or random
ones of `ConvNet`, are trained like winners, from scratch and by the whole schedule. Every side has
the same first weights, batches and random numbers, and averaging never acts on the training, so
that the sides of a run differ in nothing but the average: what is told is the mean of the
differences within the runs, with its 95 % interval (Student's t). A run is a network and a seed.
Sides whose decay is the same in every step, since its warm-up does not end before the training
does, are trained once.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import replace
from itertools import product
from statistics import mean, stdev

import numpy as np
import torch
from images import trimmed
from reporting import Report, Table, parsed, parser, report
from scipy.stats import t

from optunas import Recipe
from optunas.architecture import (
    Architecture,
    ConvNorm,
    GlobalPool,
    Linear,
    Pool,
    Sequential,
    cost,
)
from optunas.data import Data, load
from optunas.nn import build
from optunas.spaces import ConvNet, draw
from optunas.training import Epoch, train
from optunas.training.average import decay_at
from optunas.training.recipe import SCHEDULES


def plain(stem_stride: int) -> Architecture:
    """Three convolutions, the channels doubled wherever the sides are halved."""
    stem, middle, top = ConvNorm(32, stride=stem_stride), ConvNorm(64), ConvNorm(128)
    halved = Pool()
    return Sequential(stem, halved, middle, halved, top, GlobalPool(), Linear())


def drawn(count: int, data: Data, options: Namespace) -> list[Architecture]:
    """Random networks from half of `--macs` up to it."""
    space, rng = ConvNet(stem_stride=options.stem_stride), np.random.default_rng(options.seed)
    found: list[Architecture] = []
    while len(found) < count:
        architecture = draw(space.suggest, rng).architecture
        macs = cost(architecture, data.input_shape, len(data.classes)).macs
        if options.macs / 2 <= macs <= options.macs:
            found.append(architecture)
    return found


def last_epoch(
    architecture: Architecture, data: Data, recipe: Recipe, seed: int, device: torch.device
) -> Epoch:
    network = build(architecture, data.input_shape, len(data.classes), seed=seed)
    *_, last = train(network, data, recipe, seed=seed, device=device)
    return last


def interval(values: list[float]) -> tuple[float, float, float]:
    """The mean, and the ends of its 95 % interval; needs two values."""
    middle, error = mean(values), stdev(values) / len(values) ** 0.5
    reach = float(t.ppf(0.975, len(values) - 1)) * error
    return middle, middle - reach, middle + reach


def told(said: Report, found: dict[float, list[Epoch]]) -> None:
    """The table of all sides, and a line for each that averages."""
    table = Table(
        "validation split, after the last epoch",
        ["ema", "accuracy, %", "difference, points", "95 %", "loss", "difference", "95 %"],
    )
    for ema, epochs in found.items():
        cells: list[str] = []
        for values, bases, digits in (
            ([100 * e.accuracy for e in epochs], [100 * e.accuracy for e in found[0.0]], 2),
            ([e.loss for e in epochs], [e.loss for e in found[0.0]], 4),
        ):
            cells.append(f"{mean(values):.{digits}f}")
            if ema == 0:
                cells += ["", ""]
                continue
            apart = [one - base for one, base in zip(values, bases, strict=True)]
            middle, low, high = interval(apart)
            cells += [f"{middle:+.{digits}f}", f"{low:+.{digits}f} to {high:+.{digits}f}"]
        table.add(f"{ema:g}", *cells)
    said.tables.append(table)
    said.figures = {
        f"{ema:g}": {"accuracy": [e.accuracy for e in epochs], "loss": [e.loss for e in epochs]}
        for ema, epochs in found.items()
    }


def main() -> None:
    made = parser(__doc__, data=False)
    made.add_argument("data", help="digits, a torchvision set or a folder of images")
    made.add_argument("--epochs", type=int, default=15)
    made.add_argument("--seeds", type=int, default=3, help="of each network; two runs at least")
    made.add_argument("--networks", type=int, default=0, help="random ones; without, a plain one")
    made.add_argument("--images", type=int, help="of training; all without")
    made.add_argument("--rest", type=int, help="images of validation; all without")
    made.add_argument("--ema", type=float, nargs="+", default=[0.99, 0.999])
    made.add_argument("--schedule", choices=SCHEDULES, default="onecycle")
    made.add_argument("--augment", type=float, default=0.0)
    made.add_argument("--batch", type=int, default=128, help="smaller ones make more steps")
    made.add_argument("--macs", type=float, default=2e6, help="of random ones, half as many least")
    made.add_argument("--stem-stride", type=int, default=1)
    options = parsed(made)
    data = trimmed(load(options.data), train=options.images, rest=options.rest)
    base = Recipe(
        epochs=options.epochs,
        batch_size=options.batch,
        schedule=options.schedule,
        augment=options.augment,
    )
    seeds = range(options.seed, options.seed + options.seeds)
    networks = drawn(options.networks, data, options) or [plain(options.stem_stride)]
    steps = len(data.train) // base.batch_size * base.epochs
    reached = decay_at(1.0, steps - 1)
    said = report("An average of the weights", options.device, f"{seeds.start} to {seeds.stop - 1}")
    found: dict[float, list[Epoch]] = {ema: [] for ema in (0.0, *options.ema)}
    for (number, network), seed in product(enumerate(networks), seeds):
        print(f"network {number}, seed {seed} ...", file=sys.stderr, flush=True)
        known: dict[float, Epoch] = {}
        for ema, epochs in found.items():
            decay = min(ema, reached)
            if decay not in known:
                recipe = replace(base, ema=ema)
                known[decay] = last_epoch(network, data, recipe, seed, options.device)
            epochs.append(known[decay])
    told(said, found)
    prices = [cost(network, data.input_shape, len(data.classes)) for network in networks]
    said.lines += [
        f"{base.describe()}; {steps:,} steps; {len(data.train):,} training, "
        f"{len(data.validation):,} validation images",
        f"the decay's warm-up has come to {reached:.4f} by the last step: an ema above is the same",
        "networks of " + ", ".join(f"{p.params:,} parameters, {p.macs:,} MACs" for p in prices),
    ]
    said.finish(options)


if __name__ == "__main__":
    main()
