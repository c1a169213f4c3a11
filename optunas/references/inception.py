"""GoogLeNet and Inception v3 (Szegedy et al. 2015, 2016), without their auxiliary heads."""

from optunas.architecture import (
    ConvNorm,
    Dropout,
    GlobalPool,
    Layer,
    Linear,
    Norm,
    Parallel,
    Pool,
    Sequential,
)
from optunas.architecture.layer import Pair


def googlenet() -> Layer:
    """GoogLeNet. 6.6 million parameters with 1000 classes.

    As in torchvision, with normalisation, and 3x3 where the paper has 5x5 convolutions.
    """
    half = Pool("max", 3, 2, ceil=True)
    return Sequential(
        *(_conv(64, 7, 2), half, _conv(64, 1), _conv(192), half),
        _module(64, (96, 128), (16, 32), 32),
        _module(128, (128, 192), (32, 96), 64),
        half,
        _module(192, (96, 208), (16, 48), 64),
        _module(160, (112, 224), (24, 64), 64),
        _module(128, (128, 256), (24, 64), 64),
        _module(112, (144, 288), (32, 64), 64),
        _module(256, (160, 320), (32, 128), 128),
        Pool("max", 2, ceil=True),
        _module(256, (160, 320), (32, 128), 128),
        _module(384, (192, 384), (48, 128), 128),
        *(GlobalPool(), Dropout(0.2), Linear()),
    )


def inception_v3() -> Layer:
    """Inception v3. 23.8 million parameters with 1000 classes; images of 75x75 pixels or more."""
    half = Pool("max", 3, 2)
    return Sequential(
        *(_conv(32, 3, 2, 0), _conv(32, padding=0), _conv(64), half),
        *(_conv(80, 1), _conv(192, padding=0), half),
        *(_small(32), _small(64), _small(64)),
        _concat(_conv(384, 3, 2, 0), _row(_conv(64, 1), _conv(96), _conv(96, 3, 2, 0)), half),
        *(_long(128), _long(160), _long(160), _long(192)),
        _concat(
            _row(_conv(192, 1), _conv(320, 3, 2, 0)),
            _row(_conv(192, 1), _conv(192, (1, 7)), _conv(192, (7, 1)), _conv(192, 3, 2, 0)),
            half,
        ),
        *(_split(), _split()),
        *(GlobalPool(), Dropout(), Linear()),
    )


def _module(one: int, three: tuple[int, int], five: tuple[int, int], pooled: int) -> Layer:
    """GoogLeNet's four branches: 1x1; twice 1x1 and 3x3; pooling and 1x1."""
    return _concat(
        _conv(one, 1),
        _row(_conv(three[0], 1), _conv(three[1])),
        _row(_conv(five[0], 1), _conv(five[1])),
        _row(Pool("max", 3, 1, padding=1), _conv(pooled, 1)),
    )


def _small(pooled: int) -> Layer:
    return _concat(
        _conv(64, 1),
        _row(_conv(48, 1), _conv(64, 5)),
        _row(_conv(64, 1), _conv(96), _conv(96)),
        _averaged(pooled),
    )


def _long(width: int) -> Layer:
    """7x7 convolutions, each said as a row and a column."""
    down, across = (7, 1), (1, 7)
    return _concat(
        _conv(192, 1),
        _row(_conv(width, 1), _conv(width, across), _conv(192, down)),
        _row(_conv(width, 1), *(_conv(width, k) for k in (down, across, down)), _conv(192, across)),
        _averaged(192),
    )


def _split() -> Layer:
    """3x3 convolutions as a row and a column side by side."""
    sides = _concat(_conv(384, (1, 3)), _conv(384, (3, 1)))
    return _concat(
        _conv(320, 1),
        _row(_conv(384, 1), sides),
        _row(_conv(448, 1), _conv(384), sides),
        _averaged(192),
    )


def _averaged(channels: int) -> Layer:
    return _row(Pool("avg", 3, 1, padding=1, count_padding=True), _conv(channels, 1))


def _conv(channels: int, kernel: Pair = 3, stride: int = 1, padding: int | None = None) -> Layer:
    return ConvNorm(channels, kernel, stride, norm=Norm(eps=1e-3), padding=padding)


def _row(*layers: Layer) -> Layer:
    return Sequential(*layers)


def _concat(*branches: Layer) -> Layer:
    return Parallel(*branches, join="concat")
