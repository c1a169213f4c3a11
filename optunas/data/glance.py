"""What three rows of pixels tell of an image, so that few images need to be read whole.

Equal images have equal rows, single-coloured ones single-coloured rows, gray ones gray rows:
only where the rows say so are all pixels looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Keys = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

_BLOCK = 2**24  # bytes of rows at once


@dataclass(frozen=True)
class Glance:
    """keys: uint64 (N,), the same for equal images; single: bool (N,), of one colour all over.

    gray: bool (N,), colour images whose channels are equal; none of images with one channel.
    """

    keys: Keys
    single: Flags
    gray: Flags


def glance(images: Tensor) -> Glance:
    """images: uint8 (N, C, H, W)."""
    height = images.shape[2]
    rows = sorted({height // 4, height // 2, 3 * height // 4})
    step = max(1, _BLOCK // images[0, :, rows].numel())
    blocks = [_block(images[i : i + step], rows) for i in range(0, len(images), step)]
    keys, single, gray = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return Glance(keys, single, gray)


def _block(images: Tensor, rows: list[int]) -> tuple[Keys, Flags, Flags]:
    seen = images[:, :, rows].cpu()
    keys = _keys(seen.reshape(len(seen), -1).numpy())
    return keys, _confirmed(is_single, images, seen), _confirmed(is_gray, images, seen)


def _confirmed(check: Callable[[Tensor], Tensor], images: Tensor, seen: Tensor) -> Flags:
    """The check on all pixels, of those images whose rows passed it."""
    flags = check(seen)
    places = flags.nonzero()[:, 0]
    flags[places] = check(images[places.to(images.device)]).cpu()
    return flags.numpy()


def is_single(images: Tensor) -> Tensor:
    """bool (N,): every channel has one value."""
    flat = images.flatten(2)
    return (flat.amin(2) == flat.amax(2)).all(1)


def is_gray(images: Tensor) -> Tensor:
    """bool (N,): more than one channel, all of them the same."""
    if images.shape[1] == 1:
        return torch.zeros(len(images), dtype=torch.bool)
    return (images[:, :1] == images[:, 1:]).flatten(1).all(1)


def _keys(rows: npt.NDArray[np.uint8]) -> Keys:
    """A sum with random weights, modulo 2^64: a hash that need not be good, only quick."""
    words = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 8))).view(np.uint64)
    weights = np.random.default_rng(0).integers(2**64, size=words.shape[1], dtype=np.uint64)
    found: Keys = (words * (weights | np.uint64(1))).sum(axis=1, dtype=np.uint64)
    return found
