"""The blocks of the field, each said in simpler layers."""

from __future__ import annotations

from dataclasses import dataclass

from optunas.architecture.checks import layer_or_none, positive, positive_pair
from optunas.architecture.compose import Parallel, Residual, Sequential
from optunas.architecture.layer import Block, Layer, Pair, Shape
from optunas.architecture.layers import Activation, Conv, DropPath, Norm, Scale, as_norm, put, usual
from optunas.architecture.pooling import GlobalPool, Pool
from optunas.errors import OptunasError


@dataclass(frozen=True)
class ConvNorm(Block):
    """Convolution, normalisation, activation (`activation=None`: without).

    `norm` is a kind of normalisation, or a whole `Norm(...)`; so it is in every block.
    """

    channels: int
    kernel: Pair = 3
    stride: int = 1
    groups: int = 1
    activation: str | None = "relu"
    norm: str | Norm = "batch"
    padding: Pair | None = None
    bias: bool = False

    def __post_init__(self) -> None:
        positive(self, channels=self.channels)
        positive_pair(self, kernel=self.kernel, stride=self.stride)
        put(self, "norm", usual(self.norm))

    def expand(self, shape: Shape) -> Layer:
        kernel, stride, padding, groups = self.kernel, self.stride, self.padding, self.groups
        conv = Conv(self.channels, kernel, stride, padding, groups=groups, bias=self.bias)
        after = (Activation(self.activation),) if self.activation else ()
        return Sequential(conv, as_norm(self.norm), *after)


@dataclass(frozen=True)
class SeparableConv(Block):
    """Depthwise, then 1x1 convolution (MobileNet, Howard et al. 2017)."""

    channels: int
    kernel: int = 3
    stride: int = 1
    activation: str = "relu"
    norm: str | Norm = "batch"

    def __post_init__(self) -> None:
        positive(self, channels=self.channels, kernel=self.kernel, stride=self.stride)
        put(self, "norm", usual(self.norm))

    def expand(self, shape: Shape) -> Layer:
        act, norm = self.activation, self.norm
        return Sequential(
            ConvNorm(shape[0], self.kernel, self.stride, groups=0, activation=act, norm=norm),
            ConvNorm(self.channels, 1, activation=act, norm=norm),
        )


@dataclass(frozen=True)
class BasicBlock(Block):
    """Two convolutions around a shortcut (ResNet-18/34, He et al. 2016)."""

    channels: int
    kernel: int = 3
    stride: int = 1
    activation: str = "relu"
    norm: str | Norm = "batch"

    def __post_init__(self) -> None:
        positive(self, channels=self.channels, kernel=self.kernel, stride=self.stride)
        put(self, "norm", usual(self.norm))

    def expand(self, shape: Shape) -> Layer:
        act, norm = self.activation, self.norm
        body = Sequential(
            ConvNorm(self.channels, self.kernel, self.stride, activation=act, norm=norm),
            ConvNorm(self.channels, self.kernel, activation=None, norm=norm),
        )
        return Sequential(Residual(body, norm=norm), Activation(act))


@dataclass(frozen=True)
class Bottleneck(Block):
    """1x1, kxk and 1x1 convolution around a shortcut (ResNet-50, He et al. 2016).

    The kxk works on `channels // reduction` channels, in `groups` (ResNeXt, Xie et al. 2017); the
    stride is there, as in torchvision. `attention` may weigh what it gives: `SqueezeExcite(...)`
    makes RegNetY's block (Radosavovic et al. 2020).
    """

    channels: int
    kernel: int = 3
    stride: int = 1
    reduction: int = 4
    activation: str = "relu"
    norm: str | Norm = "batch"
    groups: int = 1
    attention: Layer | None = None

    def __post_init__(self) -> None:
        positive(self, channels=self.channels, kernel=self.kernel, stride=self.stride)
        put(self, "norm", usual(self.norm))
        positive(self, reduction=self.reduction)
        layer_or_none(self, attention=self.attention)

    def expand(self, shape: Shape) -> Layer:
        act, norm = self.activation, self.norm
        inner = max(1, self.channels // self.reduction)
        weigh = (self.attention,) if self.attention else ()
        body = Sequential(
            ConvNorm(inner, 1, activation=act, norm=norm),
            ConvNorm(inner, self.kernel, self.stride, self.groups, activation=act, norm=norm),
            *weigh,
            ConvNorm(self.channels, 1, activation=None, norm=norm),
        )
        return Sequential(Residual(body, norm=norm), Activation(act))


@dataclass(frozen=True)
class SqueezeExcite(Block):
    """Weighs the channels by a look at the whole image (Hu et al. 2018). Keeps the shape."""

    squeezed: int
    activation: str = "relu"
    gate: str = "sigmoid"

    def __post_init__(self) -> None:
        positive(self, squeezed=self.squeezed)

    def expand(self, shape: Shape) -> Layer:
        weigh = Sequential(
            GlobalPool(keep=True),
            Conv(self.squeezed, 1, bias=True),
            Activation(self.activation),
            Conv(shape[0], 1, bias=True),
            Activation(self.gate),
        )
        return Parallel(Sequential(), weigh, join="multiply")


@dataclass(frozen=True)
class ConvNeXt(Block):
    """ConvNeXt block (Liu et al. 2022). Keeps the shape.

    Depthwise convolution, layer normalisation, a two-layer perceptron on each pixel, layer scale,
    shortcut. In training a sample skips the rest with the probability `drop_path`.
    """

    kernel: int = 7
    expansion: int = 4
    activation: str = "gelu"
    scale: float = 1e-6
    drop_path: float = 0.0

    def __post_init__(self) -> None:
        positive(self, kernel=self.kernel, expansion=self.expansion)

    def expand(self, shape: Shape) -> Layer:
        channels = shape[0]
        return Residual(
            Sequential(
                Conv(channels, self.kernel, groups=0, bias=True),
                Norm("layer"),
                Conv(channels * self.expansion, 1, bias=True),
                Activation(self.activation),
                Conv(channels, 1, bias=True),
                Scale(self.scale),
                DropPath(self.drop_path),
            )
        )


@dataclass(frozen=True)
class Inception(Block):
    """Four branches side by side, concatenated (Szegedy et al. 2015, 2016).

    1x1; 1x1 and kxk; 1x1 and twice kxk; 3x3 max-pooling and 1x1: each gives a quarter of the
    channels. A stride falls on the last window of each branch.
    """

    channels: int
    kernel: int = 3
    stride: int = 1
    activation: str = "relu"
    norm: str | Norm = "batch"

    def __post_init__(self) -> None:
        positive(self, channels=self.channels, kernel=self.kernel, stride=self.stride)
        put(self, "norm", usual(self.norm))
        if self.channels % 4:
            raise OptunasError(
                f"Inception gives a quarter of its channels to each of four branches; "
                f"got {self.channels} channels: take a multiple of 4"
            )

    def expand(self, shape: Shape) -> Layer:
        def conv(kernel: int, stride: int = 1) -> Layer:
            quarter = self.channels // 4
            return ConvNorm(quarter, kernel, stride, activation=self.activation, norm=self.norm)

        k, s = self.kernel, self.stride
        pool = Pool("max", 3, stride=s, padding=1)
        return Parallel(
            conv(1, s),
            Sequential(conv(1), conv(k, s)),
            Sequential(conv(1), conv(k), conv(k, s)),
            Sequential(pool, conv(1)),
            join="concat",
        )
