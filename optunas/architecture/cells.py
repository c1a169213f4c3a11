"""What stands on the edges of the benchmarks' cells: activation first, normalisation last."""

from __future__ import annotations

from dataclasses import dataclass

from optunas.architecture.checks import positive
from optunas.architecture.compose import Parallel, Sequential
from optunas.architecture.layer import Block, Layer, Shape, pixels
from optunas.architecture.layers import Activation, Conv, Norm, image
from optunas.architecture.pad import Pad
from optunas.errors import ShapeError


@dataclass(frozen=True)
class ReLUConvNorm(Block):
    """ReLU, convolution, batch normalisation (DARTS, NAS-Bench-201)."""

    channels: int
    kernel: int = 3
    stride: int = 1

    def __post_init__(self) -> None:
        positive(self, channels=self.channels, kernel=self.kernel, stride=self.stride)

    def expand(self, shape: Shape) -> Layer:
        return Sequential(Activation(), Conv(self.channels, self.kernel, self.stride), Norm())


@dataclass(frozen=True)
class ReLUSeparable(Block):
    """`times`: ReLU, depthwise and 1x1 convolution, batch normalisation (DARTS, Liu et al. 2019).

    Twice it is the paper's `sep_conv`, once with `dilation=2` its `dil_conv`. The stride falls on
    the first depthwise convolution; the last 1x1 convolution gives the channels.
    """

    channels: int
    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    times: int = 2

    def __post_init__(self) -> None:
        positive(self, channels=self.channels, kernel=self.kernel, stride=self.stride)
        positive(self, dilation=self.dilation, times=self.times)

    def expand(self, shape: Shape) -> Layer:
        layers: list[Layer] = []
        for time in range(self.times):
            stride = self.stride if time == 0 else 1
            wide = self.channels if time == self.times - 1 else shape[0]
            depthwise = Conv(shape[0], self.kernel, stride, dilation=self.dilation, groups=0)
            layers += [Activation(), depthwise, Conv(wide, 1), Norm()]
        return Sequential(*layers)


@dataclass(frozen=True)
class FactorizedReduce(Block):
    """Halves the image: 1x1 convolutions of even and of odd pixels, concatenated (DARTS).

    ReLU first, batch normalisation last. Sizes that are odd are rounded up.
    """

    channels: int

    def __post_init__(self) -> None:
        positive(self, channels=self.channels)

    def expand(self, shape: Shape) -> Layer:
        image(self, shape)
        if self.channels < 2:
            raise ShapeError(f"{self} shares its channels between two convolutions: give it more")
        if 1 in shape[1:]:
            raise ShapeError(f"{self} needs an image to halve; the input is {pixels(shape)}")
        half = self.channels // 2
        odd = Pad(top=-1, bottom=shape[1] % 2, left=-1, right=shape[2] % 2)
        even = Conv(half, 1, 2)
        shifted = Sequential(odd, Conv(self.channels - half, 1, 2))
        return Sequential(Activation(), Parallel(even, shifted, join="concat"), Norm())
