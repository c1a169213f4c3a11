"""Many image files -> one uint8 tensor, decoded by several processes.

Processes, because small images cost more Python than decoding and threads would wait for each
other. They are plain children that run `decode.py` and answer through a pipe: nothing is
forked, a script needs no `__main__` guard, and a decoder that crashes takes no search along.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import IO

import numpy as np
import psutil
import torch

from optunas.data import cache, decode
from optunas.data.cache import Decoded
from optunas.data.decode import Header, Pixels
from optunas.errors import DataError

Shape = tuple[int, int, int]
_FEW_FILES, _FEW_BYTES = 1500, 20_000_000  # below both, a child's start costs more than it saves
_LARGEST = 128  # pixels: the shorter side that mixed sizes are brought to at most
_RAM_SHARE = 0.6


def read_files(
    files: Sequence[Path],
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
    files: Sequence[Path], size: tuple[int, int] | None, workers: int, copies: int
) -> Decoded:
    paths = [str(file) for file in files]
    workers = workers if _is_much(files) else 1
    headers = _headers(paths, workers)
    good = {i: header for i, header in enumerate(headers) if not isinstance(header, str)}
    failures = {i: header for i, header in enumerate(headers) if isinstance(header, str)}
    if not good:
        return Decoded(torch.empty(0, 1, 1, 1, dtype=torch.uint8), _places([]), _sorted(failures))
    shape = _shape(list(good.values()), size)
    _check_memory(len(good), shape, copies)
    kept = list(good)
    pixels, failed = _pixels([paths[i] for i in kept], shape, workers)
    failures |= {kept[row]: reason for row, reason in failed.items()}
    images = torch.from_numpy(_one_channel_if_gray(_without(pixels, failed)))
    return Decoded(images, _places([i for i in kept if i not in failures]), _sorted(failures))


def _headers(paths: list[str], workers: int) -> list[Header | str]:
    headers: list[Header | str] = [""] * len(paths)

    def receive(places: range, pipe: IO[bytes]) -> None:
        for i, found in zip(places, json.load(pipe), strict=True):
            headers[i] = found if isinstance(found, str) else Header(*found)

    if workers == 1:
        with decode.quietly():
            return [decode.probe(path) for path in paths]
    _ask_children(paths, None, workers, receive)
    return headers


def _pixels(paths: list[str], shape: Shape, workers: int) -> tuple[Pixels, dict[int, str]]:
    """All images (N, C, H, W), and the reasons of the rows that hold none."""
    out = np.zeros((len(paths), *shape), np.uint8)
    failed: dict[int, str] = {}
    if workers > 1:
        _ask_children(paths, shape, workers, partial(_receive, out, failed, paths))
        return out, failed
    with decode.quietly():
        for row, path in enumerate(paths):
            found = decode.read(path, *shape)
            if isinstance(found, str):
                failed[row] = found
            else:
                out[row] = found
    return out, failed


def _receive(
    out: Pixels, failed: dict[int, str], paths: list[str], rows: range, pipe: IO[bytes]
) -> None:
    """The parent's end of `decode.serve`."""
    for row in rows:
        try:
            if _exactly(pipe, 1) == b"\1":
                out[row] = np.frombuffer(_exactly(pipe, out[0].nbytes), np.uint8).reshape(
                    out.shape[1:]
                )
            else:
                (length,) = struct.unpack("<H", _exactly(pipe, 2))
                failed[row] = _exactly(pipe, length).decode()
        except EOFError:
            raise DataError(
                f"reading {paths[row]} ended the process that decodes (not enough memory, or a "
                "file that crashes the decoder); use fewer workers, or move that file away"
            ) from None


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    found = pipe.read(count)  # a buffered pipe returns less only at its end
    if len(found) < count:
        raise EOFError
    return found


def _ask_children(
    paths: list[str],
    shape: Shape | None,
    workers: int,
    receive: Callable[[range, IO[bytes]], None],
) -> None:
    with ThreadPoolExecutor(workers) as pool:
        shares = [range(first, len(paths), workers) for first in range(workers)]
        for done in [pool.submit(_ask_child, paths, shape, rows, receive) for rows in shares]:
            done.result()


def _ask_child(
    paths: list[str],
    shape: Shape | None,
    rows: range,
    receive: Callable[[range, IO[bytes]], None],
) -> None:
    job = json.dumps({"paths": [paths[row] for row in rows], "shape": shape})
    path = os.pathsep.join(entry for entry in sys.path if entry)
    child = subprocess.Popen(
        [sys.executable, "-P", decode.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert child.stdin
    assert child.stdout
    try:
        child.stdin.write(job.encode())
        child.stdin.close()
        receive(rows, child.stdout)
    except (BrokenPipeError, json.JSONDecodeError) as error:
        raise DataError(
            "a process that reads images ended early; try again with workers=1, which reads in "
            "this process"
        ) from error
    finally:
        child.kill()
        child.stdout.close()
        child.wait()


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


def _check_memory(count: int, shape: Shape, copies: int) -> None:
    free = psutil.virtual_memory().available
    channels, height, width = shape
    room = _RAM_SHARE * free / copies
    if count * channels * height * width > room:
        need = copies * count * channels * height * width
        side = int((room / count / channels) ** 0.5)
        fits = side // 8 * 8 or side
        way = f"try size={fits}" if fits else "use fewer images, or more memory"
        raise DataError(
            f"images are held in memory, in {_RAM_SHARE:.0%} of what is free at most; {count:,} "
            f"images of {channels}x{height}x{width} need {need / 1e9:.1f} GB and "
            f"{free / 1e9:.1f} GB are free; {way}"
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
    return workers or min(16, len(psutil.Process().cpu_affinity()) if hasattr(
        psutil.Process, "cpu_affinity"
    ) else os.cpu_count() or 1)


def _is_much(files: Sequence[Path]) -> bool:
    if len(files) > _FEW_FILES:
        return True
    return sum(file.stat().st_size for file in files if file.exists()) > _FEW_BYTES


def _places(values: list[int]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.int64)


def _sorted(failures: dict[int, str]) -> tuple[tuple[int, str], ...]:
    return tuple(sorted(failures.items()))
