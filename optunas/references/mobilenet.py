"""MobileNetV2 and V3, MnasNet (Sandler et al. 2018; Howard et al. 2019; Tan et al. 2019)."""

from optunas.architecture import (
    Activation,
    ConvNorm,
    Dropout,
    GlobalPool,
    Layer,
    Linear,
    MBConv,
    Norm,
    Sequential,
    SqueezeExcite,
)

Stage = tuple[int, int, int, int, int]
"""Expansion, channels, blocks, stride of the first, kernel."""


def mobilenet_v2() -> Layer:
    """MobileNetV2: inverted bottlenecks. 3.5 million parameters with 1000 classes."""
    stages = (
        (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 32, 3, 2, 3), (6, 64, 4, 2, 3),
        (6, 96, 3, 1, 3), (6, 160, 3, 2, 3), (6, 320, 1, 1, 3),
    )  # fmt: skip
    return Sequential(
        ConvNorm(32, 3, 2, activation="relu6"),
        *_stages(stages, "relu6"),
        ConvNorm(1280, 1, activation="relu6"),
        *_head(),
    )


def mnasnet1_0() -> Layer:
    """MnasNet-B1: found by search on a phone. 4.4 million parameters with 1000 classes."""
    stages = (
        (3, 24, 3, 2, 3), (3, 40, 3, 2, 5), (6, 80, 3, 2, 5),
        (6, 96, 2, 1, 3), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3),
    )  # fmt: skip
    return Sequential(
        ConvNorm(32, 3, 2),
        MBConv(16, expansion=1, squeeze=False, activation="relu"),
        *_stages(stages, "relu"),
        ConvNorm(1280, 1),
        *_head(),
    )


def _stages(stages: tuple[Stage, ...], activation: str) -> list[Layer]:
    return [
        MBConv(channels, kernel, stride, expansion, squeeze=False, activation=activation)
        for expansion, channels, blocks, first, kernel in stages
        for stride in [first] + [1] * (blocks - 1)
    ]


def _head() -> tuple[Layer, ...]:
    return GlobalPool(), Dropout(0.2), Linear()


NORM = Norm(eps=1e-3)

Row = tuple[int, int, int, float, int, str]
"""Channels, kernel, stride, expansion, squeezed channels (0: not weighed), activation."""

LARGE: tuple[Row, ...] = (
    (16, 3, 1, 1, 0, "relu"),
    (24, 3, 2, 4, 0, "relu"),
    (24, 3, 1, 3, 0, "relu"),
    (40, 5, 2, 3, 24, "relu"),
    (40, 5, 1, 3, 32, "relu"),
    (40, 5, 1, 3, 32, "relu"),
    (80, 3, 2, 6, 0, "hardswish"),
    (80, 3, 1, 2.5, 0, "hardswish"),
    (80, 3, 1, 2.3, 0, "hardswish"),
    (80, 3, 1, 2.3, 0, "hardswish"),
    (112, 3, 1, 6, 120, "hardswish"),
    (112, 3, 1, 6, 168, "hardswish"),
    (160, 5, 2, 6, 168, "hardswish"),
    (160, 5, 1, 6, 240, "hardswish"),
    (160, 5, 1, 6, 240, "hardswish"),
)


def mobilenet_v3_large() -> Layer:
    """MobileNetV3-Large: partly found by search. 5.5 million parameters with 1000 classes."""
    return Sequential(
        ConvNorm(16, 3, 2, activation="hardswish", norm=NORM),
        *(_weighed(*row) for row in LARGE),
        ConvNorm(960, 1, activation="hardswish", norm=NORM),
        GlobalPool(),
        Linear(1280),
        Activation("hardswish"),
        Dropout(0.2),
        Linear(),
    )


def _weighed(
    channels: int, kernel: int, stride: int, expansion: float, squeezed: int, activation: str
) -> Layer:
    attention = SqueezeExcite(squeezed, gate="hardsigmoid") if squeezed else None
    return MBConv(
        channels, kernel, stride, expansion, squeezed > 0, activation, NORM, attention=attention
    )
