"""Attention: every token, or every pixel of a window, looks at the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TypeVar

from optunas.architecture.checks import boolean, fraction, natural_pair, positive, positive_pair
from optunas.architecture.layer import Pair, Primitive, Shape
from optunas.architecture.layers import image, put
from optunas.architecture.tokens import tokens
from optunas.architecture.windows import by, pair, simple
from optunas.errors import OptunasError, ShapeError


@dataclass(frozen=True)
class Attention(Primitive):
    """Multi-head self-attention (Vaswani et al. 2017). (L, D) -> (L, features).

    `head_width=None` shares the width among the heads, D / heads to each; `features=None` keeps D.
    `dropout` drops attention weights. `macs` counts the two products inside, L x L for each head,
    and the projections before and after.
    """

    heads: int
    head_width: int | None = None
    features: int | None = None
    bias: bool = True
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _check(self)

    def resolved(self, shape: Shape) -> Attention:
        width = head_width(self, shape[1])
        if shape[0] == 1 and not self.dropout:  # a lone token looks at itself, with any heads
            return _spelled(replace(self, heads=1, head_width=self.heads * width), shape[1])
        return _spelled(self, shape[1])

    def output(self, shape: Shape) -> Shape:
        tokens(self, shape)
        head_width(self, shape[1])
        return (shape[0], self.features or shape[1])

    def params(self, shape: Shape) -> int:
        inner = self.heads * head_width(self, shape[1])
        return _projections(self, shape[1], inner)

    def macs(self, shape: Shape) -> int:
        length, width = shape
        inner = self.heads * head_width(self, width)
        out = self.features or width
        return length * inner * (3 * width + out) + 2 * length**2 * inner


@dataclass(frozen=True)
class WindowAttention(Primitive):
    """Self-attention among the pixels of each window. (C, H, W) -> (features, H, W).

    With a learned bias for each head and relative position (Swin, Liu et al. 2021). A `shift` moves
    the windows, around the edges, and pixels that are no neighbours don't see each other. Images
    are filled up with zeros to whole windows; where one window covers a side, that side is not
    shifted. `window=None` is one window over the whole image: the relative attention of CoAtNet
    (Dai et al. 2021).
    """

    heads: int
    window: Pair | None = 7
    shift: Pair = 0
    head_width: int | None = None
    features: int | None = None
    bias: bool = True
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _check(self)
        natural_pair(self, shift=self.shift)
        put(self, "shift", simple(self.shift))
        if self.window is None:
            put(self, "shift", 0)
            return
        positive_pair(self, window=self.window)
        put(self, "window", simple(self.window))
        if any(s >= w for s, w in zip(pair(self.shift), pair(self.window), strict=True)):
            raise OptunasError(
                f"a window is shifted by less than its size; got a shift of {by(self.shift)} with "
                f"windows of {by(self.window)}"
            )

    def resolved(self, shape: Shape) -> WindowAttention:
        sides = zip(shape[1:], self.size(shape), pair(self.shift), strict=True)
        down, across = (shift if window < length else 0 for length, window, shift in sides)
        window = simple(self.size(shape))
        placed = replace(self, window=window, shift=simple((down, across)))
        return _spelled(placed, shape[0])

    def size(self, shape: Shape) -> tuple[int, int]:
        """(height, width) of a window."""
        return (shape[1], shape[2]) if self.window is None else pair(self.window)

    def windows(self, shape: Shape) -> tuple[int, int]:
        """How many windows there are (down, across)."""
        down, across = self.size(shape)
        return (-(-shape[1] // down), -(-shape[2] // across))

    def output(self, shape: Shape) -> Shape:
        image(self, shape)
        head_width(self, shape[0])
        return (self.features or shape[0], *shape[1:])

    def params(self, shape: Shape) -> int:
        down, across = self.size(shape)
        positions = (2 * down - 1) * (2 * across - 1)
        inner = self.heads * head_width(self, shape[0])
        return _projections(self, shape[0], inner) + positions * self.heads

    def macs(self, shape: Shape) -> int:
        seen = prod(self.size(shape))
        pixels = prod(self.windows(shape)) * seen  # those that fill up the edges included
        inner = self.heads * head_width(self, shape[0])
        out = self.features or shape[0]
        return pixels * inner * (3 * shape[0] + out) + 2 * pixels * seen * inner


Attending = Attention | WindowAttention
T = TypeVar("T", Attention, WindowAttention)


def head_width(layer: Attending, width: int) -> int:
    """How many features each head has where `width` come in."""
    if layer.head_width is not None:
        return layer.head_width
    if width % layer.heads:
        raise ShapeError(
            f"{layer.heads} heads can't share {width} features evenly: give "
            f"{type(layer).__name__} a head_width, or heads that divide them"
        )
    return width // layer.heads


def _check(layer: Attending) -> None:
    positive(layer, heads=layer.heads)
    boolean(layer, bias=layer.bias)
    fraction(layer, dropout=layer.dropout)
    for name in ("head_width", "features"):
        if getattr(layer, name) is not None:
            positive(layer, **{name: getattr(layer, name)})


def _spelled(layer: T, width: int) -> T:
    """Without the numbers that are what they would be anyway."""
    shared = layer.head_width is not None and layer.head_width * layer.heads == width
    return replace(
        layer,
        head_width=None if shared else layer.head_width,
        features=None if layer.features == width else layer.features,
    )


def _projections(layer: Attending, width: int, inner: int) -> int:
    """Weights and biases of the way in, to queries, keys and values, and of the way out."""
    out = layer.features or width
    return inner * (3 * width + out) + (3 * inner + out if layer.bias else 0)
