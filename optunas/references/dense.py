"""DenseNet (Huang et al. 2017): each layer sees all those before it."""

from optunas.architecture import (
    Activation,
    Conv,
    ConvNorm,
    GlobalPool,
    Layer,
    Linear,
    Norm,
    Parallel,
    Pool,
    Sequential,
)

GROWTH = 32


def densenet121() -> Layer:
    """DenseNet-121. 8.0 million parameters with 1000 classes."""
    channels, depths = 64, (6, 12, 24, 16)
    layers: list[Layer] = [ConvNorm(channels, 7, 2), Pool("max", 3, 2, padding=1)]
    for stage, depth in enumerate(depths):
        if stage:
            channels //= 2
            layers += [_before(Conv(channels, 1)), Pool("avg", 2)]
        layers += [_dense()] * depth
        channels += GROWTH * depth
    return Sequential(*layers, Norm(), Activation(), GlobalPool(), Linear())


def _dense() -> Layer:
    """What comes in, and `GROWTH` new channels beside it."""
    new = Sequential(_before(Conv(4 * GROWTH, 1)), _before(Conv(GROWTH, 3)))
    return Parallel(Sequential(), new, join="concat")


def _before(conv: Conv) -> Layer:
    return Sequential(Norm(), Activation(), conv)
