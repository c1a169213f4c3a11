"""Pooling to a size that is asked for, whatever the image's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from optunas.architecture.checks import one_of, positive_pair
from optunas.architecture.layer import Pair, Primitive, Shape
from optunas.architecture.layers import image, put
from optunas.architecture.pooling import POOLS, GlobalPool, Pool
from optunas.architecture.windows import Side, pair, simple

Window = tuple[int, int, int]
"""First pixel, the one after the last, how many."""


@dataclass(frozen=True)
class AdaptivePool(Primitive):
    """Averages or maxima over a grid of `size` windows. (C, H, W) -> (C, *size).

    The windows cover the image evenly and overlap where the sides don't divide; a smaller image is
    enlarged. `size` is the side of a square, or (height, width). Torch's rules: window i of n on a
    side of s pixels reaches from floor(i s / n) to ceil((i + 1) s / n).
    """

    size: Pair
    kind: str = "avg"

    def __post_init__(self) -> None:
        positive_pair(self, size=self.size)
        one_of(self, kind=(self.kind, POOLS))
        put(self, "size", simple(self.size))

    def output(self, shape: Shape) -> Shape:
        image(self, shape)
        return (shape[0], *pair(self.size))

    def keeps_zero(self, shape: Shape) -> bool:
        return True

    def resolved(self, shape: Shape) -> Primitive:
        if self.size == 1:
            return GlobalPool(self.kind, keep=True)
        sides = tuple(zip(shape[1:], pair(self.size), strict=True))
        for ceil in (False, True):
            down, across = (_regular(*side, ceil) for side in sides)
            if down and across:
                kernel, stride, padding = zip(down, across, strict=True)
                return Pool(self.kind, kernel, stride, padding, ceil).resolved(shape)
        single = all(window[2] == 1 for side in sides for window in _windows(*side))
        return replace(self, kind="avg") if single else self  # where each sees one pixel, the same

    def is_identity(self, shape: Shape) -> bool:
        return shape[1:] == pair(self.size)


def _windows(side: int, count: int) -> list[Window]:
    ends = [(i * side // count, -(-(i + 1) * side // count)) for i in range(count)]
    return [(first, last, last - first) for first, last in ends]


@lru_cache
def _regular(side: int, count: int, ceil: bool) -> tuple[int, int, int] | None:
    """Kernel, stride and padding of a plain pooling with the same windows, if there is one."""
    windows = _windows(side, count)
    for kernel, stride, padding in _candidates(max(size for _, _, size in windows), side // count):
        pool = Side(side, kernel, stride, padding, ceil)
        if pool.windows == count and list(pool.seen(False)) == windows:
            return kernel, stride, padding
    return None


def _candidates(widest: int, stride: int) -> Iterator[tuple[int, int, int]]:
    """Kernels, strides and paddings that may give windows of up to `widest` pixels."""
    yield widest, max(stride, 1), 0
    if widest <= 32:  # nobody pads wider windows
        for kernel in range(widest, 2 * widest + 1):  # half a window or more lies in the image
            for step in range(1, kernel + 1):
                for padding in range(kernel // 2 + 1):
                    yield kernel, step, padding
