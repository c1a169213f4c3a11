"""Many image files -> one uint8 tensor: what size, how many channels, does it fit."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from statistics import median

import numpy as np
import psutil
import torch

from optunas.data import cache, decode
from optunas.data.cache import Decoded
from optunas.data.children import Shape, headers_of, pixels_of
from optunas.data.decode import Header, Pixels
from optunas.errors import DataError

_FEW_FILES, _FEW_BYTES = 1500, 20_000_000  # below both, a child's start costs more than it saves
_LARGEST = 128  # pixels: the shorter side that mixed sizes are brought to at most
_RAM_SHARE = 0.6


def read_files(
    files: Sequence[str],
    size: tuple[int, int] | None = None,
    *,
    workers: int | None = None,
    cached: bool = True,
    copied: bool = False,
) -> Decoded:
    """Decode the files to one size (H, W), gray if every image is gray, else RGB.

    Without `size`: the size that all share, or a square of the median shorter side, rounded to
    a multiple of 8, 128 at most. `copied` says that the caller makes a second copy. Files that
    can't be read are `failures`; more pixels than 60 % of the free memory are a `DataError`.
    """
    place = cache.cache_file(files, size) if cached else None
    if place and (known := cache.load(place)):
        return known
    decoded = _decode(files, size, _workers(workers), copies=2 if copied and not cached else 1)
    if place and len(decoded.kept) and cache.save(place, decoded):
        return cache.load(place) or decoded  # mapped: the memory of the first copy is free again
    return decoded


def _decode(
    files: Sequence[str], size: tuple[int, int] | None, workers: int, copies: int
) -> Decoded:
    paths = list(files)
    workers = workers if _is_much(files) else 1
    if guess := _alike(paths, size, workers, copies):
        return guess
    headers = headers_of(paths, workers)
    good = {i: header for i, header in enumerate(headers) if not isinstance(header, str)}
    failures = {i: header for i, header in enumerate(headers) if isinstance(header, str)}
    if not good:
        return Decoded(torch.empty(0, 1, 1, 1, dtype=torch.uint8), _places([]), _sorted(failures))
    shape = _shape(list(good.values()), size)
    _check_memory(len(good), shape, copies)
    kept = list(good)
    pixels, failed = pixels_of([paths[i] for i in kept], shape, workers)
    failures |= {kept[row]: reason for row, reason in failed.items()}
    return _decoded(_without(pixels, failed), [i for i in kept if i not in failures], failures)


def _alike(
    paths: list[str], size: tuple[int, int] | None, workers: int, copies: int
) -> Decoded | None:
    """Small images are mostly all alike: try without asking every header first."""
    with decode.quietly():
        first = next((h for h in map(decode.probe, paths[:9]) if not isinstance(h, str)), None)
    if first is None or max(first[:2]) > _LARGEST or (size and size != first[:2]):
        return None
    shape = _shape([first], None)
    if len(paths) * math.prod(shape) > _room() / copies:
        return None
    pixels, failed = pixels_of(paths, shape, workers, exact=True)
    if decode.OTHER in failed.values() or len(failed) == len(paths):
        return None
    return _decoded(
        _without(pixels, failed), [i for i in range(len(paths)) if i not in failed], failed
    )


def _decoded(pixels: Pixels, kept: list[int], failures: dict[int, str]) -> Decoded:
    return Decoded(torch.from_numpy(_one_channel_if_gray(pixels)), _places(kept), _sorted(failures))


def _shape(headers: list[Header], size: tuple[int, int] | None) -> Shape:
    channels = 1 if all(header.gray for header in headers) else 3
    if size is None:
        sizes = {(header.height, header.width) for header in headers}
        size = sizes.pop() if len(sizes) == 1 else _common_size(headers)
    return (channels, *size)


def _common_size(headers: list[Header]) -> tuple[int, int]:
    side = median(min(header.height, header.width) for header in headers)
    side = min(_LARGEST, max(8, round(side / 8) * 8))
    return side, side


def _room() -> float:
    """Bytes that images may take."""
    return _RAM_SHARE * float(psutil.virtual_memory().available)


def _check_memory(count: int, shape: Shape, copies: int) -> None:
    room = _room()
    need = copies * count * math.prod(shape)
    if need <= room:
        return
    side = int((room / copies / count / shape[0]) ** 0.5)
    fits = side // 8 * 8 or side
    way = f"try size={fits}" if fits else "use fewer images, or more memory"
    raise DataError(
        f"images are held in memory, in {_RAM_SHARE:.0%} of what is free; {count:,} images of "
        f"{'x'.join(map(str, shape))} need {need / 1e9:,.2f} GB and {room / 1e9:,.2f} GB may be "
        f"used: {way}"
    )


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


def _workers(workers: int | None) -> int:
    if workers is not None and workers < 1:
        raise DataError(f"images are read by 1 or more workers; got workers={workers}")
    if hasattr(os, "sched_getaffinity"):  # the cores that this process may use
        return workers or min(16, len(os.sched_getaffinity(0)))
    return workers or min(16, os.cpu_count() or 1)


def _is_much(files: Sequence[str]) -> bool:
    if len(files) > _FEW_FILES:
        return True
    return sum(os.path.getsize(file) for file in files if os.path.exists(file)) > _FEW_BYTES


def _places(values: list[int]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.int64)


def _sorted(failures: dict[int, str]) -> tuple[tuple[int, str], ...]:
    return tuple(sorted(failures.items()))
