"""Mean and standard deviation of images, without turning them into floats."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_BLOCK = 2**24  # pixels counted at once: 16 MB of uint8


def mean_and_std(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """images: uint8 (N, C, H, W) -> mean and std per channel, images scaled to 0..1.

    Exact: both follow from how often each of the 256 values occurs. A channel that never
    changes gets a std of 1, so that dividing by it is harmless.
    """
    pairs = [_channel(images[:, c]) for c in range(images.shape[1])]
    return tuple(mean for mean, _ in pairs), tuple(std for _, std in pairs)


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
