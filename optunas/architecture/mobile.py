"""Inverted bottlenecks: the blocks of networks made for phones."""

from __future__ import annotations

from dataclasses import dataclass

from optunas.architecture.blocks import ConvNorm, SqueezeExcite
from optunas.architecture.checks import boolean, layer_or_none, number, positive
from optunas.architecture.compose import Residual, Sequential
from optunas.architecture.layer import Block, Layer, Shape
from optunas.architecture.layers import DropPath, Norm, put, usual
from optunas.errors import OptunasError


@dataclass(frozen=True)
class MBConv(Block):
    """Inverted bottleneck (MobileNetV2, Sandler et al. 2018; EfficientNet, Tan & Le 2019).

    Expands the channels that come in by `expansion`, convolves depthwise, weighs, projects; a
    shortcut where the shape stays, which in training is all that is left of a sample with the
    probability `drop_path`. `squeeze` weighs by squeeze-and-excitation with a quarter of the
    incoming channels, as in EfficientNet; another layer in `attention` takes its place.
    """

    channels: int
    kernel: int = 3
    stride: int = 1
    expansion: float = 4
    squeeze: bool = True
    activation: str = "silu"
    norm: str | Norm = "batch"
    attention: Layer | None = None
    drop_path: float = 0.0

    def __post_init__(self) -> None:
        positive(self, channels=self.channels, kernel=self.kernel, stride=self.stride)
        boolean(self, squeeze=self.squeeze)
        layer_or_none(self, attention=self.attention)
        put(self, "expansion", _expansion(self, self.expansion))
        put(self, "norm", usual(self.norm))
        if self.attention is not None:
            put(self, "squeeze", True)  # without a meaning there: one value for one block

    def expand(self, shape: Shape) -> Layer:
        act, norm = self.activation, self.norm
        wide = max(1, round(shape[0] * self.expansion))
        up = (ConvNorm(wide, 1, activation=act, norm=norm),) if wide != shape[0] else ()
        body = Sequential(
            *up,
            ConvNorm(wide, self.kernel, self.stride, groups=0, activation=act, norm=norm),
            self._weigh(shape),
            ConvNorm(self.channels, 1, activation=None, norm=norm),
        )
        return _around(body, shape, self.channels, self.stride, self.drop_path)

    def _weigh(self, shape: Shape) -> Layer:
        if self.attention is not None:
            return self.attention
        quarter = max(1, shape[0] // 4)
        return SqueezeExcite(quarter, self.activation) if self.squeeze else Sequential()


@dataclass(frozen=True)
class FusedMBConv(Block):
    """Inverted bottleneck with one kxk convolution in place of 1x1 and depthwise.

    EfficientNetV2 (Tan & Le 2021): quicker on accelerators at high resolution. An `expansion` of 1
    leaves that convolution alone.
    """

    channels: int
    kernel: int = 3
    stride: int = 1
    expansion: float = 4
    activation: str = "silu"
    norm: str | Norm = "batch"
    drop_path: float = 0.0

    def __post_init__(self) -> None:
        positive(self, channels=self.channels, kernel=self.kernel, stride=self.stride)
        put(self, "expansion", _expansion(self, self.expansion))
        put(self, "norm", usual(self.norm))

    def expand(self, shape: Shape) -> Layer:
        act, norm = self.activation, self.norm
        wide = max(1, round(shape[0] * self.expansion))
        if wide == shape[0]:
            body: Layer = ConvNorm(
                self.channels, self.kernel, self.stride, activation=act, norm=norm
            )
        else:
            body = Sequential(
                ConvNorm(wide, self.kernel, self.stride, activation=act, norm=norm),
                ConvNorm(self.channels, 1, activation=None, norm=norm),
            )
        return _around(body, shape, self.channels, self.stride, self.drop_path)


def _expansion(owner: Layer, value: float) -> float:
    """Checked, and a whole number where it is one."""
    number(owner, expansion=value)
    if value <= 0:
        raise OptunasError(f"{type(owner).__name__}.expansion must be above 0; got {value!r}")
    return int(value) if value == int(value) else value


def _around(body: Layer, shape: Shape, channels: int, stride: int, drop_path: float) -> Layer:
    """The shortcut, where the shape stays."""
    keeps = stride == 1 and channels == shape[0]
    return Residual(Sequential(body, DropPath(drop_path))) if keeps else body
