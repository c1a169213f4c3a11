"""Windows that slide over an image: how many there are, and what each of them sees."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from operator import eq
from typing import NamedTuple

from optunas.architecture.layer import Pair, Shape
from optunas.errors import ShapeError


def pair(value: Pair) -> tuple[int, int]:
    """(vertical, horizontal)."""
    return value if isinstance(value, tuple) else (value, value)


def simple(value: Pair) -> Pair:
    """The shortest spelling: (3, 3) is 3."""
    return value[0] if isinstance(value, tuple) and value[0] == value[1] else value


def by(value: Pair) -> str:
    """As a person says it: `3x5`."""
    return "x".join(map(str, pair(value)))


def room(size: int, kernel: int, padding: int, dilation: int = 1) -> int:
    """How many pixels a window can move along a side; below 0 where it doesn't fit."""
    return size + 2 * padding - dilation * (kernel - 1) - 1


def count(size: int, kernel: int, stride: int, padding: int, ceil: bool) -> int:
    """How many windows a side has, by torch's rules; below 1 where none fits."""
    free = room(size, kernel, padding)
    if not ceil:
        return free // stride + 1
    steps = -(-free // stride)
    # the last window must begin inside the image or the padding before it
    return steps if steps * stride >= size + padding else steps + 1


def output_size(
    shape: Shape, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair = 1, ceil: bool = False
) -> tuple[int, int]:
    """Height and width after a sliding window; raises `ShapeError` where it doesn't fit."""
    (k0, k1), (s0, s1), (p0, p1) = pair(kernel), pair(stride), pair(padding)
    if dilation != 1:
        d0, d1 = pair(dilation)
        k0, k1 = d0 * (k0 - 1) + 1, d1 * (k1 - 1) + 1
    size = count(shape[1], k0, s0, p0, ceil), count(shape[2], k1, s1, p1, ceil)
    if size[0] < 1 or size[1] < 1:
        over = (s0 - 1, s1 - 1) if ceil else (0, 0)
        least = max(1, k0 - 2 * p0 - over[0]), max(1, k1 - 2 * p1 - over[1])
        raise ShapeError(_too_small(shape, kernel, padding, dilation, least))
    return size


def _too_small(
    shape: Shape, kernel: Pair, padding: Pair, dilation: Pair, least: tuple[int, int]
) -> str:
    without = f"with padding {by(padding)}" if pair(padding) != (0, 0) else "without padding"
    dilated = f" dilated {by(dilation)}" if dilation != 1 else ""
    return (
        f"a {by(kernel)} kernel{dilated} {without} needs at least {by(least)} pixels; "
        f"the input is {by((shape[1], shape[2]))}"
    )


def needed_stride(
    shape: Shape, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair = 1
) -> Pair:
    """The smallest stride that takes the same steps: any longer than the room takes none."""
    sides = zip(shape[1:], pair(kernel), pair(stride), pair(padding), pair(dilation), strict=True)
    down, across = (min(s, room(size, k, p, d) + 1) for size, k, s, p, d in sides)
    return simple((down, across))


class Side(NamedTuple):
    """The windows of a pooling along one side of an image."""

    size: int
    kernel: int
    stride: int
    padding: int
    ceil: bool

    @property
    def windows(self) -> int:
        """How many there are."""
        return count(self.size, self.kernel, self.stride, self.padding, self.ceil)

    def seen(self, padding_counts: bool) -> Iterator[tuple[int, int, int]]:
        """For each window its first pixel, the one after its last, and the length to average."""
        for step in range(self.windows):
            start = step * self.stride - self.padding
            end = min(start + self.kernel, self.size + self.padding)
            first, last = max(start, 0), min(end, self.size)
            yield first, last, end - start if padding_counts else last - first


@lru_cache
def simplest(side: Side, ceil: bool, padding_counts: bool) -> Side | None:
    """The smallest kernel, stride and padding that pool the same pixels, if `ceil` has any.

    On small images many poolings are one: windows over the edge see less than they could.
    """
    seen = list(side.seen(padding_counts))
    for kernel, stride, padding in _smaller(side):
        other = Side(side.size, kernel, stride, padding, ceil)
        if other.windows == len(seen) and all(map(eq, other.seen(padding_counts), seen)):
            return other
    return None


def _smaller(side: Side) -> Iterator[tuple[int, int, int]]:
    """Kernels, strides and paddings up to those of `side`, the smallest first."""
    kernel = min(side.kernel, side.size + 2 * side.padding)
    stride = min(side.stride, side.size + 2 * side.padding)
    if max(kernel, stride) > 32:  # too many to look through, and nobody pads such windows
        yield kernel, stride, side.padding
        return
    for k, s in product(range(1, kernel + 1), range(1, stride + 1)):
        for p in range(min(side.padding, k // 2) + 1):
            yield k, s, p
