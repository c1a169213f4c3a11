"""Pooling: a window's maximum or average, or the whole image's."""

from __future__ import annotations

from dataclasses import dataclass, replace

from optunas.architecture.checks import boolean, natural_pair, one_of, positive_pair
from optunas.architecture.layer import Pair, Primitive, Shape
from optunas.architecture.layers import Flatten, image, put
from optunas.architecture.windows import (
    Side,
    by,
    needed_stride,
    output_size,
    pair,
    simple,
    simplest,
)
from optunas.errors import OptunasError

POOLS = ("max", "avg")


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
        positive_pair(self, kernel=self.kernel)
        natural_pair(self, padding=self.padding)
        boolean(self, ceil=self.ceil, count_padding=self.count_padding)
        if self.stride is not None:
            positive_pair(self, stride=self.stride)
            same = pair(self.stride) == pair(self.kernel)
            put(self, "stride", None if same else simple(self.stride))
        for name in ("kernel", "padding"):
            put(self, name, simple(getattr(self, name)))
        if any(2 * p > k for p, k in zip(pair(self.padding), pair(self.kernel), strict=True)):
            raise OptunasError(
                f"padding of a pooling must be at most half its kernel; got padding "
                f"{by(self.padding)} with kernel {by(self.kernel)}"
            )
        if self.kind == "max" or self.padding == 0:
            put(self, "count_padding", False)

    @property
    def step(self) -> Pair:
        """The stride: the kernel's size unless said otherwise."""
        return self.kernel if self.stride is None else self.stride

    def output(self, shape: Shape) -> Shape:
        image(self, shape)
        size = output_size(shape, self.kernel, self.step, self.padding, ceil=self.ceil)
        return (shape[0], *size)

    def keeps_zero(self, shape: Shape) -> bool:
        return True

    def resolved(self, shape: Shape) -> Primitive:
        pool = self._simplest(shape)
        if pool.padding == 0 and pair(pool.kernel) == shape[1:]:
            return GlobalPool(pool.kind, keep=True)
        single = all(1 in side for side in zip(pair(pool.kernel), shape[1:], strict=True))
        if single and pool.kind == "avg" and not pool.count_padding:
            return replace(pool, kind="max")  # where each window sees one pixel it is the same
        return pool

    def _simplest(self, shape: Shape) -> Pool:
        """The smallest windows that pool the same pixels of an image of `shape`."""
        if self.padding == 0 and not self.ceil:
            return replace(self, stride=needed_stride(shape, self.kernel, self.step, 0))
        for ceil in (False, True):
            down = simplest(self._side(shape, 0), ceil, self.count_padding)
            across = simplest(self._side(shape, 1), ceil, self.count_padding)
            if down and across:
                kernel, stride, padding = zip(down[1:4], across[1:4], strict=True)
                return replace(self, kernel=kernel, stride=stride, padding=padding, ceil=ceil)
        raise AssertionError("windows are at least as simple as themselves")

    def _side(self, shape: Shape, side: int) -> Side:
        kernel, stride, padding = pair(self.kernel), pair(self.step), pair(self.padding)
        return Side(shape[1 + side], kernel[side], stride[side], padding[side], self.ceil)

    def is_identity(self, shape: Shape) -> bool:
        return self.kernel == 1 and self.step == 1


@dataclass(frozen=True)
class GlobalPool(Primitive):
    """The average or maximum of each channel. (C, H, W) -> (C,), or (C, 1, 1) with `keep`."""

    kind: str = "avg"
    keep: bool = False

    def __post_init__(self) -> None:
        one_of(self, kind=(self.kind, POOLS))
        boolean(self, keep=self.keep)

    def output(self, shape: Shape) -> Shape:
        image(self, shape)
        return (shape[0], 1, 1) if self.keep else (shape[0],)

    def keeps_zero(self, shape: Shape) -> bool:
        return True

    def resolved(self, shape: Shape) -> Primitive:
        return self if self.keep or shape[1:] != (1, 1) else Flatten()

    def is_identity(self, shape: Shape) -> bool:
        return self.keep and shape[1:] == (1, 1)
