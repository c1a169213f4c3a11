"""SqueezeNet (Iandola et al. 2016): squeezed by 1x1, expanded by 1x1 and 3x3 convolutions."""

from optunas.architecture import (
    Activation,
    Conv,
    Dropout,
    GlobalPool,
    Layer,
    Parallel,
    Pool,
    Sequential,
)


def squeezenet1_1() -> Layer:
    """SqueezeNet 1.1. 1.2 million parameters with 1000 classes; a channel for each at the end."""
    half = Pool("max", 3, 2, ceil=True)
    return Sequential(
        *(_conv(64, 3, 2, 0), half),
        *(_fire(16), _fire(16), half),
        *(_fire(32), _fire(32), half),
        *(_fire(48), _fire(48), _fire(64), _fire(64)),
        *(Dropout(), _conv(None, 1), GlobalPool()),
    )


def _fire(squeezed: int) -> Layer:
    wide = 4 * squeezed
    return Sequential(_conv(squeezed, 1), Parallel(_conv(wide, 1), _conv(wide, 3), join="concat"))


def _conv(channels: int | None, kernel: int, stride: int = 1, padding: int | None = None) -> Layer:
    return Sequential(Conv(channels, kernel, stride, padding, bias=True), Activation())
