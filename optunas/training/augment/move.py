"""Shifts and flips: what is in the picture stays as it is, and lies elsewhere."""

from dataclasses import dataclass

import torch
from torch import Tensor

from optunas.training.augment.pixels import mask, taken

SHIFT = 1 / 8  # of the image's size at strength 1: 4 pixels of 32, the usual crop of CIFAR-10
PADDINGS = ("reflect", "edge", "zero")


@dataclass(frozen=True)
class Move:
    """A random crop of the padded image (He et al. 2016, arXiv:1512.03385), perhaps mirrored.

    strength 0..1: shifts are up to an eighth of the size, flips have a chance of strength / 2.
    padding: what a shift brings in from outside; "reflect" mirrors at the border pixel, "edge"
    repeats it, "zero" is black. Three numbers: down, right, mirror.
    """

    strength: float
    flip: bool
    padding: str = "reflect"
    numbers = 3

    def __call__(self, images: Tensor, u: Tensor, fill: Tensor) -> Tensor:
        """images uint8 (B, C, H, W), u (3, B) -> the same shape."""
        height, width = images.shape[-2:]
        down = offsets(u[0], SHIFT * self.strength * height)
        right = offsets(u[1], SHIFT * self.strength * width)
        mirror = (u[2] < self.strength / 2) if self.flip else torch.zeros_like(u[2]).bool()
        return moved(images, down, right, mirror, self.padding)


def offsets(u: Tensor, most: float) -> Tensor:
    """Uniform 0..1 -> whole pixels in -ceil(most)..ceil(most).

    Rounding towards zero from an interval one pixel wider gives every whole offset up to `most`
    the same chance, and what is left of a fraction to the next one: 0.5 pixels move one image in
    three by one pixel, and 0 moves none.
    """
    reach = most + 1
    limit = -int(-most // 1)  # the ends themselves would reach one pixel further
    return (u * (2 * reach) - reach).long().clamp_(-limit, limit)


def moved(images: Tensor, down: Tensor, right: Tensor, mirror: Tensor, padding: str) -> Tensor:
    """Row y comes from row y + down, column x from column x + right; then flipped where `mirror`.

    images (B, C, H, W); down, right int64 (B,), of any size; mirror bool (B,).
    """
    height, width = images.shape[-2:]
    rows = torch.arange(height, device=images.device) + down[:, None]
    columns = torch.arange(width, device=images.device) + right[:, None]
    columns = torch.where(mirror[:, None], columns.flip(1), columns)
    y, x = _inside(rows, height, padding), _inside(columns, width, padding)
    result = taken(images, y[:, :, None] * width + x[:, None, :])
    if padding != "zero":
        return result
    return result & (mask(y == rows)[:, None, :, None] & mask(x == columns)[:, None, None, :])


def _inside(index: Tensor, size: int, padding: str) -> Tensor:
    if padding != "reflect" or size == 1:
        return index.clamp(0, size - 1)
    period = 2 * (size - 1)
    folded = index % period  # never negative in torch
    return torch.minimum(folded, period - folded)
