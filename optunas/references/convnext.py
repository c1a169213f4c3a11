"""ConvNeXt (Liu et al. 2022)."""

from optunas.architecture import (
    Conv,
    ConvNeXt,
    ConvNorm,
    GlobalPool,
    Layer,
    Linear,
    Norm,
    Sequential,
)

NORM = Norm("layer")


def convnext_tiny() -> Layer:
    """ConvNeXt-T. 28.6 million parameters with 1000 classes."""
    widths, depths = (96, 192, 384, 768), (3, 3, 9, 3)
    layers: list[Layer] = [ConvNorm(96, 4, 4, activation=None, norm="layer", padding=0, bias=True)]
    before, total = 0, sum(depths)
    for width, depth in zip(widths, depths, strict=True):
        if before:
            layers += [NORM, Conv(width, 2, 2, padding=0, bias=True)]
        layers += [
            ConvNeXt(drop_path=0.1 * block / (total - 1)) for block in range(before, before + depth)
        ]
        before += depth
    return Sequential(*layers, GlobalPool(), NORM, Linear())
