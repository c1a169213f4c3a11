"""Residual networks (He et al. 2016; Xie et al. 2017; Zagoruyko & Komodakis 2016)."""

from collections.abc import Callable, Sequence
from functools import partial

from optunas.architecture import (
    BasicBlock,
    Bottleneck,
    ConvNorm,
    GlobalPool,
    Layer,
    Linear,
    Pool,
    Sequential,
)


def resnet18() -> Layer:
    """ResNet-18: eight basic blocks. 11.7 million parameters with 1000 classes."""
    return _resnet(BasicBlock, (64, 128, 256, 512), (2, 2, 2, 2))


def resnet50() -> Layer:
    """ResNet-50: sixteen bottlenecks. 25.6 million parameters with 1000 classes."""
    return _resnet50(Bottleneck)


def resnext50_32x4d() -> Layer:
    """ResNeXt-50: bottlenecks twice as wide, in 32 groups. 25.0 million parameters."""
    return _resnet50(partial(Bottleneck, reduction=2, groups=32))


def wide_resnet50_2() -> Layer:
    """Wide ResNet-50-2: bottlenecks twice as wide. 68.9 million parameters."""
    return _resnet50(partial(Bottleneck, reduction=2))


def _resnet50(block: Callable[..., Layer]) -> Layer:
    return _resnet(block, (256, 512, 1024, 2048), (3, 4, 6, 3))


def _resnet(block: Callable[..., Layer], widths: Sequence[int], depths: Sequence[int]) -> Layer:
    stages = [
        block(width, stride=2 if first and stage else 1)
        for stage, (width, depth) in enumerate(zip(widths, depths, strict=True))
        for first in [True] + [False] * (depth - 1)
    ]
    stem = (ConvNorm(64, 7, 2), Pool("max", 3, 2, padding=1))
    return Sequential(*stem, *stages, GlobalPool(), Linear())
