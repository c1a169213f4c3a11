"""Zeros around an image, or its border cut off."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from optunas.architecture.layer import Primitive, Shape, pixels
from optunas.architecture.layers import image
from optunas.errors import OptunasError, ShapeError


@dataclass(frozen=True)
class Pad(Primitive):
    """Rows and columns of zeros at each side; below 0 they are cut off. (C, H, W) -> (C, H', W').

    `Pad(top=-1, bottom=1)` moves the image one pixel up.
    """

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    def __post_init__(self) -> None:
        if not all(isinstance(n, int) and not isinstance(n, bool) for n in astuple(self)):
            raise OptunasError(f"Pad takes whole numbers of pixels; got {astuple(self)!r:.80}")

    def output(self, shape: Shape) -> Shape:
        image(self, shape)
        size = shape[1] + self.top + self.bottom, shape[2] + self.left + self.right
        cut = max(-self.top, -self.bottom), max(-self.left, -self.right)
        if min(size) < 1 or cut[0] >= shape[1] or cut[1] >= shape[2]:
            raise ShapeError(f"{self} leaves nothing of {pixels(shape)}")
        return (shape[0], *size)

    def is_identity(self, shape: Shape) -> bool:
        return self == Pad()

    def keeps_zero(self, shape: Shape) -> bool:
        return True
