"""Augmentation of a whole batch at once, on its device, with random numbers of its own per image.

Two steps: `draw` chooses what happens to each image, `apply` does it. torchvision's transforms
draw once for a whole batch, which makes a batch's images move together; here each image moves
alone, without a Python loop. Images stay uint8: a quarter of the memory traffic of floats.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

SHIFT = 1 / 8  # of the image's size at strength 1: 4 pixels of 32, the usual crop of CIFAR-10
ERASE = 3 / 8  # side of the erased square at strength 1: 12 pixels of 32
PADDINGS = ("reflect", "edge", "zero")


@dataclass(frozen=True)
class Draw:
    """What happens to each of B images; every field has shape (B,)."""

    down: Tensor
    """int64, pixels: the image's row y comes from row y + down"""
    right: Tensor
    """int64, pixels: the image's column x comes from column x + right"""
    mirror: Tensor
    """bool: flipped left to right, after the shift"""
    top: Tensor
    """int64, first row of the erased square; may lie outside, the square is then cut"""
    left: Tensor
    """int64, its first column"""
    side: Tensor
    """int64, its height and width in pixels; 0: nothing is erased"""


def draw(
    count: int, height: int, width: int, generator: Generator, *, strength: float, flip: bool
) -> Draw:
    """Choose at random for `count` images; strength 0..1 scales how much and how often.

    Shifts are up to an eighth of the size (a random crop of the padded image, as He et al. 2016
    do), flips have a chance of strength / 2, and with a chance of `strength` a square of up to
    3/8 of the size is erased (cutout, DeVries & Taylor 2017, arXiv:1708.04552), its centre
    anywhere in the image.
    """
    device = generator.device
    u = torch.rand(6, count, generator=generator, device=device)
    side = round(ERASE * strength * min(height, width))
    erased = (u[3] < strength) & (side > 0)
    return Draw(
        down=_offset(u[0], SHIFT * strength * height),
        right=_offset(u[1], SHIFT * strength * width),
        mirror=(u[2] < strength / 2) & flip,
        top=(u[4] * height).long() - side // 2,
        left=(u[5] * width).long() - side // 2,
        side=erased.long() * side,
    )


def apply(images: Tensor, draw: Draw, *, fill: Tensor, padding: str = "reflect") -> Tensor:
    """Do what was drawn: (B, C, H, W) of any dtype -> the same, without touching the input.

    fill: (C,), the colour of an erased square. padding: what a shift brings in from outside:
    "reflect" mirrors at the border pixel, "edge" repeats it, "zero" is black.
    """
    height, width = images.shape[-2:]
    y = torch.arange(height, device=images.device)
    x = torch.arange(width, device=images.device)
    rows = y + draw.down[:, None]
    columns = x + draw.right[:, None]
    columns = torch.where(draw.mirror[:, None], columns.flip(1), columns)
    moved = _gather(images, rows, columns, padding)
    hidden_rows = _within(y, draw.top, draw.side)
    hidden_columns = _within(x, draw.left, draw.side)
    hidden = hidden_rows[:, None, :, None] & hidden_columns[:, None, None, :]
    return torch.where(hidden, fill.to(moved.dtype)[:, None, None], moved)


def _offset(u: Tensor, most: float) -> Tensor:
    """Uniform 0..1 -> whole pixels in -ceil(most)..ceil(most).

    Rounding towards zero from an interval one pixel wider gives every whole offset up to `most`
    the same chance, and what is left of a fraction to the next one: 0.5 pixels move one image in
    three by one pixel, and 0 moves none.
    """
    reach = most + 1
    whole = ((2 * u - 1) * reach).trunc().long()
    limit = -int(-most // 1)  # u = 0 would reach one pixel further
    return whole.clamp(-limit, limit)


def _gather(images: Tensor, rows: Tensor, columns: Tensor, padding: str) -> Tensor:
    """images[b, :, rows[b, y], columns[b, x]] for all b, y, x at once; indices may be outside."""
    count, _, height, width = images.shape
    each = torch.arange(count, device=images.device)[:, None, None]
    y, x = _inside(rows, height, padding), _inside(columns, width, padding)
    moved = images[each, :, y[:, :, None], x[:, None, :]].permute(0, 3, 1, 2)
    if padding != "zero":
        return moved
    kept = (y == rows)[:, None, :, None] & (x == columns)[:, None, None, :]
    return moved * kept


def _inside(index: Tensor, size: int, padding: str) -> Tensor:
    if padding != "reflect" or size == 1:
        return index.clamp(0, size - 1)
    period = 2 * (size - 1)
    folded = index % period  # never negative in torch
    return torch.minimum(folded, period - folded)


def _within(index: Tensor, first: Tensor, length: Tensor) -> Tensor:
    return (index >= first[:, None]) & (index < (first + length)[:, None])
