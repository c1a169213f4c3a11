"""What all operations need: to take pixels from elsewhere, and to choose between two pictures.

Both are written for the CPU's sake too. One gather over flat pixel indices, shared by the
channels, is four times as fast there as indexing with rows and columns; choosing by bits is eight
times as fast as `torch.where`, which torch doesn't vectorise for bytes.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

# How many pixel values a CPU works on at once where floats are in between. What fits into its cache
# is up to three times as fast as a whole batch of large images.
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


def in_parts(change: Callable[..., Tensor], images: Tensor, *numbers: Tensor) -> Tensor:
    """change(images, *numbers), on a CPU for a part of the batch at a time.

    The images' results must not depend on each other. numbers: (..., B) each.
    """
    size = max(1, PART // images.shape[1:].numel())
    if images.device.type != "cpu" or len(images) <= size:
        return change(images, *numbers)
    parts = (slice(first, first + size) for first in range(0, len(images), size))
    return torch.cat([change(images[part], *(n[..., part] for n in numbers)) for part in parts])


def by_kind(
    kind: Tensor, changes: Sequence[Callable[..., Tensor]], images: Tensor, *numbers: Tensor
) -> Tensor:
    """changes[k](images, *numbers) for the images of kind k, int64 (B,).

    A change must leave alone the images of other kinds: a graph can't hold a choice, and there all
    images go through all changes. On a CPU they are sorted and spared that. numbers: (..., B) each.
    """
    if images.device.type != "cpu":
        for change in changes:
            images = change(images, *numbers)
        return images
    order = kind.argsort()
    images, numbers = images.index_select(0, order), tuple(n[..., order] for n in numbers)
    results, first = [], 0
    for change, count in zip(changes, kind.bincount().tolist(), strict=False):
        part = slice(first, first + count)
        first += count
        if count > 0:
            results.append(in_parts(change, images[part], *(n[..., part] for n in numbers)))
    return torch.cat(results).index_select(0, order.argsort())
