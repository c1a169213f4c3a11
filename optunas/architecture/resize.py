"""Resizing: the resolution at which a network sees its images."""

from __future__ import annotations

from dataclasses import dataclass

from optunas.architecture.checks import positive_pair
from optunas.architecture.layer import Pair, Primitive, Shape
from optunas.architecture.layers import image, put
from optunas.architecture.windows import pair, simple


@dataclass(frozen=True)
class Resize(Primitive):
    """Bilinear resizing with antialiasing, as torchvision's. (C, H, W) -> (C, *size).

    It has no parameters and, as torch counts, no MACs. `size` is the side of a square, or (height,
    width). The input resolution is a choice in EfficientNet (Tan & Le 2019) and Once-for-All.
    """

    size: Pair

    def __post_init__(self) -> None:
        positive_pair(self, size=self.size)
        put(self, "size", simple(self.size))

    def output(self, shape: Shape) -> Shape:
        image(self, shape)
        return (shape[0], *pair(self.size))

    def is_identity(self, shape: Shape) -> bool:
        return shape[1:] == pair(self.size)
