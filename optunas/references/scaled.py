"""Networks of the field at any size: narrower, and for small images with fewer halvings.

What a search is compared with must fit the same limits and the same images. Every layer of these is
the published network's; widths are multiplied (the width multiplier of Howard et al. 2017,
arXiv:1704.04861), and strides are dropped from the input on until 4 pixels are left at the end, as
is usual for CIFAR-10.
"""

from __future__ import annotations

from collections.abc import Iterator

from optunas.architecture import (
    Activation,
    BasicBlock,
    ConvNorm,
    Dropout,
    GlobalPool,
    Layer,
    Linear,
    MBConv,
    Pool,
    Sequential,
    SqueezeExcite,
)
from optunas.references.mobilenet import LARGE, NORM

LEFT = 4  # pixels of a side at the end, where the image has more
NARROWEST = 4  # channels
STEPS = 4  # widths between one and its half
HALVES = 5
WIDTHS = tuple(2 ** (-step / STEPS) for step in range(STEPS * HALVES + 1))
"""From 1 down to 1/32: each has about 0.7 times the parameters of the one before."""


def resnet18_like(side: int, width: float = 1.0) -> Layer:
    """ResNet-18 (He et al. 2016) for images whose shorter side has `side` pixels."""
    stem, pool, *stages = _strides((2, 2, 1, 2, 2, 2), side)
    layers: list[Layer] = [ConvNorm(_channels(64, width), 7 if stem > 1 else 3, stem)]
    if pool > 1:
        layers.append(Pool("max", 3, 2, padding=1))
    for channels, stride in zip((64, 128, 256, 512), stages, strict=True):
        wide = _channels(channels, width)
        layers += [BasicBlock(wide, stride=stride), BasicBlock(wide)]
    return Sequential(*layers, GlobalPool(), Linear())


def mobilenet_v3_like(side: int, width: float = 1.0) -> Layer:
    """MobileNetV3-Large (Howard et al. 2019) for images whose shorter side has `side` pixels."""
    stem, *strides = _strides((2, *(row[2] for row in LARGE)), side)
    act = "hardswish"
    return Sequential(
        ConvNorm(_channels(16, width), 3, stem, activation=act, norm=NORM),
        *_inverted(strides, width),
        ConvNorm(_channels(960, width), 1, activation=act, norm=NORM),
        GlobalPool(),
        Linear(_channels(1280, width)),
        Activation(act),
        Dropout(0.2),
        Linear(),
    )


def _inverted(strides: list[int], width: float) -> Iterator[Layer]:
    for stride, row in zip(strides, LARGE, strict=True):
        channels, kernel, _, expansion, squeezed, activation = row
        gate = SqueezeExcite(_channels(squeezed, width), gate="hardsigmoid") if squeezed else None
        yield MBConv(
            _channels(channels, width), kernel, stride, expansion, squeezed > 0, activation, NORM,
            attention=gate,
        )  # fmt: skip


def _strides(strides: tuple[int, ...], side: int) -> list[int]:
    """The strides with those at the input set to 1, until `LEFT` pixels are left at the end."""
    kept = list(strides)
    halvings = kept.count(2)
    while halvings and side / 2**halvings < LEFT:
        kept[kept.index(2)] = 1
        halvings -= 1
    return kept


def _channels(channels: int, width: float) -> int:
    """A multiple of four, as near as can be."""
    return max(NARROWEST, round(channels * width / 4) * 4)
