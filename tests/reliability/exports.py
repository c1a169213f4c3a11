"""Exports: random networks of every ready space, written in each way and held against themselves.

    python tests/reliability/exports.py                 30 networks, some minutes
    python tests/reliability/exports.py --networks 3 --spaces ConvNet,DARTS

Each network has random weights (and batch statistics of random images, so that normalisation does
something), is written by `optunas.delivery.export` and loaded again in fresh processes. Exit code 1
where a file is missing or answers otherwise.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
import torch
from torch import nn

from optunas import spaces
from optunas.data import Data, Split
from optunas.delivery.export import export
from optunas.errors import OptunasError
from optunas.nn import build
from optunas.spaces.draw import draw

SPACES = (
    *("ConvNet", "ResNet", "RegNet", "MobileNet", "NASBench101", "NASBench201", "DARTS"),
    *("NATSSize", "ConvAttention", "VisionTransformer", "RecurrentNet"),
)
SHAPE, CLASSES = (3, 32, 32), 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--networks", type=int, default=30)
    parser.add_argument("--spaces", type=lambda text: text.split(","), default=list(SPACES))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data, failed, gaps = images(options.seed), 0, []
    for number, (name, network) in enumerate(networks(options.spaces, options.seed), start=1):
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            found = export(network, data, Path(folder), "A network.")
        failed += any(one.gap is None for one in found)
        gaps += [one.gap for one in found if one.gap is not None]
        said = "; ".join(map(str, found))
        print(f"{number:3} {name} ({time.monotonic() - began:.0f} s): {said}", flush=True)
        if number == options.networks:
            break
    print(f"{failed} of {options.networks} failed; logits differ by {max(gaps):.1e} at most")
    return 1 if failed else 0


def images(seed: int) -> Data:
    """Random images, as the only thing that is asked of them is the same answer."""
    rng = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (64, *SHAPE), dtype=torch.uint8, generator=rng)
    split = Split(pixels, torch.arange(64) % CLASSES)
    return Data.from_splits("noise", (split, split, split), tuple(map(str, range(CLASSES))))


def networks(names: list[str], seed: int) -> Iterator[tuple[str, nn.Module]]:
    """A network of each space in turn, without end."""
    rng = np.random.default_rng(seed)
    for name in cycle(names):
        space = getattr(spaces, name)()
        for _ in range(100):
            try:
                described = draw(space.suggest, rng).architecture
                network = build(described, SHAPE, CLASSES, seed=int(rng.integers(2**31)))
            except OptunasError:  # it does not fit such images
                continue
            _see(network)
            yield name, network
            break


def _see(network: nn.Module) -> None:
    """Let normalisation take its statistics from a batch, so that logits are of a sane size."""
    kinds = nn.BatchNorm1d, nn.BatchNorm2d
    norms = [module for module in network.modules() if isinstance(module, kinds)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.randn(16, *SHAPE))
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum


if __name__ == "__main__":
    sys.exit(main())
