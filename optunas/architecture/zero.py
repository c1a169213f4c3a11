"""Zeros: the "none" of cells, an operation that cuts a path."""

from __future__ import annotations

from dataclasses import dataclass

from optunas.architecture.checks import positive, positive_pair
from optunas.architecture.layer import Pair, Primitive, Shape
from optunas.architecture.layers import image, put
from optunas.architecture.windows import pair, simple


@dataclass(frozen=True)
class Zero(Primitive):
    """Zeros, whatever comes in. Keeps the shape; halves the image with `stride=2`, rounding up.

    With a `shape` it gives that shape. What stands only before zeros is no part of the network; a
    sum is the same without them, and a product with them is zero.
    """

    stride: Pair = 1
    shape: Shape | None = None

    def __post_init__(self) -> None:
        positive_pair(self, stride=self.stride)
        put(self, "stride", simple(self.stride))
        if self.shape is not None:
            for size in self.shape if isinstance(self.shape, tuple) else (self.shape, None):
                positive(self, shape=size)

    def output(self, shape: Shape) -> Shape:
        if self.shape is not None:
            return self.shape
        if self.stride == 1:
            return shape
        image(self, shape)
        sides = zip(shape[1:], pair(self.stride), strict=True)
        return (shape[0], *(-(-size // stride) for size, stride in sides))

    def resolved(self, shape: Shape) -> Zero:
        return Zero(shape=self.output(shape))

    def keeps_zero(self, shape: Shape) -> bool:
        return True
