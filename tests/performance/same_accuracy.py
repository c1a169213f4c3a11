"""The same accuracy: optunas' engine beside the ordinary loop, by the same recipe.

    python tests/performance/same_accuracy.py FOLDER --epochs 10

Both train the same architecture from the same first weights (a seed gives both the same), on the
same images in orders of their own, with augmentation of the same kind, and are judged on the same
validation images by the same code. The ordinary loop reads decoded images from memory, which are
the same pixels as those of the files. Told are mean and deviation over the seeds, Welch's t-test,
and the 95 % interval of the difference of the means: if it holds zero and is narrow, nothing was
lost by the engine.
"""

from __future__ import annotations

import sys
from statistics import mean, stdev

import ordinary
import torch
from images import trimmed
from networks import SMALL_MACS, STEM_STRIDE, Named, candidates, resnet18
from reporting import Table, parsed, parser, report
from scipy.stats import ttest_ind
from torch import nn

from optunas import Recipe
from optunas.data import Data, cifar10
from optunas.training import train


def ours(named: Named, data: Data, recipe: Recipe, device: torch.device, seed: int) -> nn.Module:
    network = named.build(device, seed)
    for _ in train(network, data, recipe, device=device, seed=seed):
        pass
    return network


def theirs(
    named: Named, data: Data, recipe: Recipe, device: torch.device, seed: int, workers: int
) -> nn.Module:
    network = named.build(device, seed)
    transform = ordinary.transforms(data.input_shape[-1], data.mean, data.std)
    images = ordinary.InMemory(data.train.images, data.train.labels, transform)
    load = ordinary.Load(workers)
    for _ in ordinary.train(network, images, recipe, device, load=load, seed=seed):
        pass
    return network


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--network", choices=("candidate", "resnet18"), default="candidate")
    made.add_argument("--epochs", type=int, help="10 without; 5 on a CPU")
    made.add_argument("--seeds", type=int, default=5)
    made.add_argument("--images", type=int, help="of training; all without, 9000 on a CPU")
    made.add_argument("--workers", type=int, default=2, help="of the ordinary loop")
    options = parsed(made)
    device = options.device
    on_cpu = device.type == "cpu"
    images = options.images or (9000 if on_cpu else None)
    data = trimmed(cifar10(options.folder), train=images)
    named = _named(options.network, data, device.type)
    recipe = Recipe(epochs=options.epochs or (5 if on_cpu else 10), augment=1.0)
    seeds = range(options.seed, options.seed + options.seeds)
    said = report("The same accuracy", device, f"{seeds.start} to {seeds.stop - 1}")
    found: dict[str, list[float]] = {"optunas": [], "ordinary": []}
    for seed in seeds:
        print(f"seed {seed} ...", file=sys.stderr, flush=True)
        trained = {
            "optunas": ours(named, data, recipe, device, seed),
            "ordinary": theirs(named, data, recipe, device, seed, options.workers),
        }
        for side, network in trained.items():
            found[side].append(100 * _accuracy(network, data, device))
    table = Table("accuracy on the validation split, %", ["side", "mean", "deviation", "seeds"])
    for side, values in found.items():
        each = ", ".join(f"{value:.2f}" for value in values)
        table.add(side, f"{mean(values):.2f}", f"{stdev(values):.2f}", each)
    test = ttest_ind(found["optunas"], found["ordinary"], equal_var=False)
    low, high = test.confidence_interval(0.95)
    difference = mean(found["optunas"]) - mean(found["ordinary"])
    price = named.cost
    said.tables = [table]
    said.lines = [
        f"{named.name}: {price.params:,} parameters, {price.macs:,} MACs; {recipe.describe()}; "
        f"{len(data.train):,} training, {len(data.validation):,} validation images",
        f"difference {difference:+.2f} points, 95 % interval {low:+.2f} to {high:+.2f}; "
        f"Welch's t {test.statistic:.2f}, p {test.pvalue:.2f}",
        f"target {'met' if low <= 0 <= high else 'MISSED'}: the interval holds zero",
    ]
    said.figures = {"accuracy": found, "p": float(test.pvalue)}
    said.finish(options)


def _accuracy(network: nn.Module, data: Data, device: torch.device) -> float:
    split = data.validation
    return ordinary.accuracy(network, split.images, split.labels, (data.mean, data.std), device)


def _named(which: str, data: Data, device: str) -> Named:
    shape, classes = data.input_shape, len(data.classes)
    if which == "resnet18":
        return Named("ResNet-18", resnet18(), shape, classes)
    macs, stride = SMALL_MACS[device], STEM_STRIDE[device]
    (first,) = candidates(1, shape, classes, macs=macs, stem_stride=stride)
    return first


if __name__ == "__main__":
    main()
