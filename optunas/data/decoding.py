"""Decode many files into one array of pixels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from optunas.data import decode
from optunas.data.cache import Decoded
from optunas.data.children import Shape, pixels_of
from optunas.data.decode import Pixels
from optunas.data.survey import LARGEST, Survey, shape_of


def decode_all(paths: list[str], headers: Survey, workers: int) -> Decoded:
    """Every image at the shape of the survey; files that fail are left out."""
    failures = dict(headers.failures)
    if headers.shape is None:
        return Decoded(torch.empty(0, 1, 1, 1, dtype=torch.uint8), _places([]), _sorted(failures))
    good = [i for i in range(len(paths)) if i not in failures]
    pixels, failed = pixels_of([paths[i] for i in good], headers.shape, workers)
    failures |= {good[row]: reason for row, reason in failed.items()}
    kept = [i for i in good if i not in failures]
    return _decoded(_without(pixels, failed), kept, failures, headers.headers[kept])


def decode_alike(
    paths: list[str],
    size: tuple[int, int] | None,
    workers: int,
    fits: Callable[[int, Shape], bool],
) -> Decoded | None:
    """Small images are mostly all alike: try without asking every header first."""
    with decode.quietly():
        first = next((h for h in map(decode.probe, paths[:9]) if not isinstance(h, str)), None)
    if first is None or max(first[:2]) > LARGEST or (size and size != first[:2]):
        return None
    shape = shape_of([first], None)
    if not fits(len(paths), shape):
        return None
    pixels, failed = pixels_of(paths, shape, workers, exact=True)
    if decode.OTHER in failed.values() or len(failed) == len(paths):
        return None
    kept = [i for i in range(len(paths)) if i not in failed]
    headers = torch.tensor(first, dtype=torch.int32).repeat(len(kept), 1)  # reading was `exact`
    return _decoded(_without(pixels, failed), kept, failed, headers)


def _decoded(
    pixels: Pixels, kept: list[int], failures: dict[int, str], headers: torch.Tensor
) -> Decoded:
    images = torch.from_numpy(_one_channel_if_gray(pixels))
    return Decoded(images, _places(kept), _sorted(failures), headers=headers)


def _without(pixels: Pixels, failed: dict[int, str]) -> Pixels:
    """Close the gaps of failed rows in place: a second copy might not fit."""
    if not failed:
        return pixels
    end = min(failed)
    for row in range(end, len(pixels)):
        if row not in failed:
            pixels[end] = pixels[row]
            end += 1
    return pixels[:end]


def _one_channel_if_gray(pixels: Pixels, block: int = 256) -> Pixels:
    """Images that are stored in colour but are all gray need one channel only."""
    if pixels.shape[1] == 1 or not len(pixels):
        return pixels
    for start in range(0, len(pixels), block):
        part = pixels[start : start + block]
        if not (part[:, :1] == part[:, 1:]).all():
            return pixels
    return np.ascontiguousarray(pixels[:, :1])


def _places(values: list[int]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.int64)


def _sorted(failures: dict[int, str]) -> tuple[tuple[int, str], ...]:
    return tuple(sorted(failures.items()))
