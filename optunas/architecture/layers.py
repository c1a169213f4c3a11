"""The primitive layers: one operation each, with its shape and its exact cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from ..errors import OptunasError, ShapeError
from .layer import Layer, Pair, Primitive, Shape, fraction, one_of, pixels, positive

ACTIVATIONS = (
    "relu", "relu6", "leaky_relu", "elu", "silu", "gelu", "mish",
    "hardswish", "hardsigmoid", "sigmoid", "tanh",
)  # fmt: skip
IDEMPOTENT = ("relu", "relu6")
NORMS = ("batch", "group", "layer")
POOLS = ("max", "avg")


@dataclass(frozen=True)
class Identity(Primitive):
    """Gives back what it gets."""

    def is_identity(self, shape: Shape) -> bool:
        return True


@dataclass(frozen=True)
class Conv(Primitive):
    """2-d convolution. (C, H, W) -> (channels, H', W').

    `padding=None` keeps the size at stride 1 (and needs odd kernels); `groups=0` is depthwise: one
    group a channel. Two spellings of the same convolution are one value: `kernel=(3, 3)` is 3.
    """

    channels: int
    kernel: Pair = 3
    stride: Pair = 1
    padding: Pair | None = None
    dilation: Pair = 1
    groups: int = 1
    bias: bool = False

    def __post_init__(self) -> None:
        positive(self, channels=self.channels, kernel=self.kernel, stride=self.stride)
        positive(self, dilation=self.dilation)
        if not isinstance(self.groups, int) or self.groups < 0:
            raise OptunasError(f"Conv.groups must be 0 (depthwise) or more; got {self.groups!r}")
        for name in ("kernel", "stride", "dilation"):
            _put(self, name, _simple(getattr(self, name)))
        if self.kernel == 1:
            _put(self, "dilation", 1)
        same = self._same_padding()
        if self.padding is None and same is None:
            raise OptunasError(
                f"padding that keeps the size needs an odd kernel; got {_by(self.kernel)}: give "
                "Conv a padding, for example padding=0"
            )
        if self.padding is not None:
            _natural(self, padding=self.padding)
            _put(self, "padding", None if pair(self.padding) == same else _simple(self.padding))

    def _same_padding(self) -> tuple[int, int] | None:
        (k0, k1), (d0, d1) = pair(self.kernel), pair(self.dilation)
        return (k0 // 2 * d0, k1 // 2 * d1) if k0 % 2 and k1 % 2 else None

    @property
    def pad(self) -> tuple[int, int]:
        """(vertical, horizontal) padding in pixels."""
        padding = self._same_padding() if self.padding is None else pair(self.padding)
        assert padding is not None
        return padding

    def resolved(self, shape: Shape) -> Conv:
        groups = self.groups or shape[0]
        stride = _needed_stride(shape, self.kernel, self.stride, self.pad, self.dilation)
        if (groups, stride) == (self.groups, self.stride):
            return self
        return replace(self, groups=groups, stride=stride)

    def output(self, shape: Shape) -> Shape:
        image(self, shape)
        groups = self.groups or shape[0]
        if shape[0] % groups or self.channels % groups:
            raise ShapeError(
                f"{groups} groups must divide the channels that come in and go out; "
                f"they are {shape[0]} and {self.channels}"
            )
        size = _window(shape, self.kernel, self.stride, self.pad, self.dilation)
        return (self.channels, *size)

    def params(self, shape: Shape) -> int:
        groups = self.groups or shape[0]
        weights = self.channels * (shape[0] // groups) * prod(pair(self.kernel))
        return weights + (self.channels if self.bias else 0)

    def macs(self, shape: Shape) -> int:
        groups = self.groups or shape[0]
        return prod(self.output(shape)) * (shape[0] // groups) * prod(pair(self.kernel))


@dataclass(frozen=True)
class Norm(Primitive):
    """Normalisation with a learned scale and shift for each channel. Keeps the shape.

    `batch` (Ioffe & Szegedy 2015), `group` (Wu & He 2018; `groups` of channels, fewer where they
    don't divide), `layer` (Ba et al. 2016; over the channels of each pixel, as in ConvNeXt).
    `eps=None` is 1e-5, and 1e-6 for `layer`.
    """

    kind: str = "batch"
    groups: int = 8
    eps: float | None = None

    def __post_init__(self) -> None:
        one_of(self, kind=(self.kind, NORMS))
        positive(self, groups=self.groups)
        if self.eps == self._usual_eps():
            _put(self, "eps", None)
        if self.kind != "group":
            _put(self, "groups", 8)  # without a meaning there: one value for one layer

    def _usual_eps(self) -> float:
        return 1e-6 if self.kind == "layer" else 1e-5

    @property
    def epsilon(self) -> float:
        """What is added to the variance."""
        return self._usual_eps() if self.eps is None else self.eps

    def resolved(self, shape: Shape) -> Norm:
        if self.kind != "group":
            return self
        groups = next(g for g in range(min(self.groups, shape[0]), 0, -1) if shape[0] % g == 0)
        return self if groups == self.groups else replace(self, groups=groups)

    def output(self, shape: Shape) -> Shape:
        if len(shape) not in (1, 3):
            raise ShapeError(f"Norm needs (C, H, W) or (F,); the input is {pixels(shape)}")
        return shape

    def params(self, shape: Shape) -> int:
        return 2 * shape[0]


@dataclass(frozen=True)
class Activation(Primitive):
    """An element-wise non-linearity, by torch's name for it. Keeps the shape."""

    kind: str = "relu"

    def __post_init__(self) -> None:
        one_of(self, kind=(self.kind, ACTIVATIONS))


@dataclass(frozen=True)
class Pool(Primitive):
    """Max or average pooling. (C, H, W) -> (C, H', W').

    `stride=None` is the kernel's size. `ceil` lets the last window reach over the edge, so that any
    size can be halved, 1x1 included. Averages count the padding only with `count_padding`.
    """

    kind: str = "max"
    kernel: Pair = 2
    stride: Pair | None = None
    padding: Pair = 0
    ceil: bool = False
    count_padding: bool = False

    def __post_init__(self) -> None:
        one_of(self, kind=(self.kind, POOLS))
        positive(self, kernel=self.kernel)
        _natural(self, padding=self.padding)
        if self.stride is not None:
            positive(self, stride=self.stride)
            same = pair(self.stride) == pair(self.kernel)
            _put(self, "stride", None if same else _simple(self.stride))
        for name in ("kernel", "padding"):
            _put(self, name, _simple(getattr(self, name)))
        if any(2 * p > k for p, k in zip(pair(self.padding), pair(self.kernel), strict=True)):
            raise OptunasError(
                f"padding of a pooling must be at most half its kernel; got padding "
                f"{self.padding} with kernel {_by(self.kernel)}"
            )
        if self.kind == "max" or self.padding == 0:
            _put(self, "count_padding", False)

    @property
    def step(self) -> Pair:
        """The stride: the kernel's size unless said otherwise."""
        return self.kernel if self.stride is None else self.stride

    def output(self, shape: Shape) -> Shape:
        image(self, shape)
        size = _window(shape, self.kernel, self.step, self.padding, ceil=self.ceil)
        return (shape[0], *size)

    def resolved(self, shape: Shape) -> Primitive:
        if self.padding == 0 and pair(self.kernel) == shape[1:]:
            return GlobalPool(self.kind, keep=True)
        stride = _needed_stride(shape, self.kernel, self.step, self.padding)
        spelling = replace(self, stride=stride)
        if self.ceil and replace(self, ceil=False).fits(shape, self.output(shape)):
            return replace(spelling, ceil=False)
        return spelling

    def fits(self, shape: Shape, output: Shape) -> bool:
        """Whether this pooling brings `shape` to `output`."""
        try:
            return self.output(shape) == output
        except ShapeError:
            return False

    def is_identity(self, shape: Shape) -> bool:
        single = self.kernel == 1 and self.step == 1
        # a window that hangs over the edge of an image of 1x1 sees that one pixel
        return single or (shape[1:] == (1, 1) and self.ceil and self.padding == 0)


@dataclass(frozen=True)
class GlobalPool(Primitive):
    """The average or maximum of each channel. (C, H, W) -> (C,), or (C, 1, 1) with `keep`."""

    kind: str = "avg"
    keep: bool = False

    def __post_init__(self) -> None:
        one_of(self, kind=(self.kind, POOLS))

    def output(self, shape: Shape) -> Shape:
        image(self, shape)
        return (shape[0], 1, 1) if self.keep else (shape[0],)

    def resolved(self, shape: Shape) -> Primitive:
        return self if self.keep or shape[1:] != (1, 1) else Flatten()

    def is_identity(self, shape: Shape) -> bool:
        return self.keep and shape[1:] == (1, 1)


@dataclass(frozen=True)
class Flatten(Primitive):
    """All numbers in a row. (C, H, W) -> (C * H * W,)."""

    def output(self, shape: Shape) -> Shape:
        return (prod(shape),)

    def is_identity(self, shape: Shape) -> bool:
        return len(shape) == 1


@dataclass(frozen=True)
class Linear(Primitive):
    """Fully connected layer. (F,) -> (features,).

    `features=None` stands for the number of classes, which the data knows and the search space
    does not: `Linear()` is the classifier.
    """

    features: int | None = None
    bias: bool = True

    def __post_init__(self) -> None:
        if self.features is not None:
            positive(self, features=self.features)

    def output(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ShapeError(
                "a fully connected layer needs flat features (put GlobalPool() or Flatten() "
                f"before it); the input is {pixels(shape)}"
            )
        if self.features is None:
            raise ShapeError("Linear() means one output for each class: say how many classes")
        return (self.features,)

    def params(self, shape: Shape) -> int:
        (width,) = self.output(shape)
        return width * shape[0] + (width if self.bias else 0)

    def macs(self, shape: Shape) -> int:
        return self.output(shape)[0] * shape[0]


@dataclass(frozen=True)
class Dropout(Primitive):
    """Dropout (Srivastava et al. 2014) of numbers. Keeps the shape."""

    p: float = 0.5

    def __post_init__(self) -> None:
        fraction(self, p=self.p)

    def is_identity(self, shape: Shape) -> bool:
        return self.p == 0


@dataclass(frozen=True)
class DropPath(Primitive):
    """Stochastic depth (Huang et al. 2016): drops a whole sample's branch. Keeps the shape."""

    p: float = 0.1

    def __post_init__(self) -> None:
        fraction(self, p=self.p)

    def is_identity(self, shape: Shape) -> bool:
        return self.p == 0


@dataclass(frozen=True)
class Scale(Primitive):
    """A learned factor for each channel, `init` at first (LayerScale, Touvron et al. 2021)."""

    init: float = 1e-6

    def params(self, shape: Shape) -> int:
        return shape[0]


def image(layer: Layer, shape: Shape) -> None:
    """Check that a layer gets an image."""
    if len(shape) != 3:
        raise ShapeError(
            f"{type(layer).__name__} needs an image (channels, height, width); "
            f"the input is {pixels(shape)}"
        )


def pair(value: Pair) -> tuple[int, int]:
    """(vertical, horizontal)."""
    return value if isinstance(value, tuple) else (value, value)


def _simple(value: Pair) -> Pair:
    """The shortest spelling: (3, 3) is 3; a list, as JSON has it, is a tuple."""
    if isinstance(value, int):
        return value
    height, width = value
    return height if height == width else (height, width)


def _put(layer: Layer, name: str, value: object) -> None:
    """Set a field of a frozen layer while it is being made."""
    object.__setattr__(layer, name, value)


def _by(value: Pair) -> str:
    return "x".join(map(str, pair(value)))


def _natural(layer: Layer, **numbers: Pair) -> None:
    for name, value in numbers.items():
        if any(not isinstance(part, int) or part < 0 for part in pair(value)):
            raise OptunasError(
                f"{type(layer).__name__}.{name} must be a whole number of at least 0; got {value!r}"
            )


def _window(
    shape: Shape, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair = 1, ceil: bool = False
) -> tuple[int, int]:
    """Height and width after a sliding window; torch's own rules, ceil mode included."""
    sizes = []
    for size, k, s, p, d in zip(
        shape[1:], pair(kernel), pair(stride), pair(padding), pair(dilation), strict=True
    ):
        room = size + 2 * p - (d * (k - 1) + 1)
        if room < 0 and not ceil:
            raise ShapeError(_too_small(shape, kernel, padding, dilation))
        steps = -(-room // s) if ceil else room // s
        if ceil and steps * s >= size + p:  # the last window must begin inside the image
            steps -= 1
        sizes.append(steps + 1)
    return sizes[0], sizes[1]


def _too_small(shape: Shape, kernel: Pair, padding: Pair, dilation: Pair) -> str:
    sides = zip(pair(kernel), pair(padding), pair(dilation), strict=True)
    least = tuple(max(1, d * (k - 1) + 1 - 2 * p) for k, p, d in sides)
    without = f"with padding {_by(padding)}" if pair(padding) != (0, 0) else "without padding"
    return (
        f"a {_by(kernel)} kernel {without} needs at least {_by((least[0], least[1]))} pixels; "
        f"the input is {_by((shape[1], shape[2]))}"
    )


def _needed_stride(
    shape: Shape, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair = 1
) -> Pair:
    """The stride, or 1 where the window has no room to move and any stride is the same."""
    sides = zip(shape[1:], pair(kernel), pair(stride), pair(padding), pair(dilation), strict=True)
    needed = tuple(1 if size + 2 * p == d * (k - 1) + 1 else s for size, k, s, p, d in sides)
    return _simple((needed[0], needed[1]))
