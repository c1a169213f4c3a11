"""Rotations, shears and translations: each pixel of the result fetches the nearest one."""

import torch
from torch import Tensor

from optunas.training.augment.pixels import chosen, mask, taken


def warped(images: Tensor, matrix: Tensor, fill: Tensor) -> Tensor:
    """Pixels come from where the matrix says; what lies outside is `fill`.

    images uint8 (B, C, H, W); matrix float32 (6, B): the pixel with its centre at (x, y) comes from
    (a x + b y + c, d x + e y + f), as in Pillow's `Image.transform`; fill uint8 (C,).
    """
    height, width = images.shape[-2:]
    a, b, c, d, e, f = matrix[:, :, None]
    x = torch.arange(width, device=images.device) + 0.5
    y = torch.arange(height, device=images.device) + 0.5
    column = ((a * x)[:, None] + (b * y + c)[:, :, None]).floor_()
    row = ((d * x)[:, None] + (e * y + f)[:, :, None]).floor_()
    inside = mask((column >= 0) & (column < width) & (row >= 0) & (row < height))
    index = row.clamp_(0, height - 1).mul_(width).add_(column.clamp_(0, width - 1)).long()
    return chosen(inside[:, None], taken(images, index), fill[:, None, None])
