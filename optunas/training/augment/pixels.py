"""What all operations need: to take pixels from elsewhere, and to choose between two pictures.

Both are written for the CPU's sake too. One gather over flat pixel indices, shared by the
channels, is four times as fast there as indexing with rows and columns; choosing by bits is eight
times as fast as `torch.where`, which torch doesn't vectorise for bytes.
"""

from collections.abc import Callable

import torch
from torch import Tensor

# How many pixel values a CPU works on at once where floats are in between. What fits into its cache
# is up to four times as fast as a whole batch of large images.
PART = 1 << 19


def taken(images: Tensor, index: Tensor) -> Tensor:
    """images (B, C, H, W), index int64 (B, H, W) -> pixel i = y * W + x of the same image."""
    pixels = images.flatten(2)
    flat = index.flatten(1)[:, None].expand_as(pixels)
    return pixels.gather(2, flat).view(images.shape)


def mask(where: Tensor) -> Tensor:
    """bool -> uint8, all bits set where true."""
    return where.to(torch.uint8).neg_()  # -1 modulo 256


def chosen(bits: Tensor, this: Tensor, other: Tensor) -> Tensor:
    """`this` where the mask's bits are set, else `other`; all uint8, shapes broadcast."""
    return other ^ ((this ^ other) & bits)


def in_parts(change: Callable[[Tensor, Tensor], Tensor], images: Tensor, u: Tensor) -> Tensor:
    """change(images, u), image by image the same; on a CPU for a part of the batch at a time."""
    size = max(1, PART // images[0].numel()) if images.device.type == "cpu" else len(images)
    if len(images) <= size:
        return change(images, u)
    parts = (slice(first, first + size) for first in range(0, len(images), size))
    return torch.cat([change(images[part], u[:, part]) for part in parts])
