"""The primitive layers: one operation each, with its shape and its exact cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any

from optunas.architecture.checks import (
    boolean,
    fraction,
    natural_pair,
    number,
    one_of,
    positive,
    positive_pair,
)
from optunas.architecture.layer import Layer, Pair, Primitive, Shape, pixels, width
from optunas.architecture.windows import by, needed_stride, output_size, pair, simple
from optunas.errors import OptunasError, ShapeError

ACTIVATIONS = (
    "relu", "relu6", "leaky_relu", "elu", "silu", "gelu", "mish",
    "hardswish", "hardsigmoid", "sigmoid", "tanh",
)  # fmt: skip
NORMS = ("batch", "group", "layer")


@dataclass(frozen=True)
class Identity(Primitive):
    """Gives back what it gets."""

    def is_identity(self, shape: Shape) -> bool:
        return True


@dataclass(frozen=True)
class Conv(Primitive):
    """2-d convolution. (C, H, W) -> (channels, H', W').

    `padding=None` keeps the size at stride 1 (and needs odd kernels); `groups=0` is depthwise: one
    group a channel. `channels=None` stands for the number of classes, as in `Linear()`. Two
    spellings of the same convolution are one value: `kernel=(3, 3)` is 3.
    """

    channels: int | None
    kernel: Pair = 3
    stride: Pair = 1
    padding: Pair | None = None
    dilation: Pair = 1
    groups: int = 1
    bias: bool = False

    def __post_init__(self) -> None:
        if self.channels is not None:
            positive(self, channels=self.channels)
        positive_pair(self, kernel=self.kernel, stride=self.stride, dilation=self.dilation)
        boolean(self, bias=self.bias)
        if not isinstance(self.groups, int) or self.groups < 0:
            raise OptunasError(f"Conv.groups must be 0 (depthwise) or more; got {self.groups!r}")
        if self.dilation != 1:  # without a meaning where the kernel is 1
            sides = zip(pair(self.kernel), pair(self.dilation), strict=True)
            down, across = (1 if k == 1 else d for k, d in sides)
            put(self, "dilation", (down, across))
        for name in ("kernel", "stride", "dilation"):
            if isinstance(getattr(self, name), tuple):
                put(self, name, simple(getattr(self, name)))
        if self.padding is not None:
            natural_pair(self, padding=self.padding)
            same = pair(self.padding) == self._same_padding()
            put(self, "padding", None if same else simple(self.padding))
        elif self._same_padding() is None:
            raise OptunasError(
                f"padding that keeps the size needs an odd kernel; got {by(self.kernel)}: give "
                "Conv a padding, for example padding=0"
            )

    def _same_padding(self) -> tuple[int, int] | None:
        (k0, k1), (d0, d1) = pair(self.kernel), pair(self.dilation)
        return (k0 // 2 * d0, k1 // 2 * d1) if k0 % 2 and k1 % 2 else None

    @property
    def pad(self) -> tuple[int, int]:
        """(vertical, horizontal) padding in pixels."""
        padding = self._same_padding() if self.padding is None else pair(self.padding)
        assert padding is not None
        return padding

    def for_classes(self, classes: int) -> Conv:
        return replace(self, channels=classes) if self.channels is None else self

    def keeps_zero(self, shape: Shape) -> bool:
        return not self.bias

    def resolved(self, shape: Shape) -> Conv:
        groups = self.groups or shape[0]
        dilation = self.dilation
        if dilation != 1 and self.padding is None:  # so wide that all but the centre miss the image
            down, across = map(min, pair(dilation), shape[1:])
            dilation = simple((down, across))
        stride = self.stride
        if stride != 1:
            stride = needed_stride(shape, self.kernel, stride, self.pad, self.dilation)
        if (groups, stride, dilation) == (self.groups, self.stride, self.dilation):
            return self
        return replace(self, groups=groups, stride=stride, dilation=dilation)

    def output(self, shape: Shape) -> Shape:
        image(self, shape)
        if self.channels is None:
            raise ShapeError("Conv(None) means one channel for each class: say how many classes")
        groups = self.groups or shape[0]
        if shape[0] % groups or self.channels % groups:
            raise ShapeError(
                f"{groups} groups must divide the channels that come in and go out; "
                f"they are {shape[0]} and {self.channels}"
            )
        size = output_size(shape, self.kernel, self.stride, self.pad, self.dilation)
        return (self.channels, *size)

    def params(self, shape: Shape) -> int:
        channels, groups = self.output(shape)[0], self.groups or shape[0]
        weights = channels * (shape[0] // groups) * prod(pair(self.kernel))
        return weights + (channels if self.bias else 0)

    def macs(self, shape: Shape) -> int:
        groups = self.groups or shape[0]
        return prod(self.output(shape)) * (shape[0] // groups) * prod(pair(self.kernel))


@dataclass(frozen=True)
class Norm(Primitive):
    """Normalisation with a learned scale and shift for each channel. Keeps the shape.

    `batch` (Ioffe & Szegedy 2015), `group` (Wu & He 2018; `groups` of channels, fewer where they
    don't divide or a group would be a single number), `layer` (Ba et al. 2016; over the channels of
    each pixel, as in ConvNeXt, or the features of each token). `eps=None` is 1e-5, and 1e-6 for
    `layer`.
    """

    kind: str = "batch"
    groups: int = 8
    eps: float | None = None

    def __post_init__(self) -> None:
        one_of(self, kind=(self.kind, NORMS))
        positive(self, groups=self.groups)
        if self.eps is not None:
            number(self, eps=self.eps)
            if self.eps <= 0:
                raise OptunasError(f"Norm.eps must be above 0; got {self.eps!r}")
        if self.eps == self._usual_eps():
            put(self, "eps", None)
        if self.kind != "group":
            put(self, "groups", 8)  # without a meaning there: one value for one layer

    def _usual_eps(self) -> float:
        return 1e-6 if self.kind == "layer" else 1e-5

    @property
    def epsilon(self) -> float:
        """What is added to the variance."""
        return self._usual_eps() if self.eps is None else self.eps

    def resolved(self, shape: Shape) -> Norm:
        if self.kind != "group":
            return self
        channels = width(shape)
        size = prod(shape) // channels
        most = min(self.groups, channels if size > 1 else channels // 2)
        groups = next((g for g in range(most, 0, -1) if channels % g == 0), 1)
        if groups == 1 and size == 1:  # all channels of the only pixel
            return Norm("layer", eps=self.epsilon)
        return self if groups == self.groups else replace(self, groups=groups)

    def output(self, shape: Shape) -> Shape:
        if len(shape) > 3:
            raise ShapeError(f"Norm needs (C, H, W), (L, D) or (F,); the input is {pixels(shape)}")
        return shape

    def params(self, shape: Shape) -> int:
        return 2 * width(shape)


def usual(norm: Any) -> Any:
    """The shorter spelling of a block's normalisation: its kind alone, where the rest is usual."""
    return norm.kind if isinstance(norm, Norm) and norm == Norm(norm.kind) else norm


def as_norm(norm: str | Norm) -> Norm:
    """Blocks take a kind of normalisation, or a whole `Norm` where more is to be said."""
    return norm if isinstance(norm, Norm) else Norm(norm)


@dataclass(frozen=True)
class Activation(Primitive):
    """An element-wise non-linearity, by torch's name for it. Keeps the shape."""

    kind: str = "relu"

    def __post_init__(self) -> None:
        one_of(self, kind=(self.kind, ACTIVATIONS))

    def keeps_zero(self, shape: Shape) -> bool:
        return self.kind not in ("sigmoid", "hardsigmoid")


@dataclass(frozen=True)
class Flatten(Primitive):
    """All numbers in a row. (C, H, W) -> (C * H * W,)."""

    def keeps_zero(self, shape: Shape) -> bool:
        return True

    def output(self, shape: Shape) -> Shape:
        return (prod(shape),)

    def is_identity(self, shape: Shape) -> bool:
        return len(shape) == 1


@dataclass(frozen=True)
class Linear(Primitive):
    """Fully connected layer. (F,) -> (features,), or each token's: (L, D) -> (L, features).

    `features=None` stands for the number of classes, which the data knows and the search space
    does not: `Linear()` is the classifier.
    """

    features: int | None = None
    bias: bool = True

    def __post_init__(self) -> None:
        boolean(self, bias=self.bias)
        if self.features is not None:
            positive(self, features=self.features)

    def for_classes(self, classes: int) -> Linear:
        return replace(self, features=classes) if self.features is None else self

    def keeps_zero(self, shape: Shape) -> bool:
        return not self.bias

    def output(self, shape: Shape) -> Shape:
        if len(shape) > 2:
            raise ShapeError(
                "a fully connected layer needs flat features (put GlobalPool() or Flatten() "
                f"before it); the input is {pixels(shape)}"
            )
        if self.features is None:
            raise ShapeError("Linear() means one output for each class: say how many classes")
        return (*shape[:-1], self.features)

    def params(self, shape: Shape) -> int:
        features = self.output(shape)[-1]
        return features * shape[-1] + (features if self.bias else 0)

    def macs(self, shape: Shape) -> int:
        return prod(self.output(shape)) * shape[-1]


@dataclass(frozen=True)
class Dropout(Primitive):
    """Dropout (Srivastava et al. 2014) of numbers. Keeps the shape."""

    p: float = 0.5

    def __post_init__(self) -> None:
        fraction(self, p=self.p)

    def keeps_zero(self, shape: Shape) -> bool:
        return True

    def is_identity(self, shape: Shape) -> bool:
        return self.p == 0


@dataclass(frozen=True)
class DropPath(Primitive):
    """Stochastic depth (Huang et al. 2016): drops a whole sample's branch. Keeps the shape."""

    p: float = 0.1

    def __post_init__(self) -> None:
        fraction(self, p=self.p)

    def keeps_zero(self, shape: Shape) -> bool:
        return True

    def is_identity(self, shape: Shape) -> bool:
        return self.p == 0


@dataclass(frozen=True)
class Scale(Primitive):
    """A learned factor for each channel, `init` at first (LayerScale, Touvron et al. 2021)."""

    init: float = 1e-6

    def __post_init__(self) -> None:
        number(self, init=self.init)

    def keeps_zero(self, shape: Shape) -> bool:
        return True

    def params(self, shape: Shape) -> int:
        return width(shape)


def image(layer: Layer, shape: Shape) -> None:
    """Check that a layer gets an image."""
    if len(shape) != 3:
        raise ShapeError(
            f"{type(layer).__name__} needs an image (channels, height, width); "
            f"the input is {pixels(shape)}"
        )


def put(layer: Layer, name: str, value: object) -> None:
    """Set a field of a frozen layer while it is being made."""
    object.__setattr__(layer, name, value)
