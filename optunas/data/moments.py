"""Mean and standard deviation of images, without turning them into floats."""

from __future__ import annotations

import math

import numpy as np
import PIL
import torch
from torch import Tensor

from optunas.data.children import pixels_of, workers_for
from optunas.data.disk import cache_folder, recall, remember
from optunas.data.files import ImageFiles
from optunas.data.stamps import digest, stamped
from optunas.errors import DataError

Moments = tuple[tuple[float, ...], tuple[float, ...]]
"""means and standard deviations, one of each for every channel"""

_BLOCK = 2**24  # pixels counted at once: 16 MB of uint8
_SAMPLE, _SAMPLE_BYTES = 2000, 2**28


def mean_and_std(images: Tensor | ImageFiles, *, workers: int | None = None) -> Moments:
    """images: uint8 (N, C, H, W) -> mean and std per channel, images scaled to 0..1.

    Exact: both follow from how often each of the 256 values occurs. A channel that never
    changes gets a std of 1, so that dividing by it is harmless.

    Of images that stay in their files, `workers` processes (default: one per core) decode a
    sample, always the same: at most 2,000 images and 256 MB. Raises `DataError` if none of
    them can be decoded.
    """
    pixels = _decoded(_sample(images), workers) if isinstance(images, ImageFiles) else images
    pairs = [_channel(pixels[:, c]) for c in range(pixels.shape[1])]
    return tuple(mean for mean, _ in pairs), tuple(std for _, std in pairs)


def remembered_moments(
    images: Tensor | ImageFiles, *, workers: int | None, cached: bool
) -> Moments:
    """As `mean_and_std`; what a sample of files gave is remembered until one of them changes."""
    if not cached or not isinstance(images, ImageFiles):
        return mean_and_std(images, workers=workers)
    paths = _sample(images).paths
    name = digest(paths, stamped(paths), PIL.__version__, images.image_shape)
    place = cache_folder() / f"moments-{name}.json"
    if known := recall(place):
        return tuple(known[0]), tuple(known[1])
    found = mean_and_std(images, workers=workers)
    remember(place, found)
    return found


def _sample(images: ImageFiles) -> ImageFiles:
    most = min(_SAMPLE, max(1, _SAMPLE_BYTES // math.prod(images.image_shape)))
    if len(images) <= most:
        return images
    chosen = np.random.default_rng(0).choice(len(images), most, replace=False)
    return images[torch.from_numpy(np.sort(chosen))]


def _decoded(images: ImageFiles, workers: int | None) -> Tensor:
    """All of them that can be decoded."""
    count = workers_for(len(images), images.file_bytes, workers)
    pixels, failed = pixels_of(images.paths, images.image_shape, count)
    if len(failed) == len(images):
        raise DataError(
            f"mean and std need images; of {len(images):,} files not one can be decoded "
            f"({next(iter(failed.values()))}): check the files"
        )
    return torch.from_numpy(np.delete(pixels, list(failed), axis=0) if failed else pixels)


def _channel(pixels: Tensor) -> tuple[float, float]:
    counts = [int(n) for n in _histogram(pixels)]
    total = sum(counts)
    first = sum(v * n for v, n in enumerate(counts))
    second = sum(v * v * n for v, n in enumerate(counts))
    variance = second * total - first * first  # whole numbers: nothing cancels
    return first / total / 255, math.sqrt(variance) / total / 255 or 1.0


def _histogram(pixels: Tensor) -> Tensor:
    counts = torch.zeros(256, dtype=torch.int64)
    step = max(1, _BLOCK // pixels[0].numel())
    for start in range(0, len(pixels), step):
        block = pixels[start : start + step].reshape(-1)
        counts += torch.bincount(block, minlength=256).cpu()
    return counts
