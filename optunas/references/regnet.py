"""RegNet (Radosavovic et al. 2020): widths on a line, all groups equally wide."""

from optunas.architecture import (
    Bottleneck,
    ConvNorm,
    GlobalPool,
    Layer,
    Linear,
    Sequential,
    SqueezeExcite,
)


def regnet_y_400mf() -> Layer:
    """RegNetY-400MF. 4.3 million parameters with 1000 classes."""
    group, channels = 8, 32
    layers: list[Layer] = [ConvNorm(channels, 3, 2)]
    for width, depth in ((48, 1), (104, 3), (208, 6), (440, 6)):
        for stride in [2] + [1] * (depth - 1):
            weigh = SqueezeExcite(channels // 4)
            layers.append(
                Bottleneck(width, 3, stride, reduction=1, groups=width // group, attention=weigh)
            )
            channels = width
    return Sequential(*layers, GlobalPool(), Linear())
