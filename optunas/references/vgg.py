"""VGG (Simonyan & Zisserman 2015), with batch normalisation."""

from optunas.architecture import (
    Activation,
    AdaptivePool,
    ConvNorm,
    Dropout,
    Flatten,
    Layer,
    Linear,
    Pool,
    Sequential,
)


def vgg11_bn() -> Layer:
    """VGG-11. 132.9 million parameters with 1000 classes, most of them fully connected."""
    stages = ((64,), (128,), (256, 256), (512, 512), (512, 512))
    layers: list[Layer] = []
    for widths in stages:
        layers += [*(ConvNorm(width, bias=True) for width in widths), Pool()]
    wide = (Linear(4096), Activation(), Dropout())
    return Sequential(*layers, AdaptivePool(7), Flatten(), *wide, *wide, Linear())
