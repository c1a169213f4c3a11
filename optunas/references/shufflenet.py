"""ShuffleNetV2 (Ma et al. 2018): half of the channels pass by, then all are shuffled."""

from optunas.architecture import (
    ConvNorm,
    GlobalPool,
    Layer,
    Linear,
    Parallel,
    Pool,
    Sequential,
    Shuffle,
    Slice,
)


def shufflenet_v2_x1_0() -> Layer:
    """ShuffleNetV2 1.0x. 2.3 million parameters with 1000 classes."""
    layers: list[Layer] = [ConvNorm(24, 3, 2), Pool("max", 3, 2, padding=1)]
    channels = 24
    for width, depth in ((116, 4), (232, 8), (464, 4)):
        layers += [_halved(channels, width), *[_kept(width)] * (depth - 1)]
        channels = width
    return Sequential(*layers, ConvNorm(1024, 1), GlobalPool(), Linear())


def _kept(channels: int) -> Layer:
    half = channels // 2
    return _shuffled(Slice(0, half), Sequential(Slice(half), _body(half, 1)))


def _halved(before: int, channels: int) -> Layer:
    half = channels // 2
    passing = Sequential(_depthwise(before, 2), ConvNorm(half, 1))
    return _shuffled(passing, _body(half, 2))


def _body(half: int, stride: int) -> Layer:
    return Sequential(ConvNorm(half, 1), _depthwise(half, stride), ConvNorm(half, 1))


def _depthwise(channels: int, stride: int) -> Layer:
    return ConvNorm(channels, 3, stride, groups=0, activation=None)


def _shuffled(*halves: Layer) -> Layer:
    return Sequential(Parallel(*halves, join="concat"), Shuffle(2))
