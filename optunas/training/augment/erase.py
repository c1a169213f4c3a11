"""Cutout: a part of the image is hidden, so that the network can't rely on any single part."""

from dataclasses import dataclass

import torch
from torch import Tensor

from optunas.training.augment.pixels import chosen, mask

ERASE = 3 / 8  # side of the erased square at strength 1: 12 pixels of 32


@dataclass(frozen=True)
class Erase:
    """A square in the colour `fill` (cutout, DeVries & Taylor 2017, arXiv:1708.04552).

    strength 0..1: its chance, and its side as a share of 3/8 of the shorter side; its centre is
    anywhere in the image, and what lies outside is cut off. Three numbers: whether, top, left.
    """

    strength: float
    numbers = 3

    def __call__(self, images: Tensor, u: Tensor, fill: Tensor) -> Tensor:
        """images uint8 (B, C, H, W), u (3, B), fill uint8 (C,) -> the same shape."""
        height, width = images.shape[-2:]
        side = round(ERASE * self.strength * min(height, width))
        length = (u[0] < self.strength).long() * side
        top = (u[1] * height).long() - side // 2
        left = (u[2] * width).long() - side // 2
        hidden = (
            mask(within(height, top, length))[:, None, :, None]
            & (mask(within(width, left, length))[:, None, None, :])
        )
        return chosen(hidden, fill[:, None, None], images)


def within(size: int, first: Tensor, length: Tensor) -> Tensor:
    """first, length int64 (B,) -> bool (B, size): whether first <= index < first + length."""
    index = torch.arange(size, device=first.device)
    return (index >= first[:, None]) & (index < (first + length)[:, None])
