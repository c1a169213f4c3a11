"""Images per second: optunas' engine beside the ordinary loop and beside loops written by hand.

    python tests/performance/throughput.py FOLDER --json throughput.json

Trains a network of ResNet-18's kind and five random small candidates of `ConvNet` on CIFAR-10,
with the same recipe and augmentation of the same kind on all sides: `optunas.training.train`;
(a) the ordinary loop, from JPEG files and from memory, its workers chosen by trial for each
network; (b) the device-resident loop written by hand; (b2) that in a CUDA graph; and (c) the
arithmetic alone, as fast as this device multiplies large matrices. One network at a time, the
sides taking turns: a round is one epoch (or `--seconds`) of each; ratios are of the same round.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import byhand
import limit
import ordinary
import torch
from images import trimmed
from networks import SMALL_MACS, SMALL_PARAMS, STEM_STRIDE, Named, candidates, resnet18
from reporting import Table, parsed, parser, report, short, spread, verdict
from torch.utils.data import Subset

from optunas import Recipe
from optunas.data import Data, cifar10
from optunas.training import train

JPEG, MEMORY, HAND, GRAPH = "a: JPEG", "a: memory", "b: by hand", "b2: + graph"


@dataclass(frozen=True)
class Setting:
    """What all sides share."""

    folder: str
    data: Data
    recipe: Recipe
    device: torch.device
    seconds: float
    repeats: int
    images: int
    """most images of an epoch"""


@dataclass(frozen=True)
class Measured:
    """Images per second of one network, a number for each round."""

    rates: dict[str, list[float]]
    loads: dict[str, ordinary.Load]

    def over(self, side: str) -> list[float]:
        """How many times as fast optunas is, round by round."""
        return [
            ours / other
            for ours, other in zip(*(self.rates[s] for s in ("optunas", side)), strict=True)
        ]


def measured(named: Named, setting: Setting) -> Measured:
    """All sides in turn; the first round warms up and is not counted."""
    print(f"{named.name} ...", file=sys.stderr, flush=True)
    data, device = setting.data, setting.device
    count = _epoch_size(named, setting)
    recipe, seconds = setting.recipe, setting.seconds
    few = trimmed(data, train=count, rest=100)  # only training is measured
    sets = _datasets(setting)
    loads = {
        side: ordinary.fastest(lambda: named.build(device), images, recipe, device, seconds / 2)
        for side, images in sets.items()
    }
    sides: dict[str, Iterator[float]] = {
        "optunas": (
            epoch.images_per_second
            for epoch in train(named.build(device), few, recipe, device=device)
        ),
        **{
            side: ordinary.train(
                named.build(device), images, recipe, device, load=loads[side], seconds=seconds
            )
            for side, images in sets.items()
        },
        HAND: byhand.train(named.build(device), data, recipe, device, seconds=seconds),
    }
    if device.type == "cuda":
        network = named.build(device)
        sides[GRAPH] = byhand.train_captured(network, data, recipe, device, seconds=seconds)
    rounds = [
        {side: next(rates) for side, rates in sides.items()} for _ in range(setting.repeats + 1)
    ]
    for running in sides.values():
        running.close()
    return Measured({side: [rates[side] for rates in rounds[1:]] for side in sides}, loads)


def _epoch_size(named: Named, setting: Setting) -> int:
    """As many images as are trained on in `seconds`, in whole batches."""
    data, recipe, device = setting.data, setting.recipe, setting.device
    run = byhand.train(named.build(device), data, recipe, device, seconds=setting.seconds / 4)
    next(run)
    rate = next(run)
    run.close()
    size = recipe.batch_size
    most = min(setting.images, len(data.train)) // size
    return size * max(1, min(most, round(rate * setting.seconds / size)))


def _datasets(setting: Setting) -> dict[str, Subset | ordinary.InMemory]:
    data = setting.data
    transform = ordinary.transforms(data.input_shape[-1], data.mean, data.std)
    files = ordinary.jpegs(f"{setting.folder}/train", len(data.train), transform, seed=0)
    memory = ordinary.InMemory(data.train.images, data.train.labels, transform)
    return {JPEG: files, MEMORY: memory}


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--seconds", type=float, default=3.0, help="of one measurement")
    made.add_argument("--repeats", type=int, default=5, help="rounds that count")
    made.add_argument("--images", type=int, default=1_000_000, help="most of an epoch")
    made.add_argument("--candidates", type=int, default=5, help="random small networks")
    made.add_argument("--macs", type=float, help="most of a small candidate; by the device")
    made.add_argument("--stem-stride", type=int, help="of the candidates; by the device")
    made.add_argument("--batch", type=int, default=128)
    made.add_argument("--no-resnet", action="store_true", help="only the small candidates")
    options = parsed(made)
    device, data = options.device, cifar10(options.folder)
    recipe = Recipe(epochs=1000, batch_size=options.batch, augment=1.0)
    setting = Setting(
        options.folder, data, recipe, device, options.seconds, options.repeats, options.images
    )
    shape, classes = data.input_shape, len(data.classes)
    macs = options.macs or SMALL_MACS[device.type]
    stride = options.stem_stride or STEM_STRIDE[device.type]
    small = candidates(
        options.candidates, shape, classes, macs=macs, stem_stride=stride, seed=options.seed
    )
    large = [] if options.no_resnet else [Named("ResNet-18", resnet18(), shape, classes)]
    said = report("Images per second of training", device, f"{options.seed} (networks), 0 (rest)")
    dtypes = [torch.float32, torch.bfloat16]
    multiplied = {str(t).removeprefix("torch."): limit.macs_per_second(device, t) for t in dtypes}
    best = max(multiplied.values())
    found = {named: measured(named, setting) for named in [*large, *small]}
    said.tables = [_rates(found, best), _ratios(found)]
    said.lines += [
        "measured matrix products: "
        + ", ".join(f"{name} {short(rate)}MAC/s" for name, rate in multiplied.items()),
        f"candidates: the first of ConvNet(stem_stride={stride}) with at most "
        f"{short(SMALL_PARAMS)} parameters and {short(macs)} MACs",
        f"medians (and quartiles) of {options.repeats} rounds of {options.seconds:g} s; "
        f"batches of {options.batch}",
        *_verdicts([found[named] for named in small], list(found.values()), device),
    ]
    said.figures = {
        "multiplied": multiplied,
        "rates": {named.name: result.rates for named, result in found.items()},
    }
    said.finish(options)


def _rates(found: dict[Named, Measured], best: float) -> Table:
    sides = list(next(iter(found.values())).rates)
    heads = ["network", "params", "MACs", *sides, "c: arithmetic", "workers, threads"]
    table = Table("images per second", heads)
    for named, result in found.items():
        price = named.cost
        rates = [spread(result.rates[side]) for side in sides]
        loads = "; ".join(
            f"{load.workers}, {load.threads or 'all'}" for load in result.loads.values()
        )
        ceiling = f"{limit.images_per_second(price.macs, best):.3g}"
        table.add(named.name, short(price.params), short(price.macs), *rates, ceiling, loads)
    return table


def _ratios(found: dict[Named, Measured]) -> Table:
    sides = [side for side in next(iter(found.values())).rates if side != "optunas"]
    table = Table("times as fast as", ["network", *sides])
    for named, result in found.items():
        table.add(named.name, *(spread(result.over(side)) for side in sides))
    return table


def _verdicts(small: list[Measured], every: list[Measured], device: torch.device) -> list[str]:
    """The targets, each judged by the network that is furthest from it."""

    def least(results: list[Measured], side: str) -> float:
        return min(median(result.over(side)) for result in results)

    if device.type == "cuda":
        return [
            verdict("small candidates, optunas / (a) from JPEG, the least,", least(small, JPEG), 5),
            verdict(
                "small candidates, optunas / (a) from memory, the least,", least(small, MEMORY), 5
            ),
            verdict("all networks, optunas / (b), the least,", least(every, HAND), 0.95),
        ]
    return [
        verdict("small candidates, optunas / (a) from JPEG, the least,", least(small, JPEG), 1.5),
        verdict("all networks, optunas / (a) from memory, the least,", least(every, MEMORY), 1),
        verdict("all networks, optunas / (b), the least,", least(every, HAND), 0.95),
    ]


if __name__ == "__main__":
    main()
