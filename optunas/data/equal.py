"""Which images are equal: by their pixels in memory, by the contents of their files otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from optunas.data.equal_files import Groups, equal_files, grouped
from optunas.data.files import ImageFiles
from optunas.data.finding import Whole
from optunas.data.glance import Glance, Keys


def equal_images(whole: Whole, glances: Sequence[Glance | None], most: int | None) -> Groups | None:
    """The groups of equal images, as places in the row of all splits.

    `glances` are those of the splits in memory. Images in memory are compared with each other,
    and files with files, but for files of more than `most` images, which are a None.
    """
    starts = np.searchsorted(whole.parts, range(3)).tolist()
    in_memory = [
        (start, split.images, seen.keys)
        for start, split, seen in zip(starts, whole.splits, glances, strict=True)
        if isinstance(split.images, Tensor) and seen is not None
    ]
    in_files = [
        (start, split.images)
        for start, split in zip(starts, whole.splits, strict=True)
        if isinstance(split.images, ImageFiles)
    ]
    found = _by_contents(in_files, most)
    return None if found is None else sorted(_by_pixels(in_memory) + found)


def _by_pixels(splits: list[tuple[int, Tensor, Keys]]) -> Groups:
    if not splits:
        return []
    _, inverse, counts = np.unique(
        np.concatenate([keys for *_, keys in splits]), return_inverse=True, return_counts=True
    )
    again = counts[inverse] > 1
    digests: list[tuple[int, bytes]] = []
    for start, images, keys in splits:
        for row in np.flatnonzero(again[: len(keys)]).tolist():
            digests.append((start + row, _digest(images[row])))
        again = again[len(keys) :]
    return grouped(digests)


def _by_contents(splits: list[tuple[int, ImageFiles]], most: int | None) -> Groups | None:
    if not splits:
        return []
    places = np.concatenate([np.arange(start, start + len(files)) for start, files in splits])
    found = equal_files([files for _, files in splits], most)
    return None if found is None else [places[group].tolist() for group in found]


def _digest(image: Tensor) -> bytes:
    return hashlib.blake2b(image.cpu().contiguous().numpy().data, digest_size=16).digest()
