"""EfficientNet and EfficientNetV2 (Tan & Le 2019, 2021)."""

from collections.abc import Callable, Sequence

from optunas.architecture import (
    ConvNorm,
    Dropout,
    FusedMBConv,
    GlobalPool,
    Layer,
    Linear,
    MBConv,
    Norm,
    Sequential,
)

Stage = tuple[Callable[..., Layer], int, int, int, int, int]
"""Block, expansion, kernel, stride of the first block, channels, blocks."""


def efficientnet_b0() -> Layer:
    """EfficientNet-B0: found by search. 5.3 million parameters with 1000 classes."""
    stages = (
        (MBConv, 1, 3, 1, 16, 1),
        (MBConv, 6, 3, 2, 24, 2),
        (MBConv, 6, 5, 2, 40, 2),
        (MBConv, 6, 3, 2, 80, 3),
        (MBConv, 6, 5, 1, 112, 3),
        (MBConv, 6, 5, 2, 192, 4),
        (MBConv, 6, 3, 1, 320, 1),
    )
    return _efficientnet(32, stages, 1280, Norm())


def efficientnet_v2_s() -> Layer:
    """EfficientNetV2-S: fused blocks first. 21.5 million parameters with 1000 classes."""
    stages = (
        (FusedMBConv, 1, 3, 1, 24, 2),
        (FusedMBConv, 4, 3, 2, 48, 4),
        (FusedMBConv, 4, 3, 2, 64, 4),
        (MBConv, 4, 3, 2, 128, 6),
        (MBConv, 6, 3, 1, 160, 9),
        (MBConv, 6, 3, 2, 256, 15),
    )
    return _efficientnet(24, stages, 1280, Norm(eps=1e-3))


def _efficientnet(stem: int, stages: Sequence[Stage], last: int, norm: Norm) -> Layer:
    total = sum(blocks for *_, blocks in stages)
    body: list[Layer] = []
    for block, expansion, kernel, first, channels, blocks in stages:
        for stride in [first] + [1] * (blocks - 1):
            drop = 0.2 * len(body) / total  # the deeper, the more often dropped
            body.append(
                block(channels, kernel, stride, expansion=expansion, norm=norm, drop_path=drop)
            )
    return Sequential(
        ConvNorm(stem, 3, 2, activation="silu", norm=norm),
        *body,
        ConvNorm(last, 1, activation="silu", norm=norm),
        GlobalPool(),
        Dropout(0.2),
        Linear(),
    )
