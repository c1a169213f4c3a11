"""The networks that the engine is measured with: one of ResNet-18's kind, and random candidates."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from optunas.architecture import (
    Architecture,
    BasicBlock,
    ConvNorm,
    Cost,
    GlobalPool,
    Linear,
    Sequential,
    Shape,
    cost,
)
from optunas.nn import build
from optunas.spaces import ConvNet, draw

SMALL_PARAMS = 1_000_000
"""as the study file of CIFAR-10 limits its candidates"""
SMALL_MACS = {"cuda": 50_000_000, "cpu": 3_000_000}
"""A tenth of ResNet-18's on a GPU. Two CPU cores do some 10 thousand million MACs of small layers
in a second: a candidate that sees 45,000 images within a minute can't have more than 3 million."""
STEM_STRIDE = {"cuda": 1, "cpu": 2}
"""as one has to choose it to come below that"""


@dataclass(frozen=True)
class Named:
    """An architecture for images of one shape, by a name for tables."""

    name: str
    architecture: Architecture
    shape: Shape
    classes: int

    @property
    def cost(self) -> Cost:
        return cost(self.architecture, self.shape, self.classes)

    def build(self, device: torch.device, seed: int = 0) -> nn.Module:
        """The same weights for the same seed, in the memory order that convolutions like."""
        network = build(self.architecture, self.shape, self.classes, seed=seed, device=device)
        return network.to(memory_format=torch.channels_last)


def resnet18() -> Architecture:
    """ResNet-18 with the stem of its CIFAR form: a 3x3 convolution, no pooling (He et al. 2016)."""
    blocks = [
        BasicBlock(width, stride=2 if first and width > 64 else 1)
        for width in (64, 128, 256, 512)
        for first in (True, False)
    ]
    return Sequential(ConvNorm(64), *blocks, GlobalPool(), Linear())


def candidates(
    count: int, shape: Shape, classes: int, *, macs: int, stem_stride: int, seed: int = 0
) -> list[Named]:
    """The first small ones of the random networks of `ConvNet`."""
    found: list[Named] = []
    for number, architecture in _drawn(stem_stride, seed):
        named = Named(f"candidate {number}", architecture, shape, classes)
        if named.cost.params <= SMALL_PARAMS and named.cost.macs <= macs:
            found.append(named)
        if len(found) == count:
            break
    return found


def _drawn(stem_stride: int, seed: int) -> Iterator[tuple[int, Architecture]]:
    space, rng = ConvNet(stem_stride=stem_stride), np.random.default_rng(seed)
    for number in itertools.count():
        yield number, draw(space.suggest, rng).architecture
