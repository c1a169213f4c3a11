"""What it takes to have a folder's images: decoded, mapped from the cache, or read batch by batch.

    python tests/performance/decoding.py FOLDER

A folder of images (CIFAR-10's 60,000 JPEG files, for one), in a cache of its own that is removed
afterwards. The files should have been read before: a disk's speed is not what is measured. With
`--large 5`, also what the checksum of a cached file of 5 GB costs.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from machine import cores
from reporting import Table, parsed, parser, report

from optunas.data import Data, ImageFiles, cache, cache_folder, image_folder
from optunas.data.cache import Decoded
from optunas.data.listing import list_folder
from optunas.data.reading import read_files
from optunas.data.stamps import stamped

BATCH = 256


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """By the clock, and of all cores together: this process and the children it waited for."""
    start, before = perf_counter(), sum(os.times()[:4])
    work()
    return perf_counter() - start, sum(os.times()[:4]) - before


def forget(*patterns: str) -> None:
    for pattern in patterns:
        for file in cache_folder().glob(pattern):
            file.unlink()


def decoding(files: tuple[str, ...], workers: int) -> Table:
    """Images per second of everything that ends in pixels."""
    table = Table(f"{len(files):,} files", ["", "seconds", "images/s", "images per core-second"])

    def row(name: str, work: Callable[[], object], images: int = len(files)) -> None:
        taken, of_cores = seconds(work)
        table.add(name, taken, images / taken, images / max(of_cores, 0.01))

    def read(**options: object) -> Decoded:
        return read_files(files, **options)  # type: ignore[arg-type]

    row("decoded by this process", lambda: read(cached=False, workers=1, keep="memory"))
    row(f"decoded by {workers} workers", lambda: read(cached=False, keep="memory"))
    row(f"decoded by {workers} workers, written to the cache", lambda: read(keep="memory"))
    row("mapped from the cache", lambda: read(keep="memory"))
    forget("*.checked")
    row("mapped from the cache, its checksum read", lambda: read(keep="memory"))
    row("headers only", lambda: read(keep="files"))
    row("headers remembered", lambda: read(keep="files"))
    images = read(keep="files").images
    assert isinstance(images, ImageFiles)
    order = np.random.default_rng(0).permutation(len(files))[: 20 * BATCH].reshape(-1, BATCH)
    row(
        f"{len(order)} batches of {BATCH} by ImageFiles.read, one process",
        lambda: [images.read(batch) for batch in order.tolist()],
        order.size,
    )
    return table


def starting(folder: Path, files: tuple[str, ...]) -> Table:
    """Where the seconds of a warm start go."""
    table = Table("a start with a warm cache", ["", "seconds", "core-seconds"])
    table.add("list the folder", *seconds(lambda: list_folder(folder)))
    stamps = stamped(files)
    table.add("ask each file's size and times", *seconds(lambda: stamped(files)))
    table.add("hash them", *seconds(lambda: cache.cache_file(files, stamps, None)))
    place = cache.cache_file(files, stamps, None)
    table.add("map the images", *seconds(lambda: cache.load(place)))
    data: list[Data] = []
    table.add("image_folder, all of it", *seconds(lambda: data.append(image_folder(folder))))
    table.add("its fingerprint", *seconds(lambda: data[0].fingerprint))
    return table


def checking(gigabytes: list[float]) -> Table:
    """A cached file that is read for its checksum, and one that is trusted."""
    table = Table("cached files of noise", ["", "written", "checksum read", "trusted"])
    for size in gigabytes:
        file = cache_folder() / f"images-{size}.safetensors"
        noise = torch.randint(0, 256, (int(size * 1e9 / 3072), 3, 32, 32), dtype=torch.uint8)
        written = seconds(lambda f=file, x=noise: cache.save(f, Decoded(x, torch.arange(len(x)))))
        found = [seconds(lambda f=file: cache.load(f)) for _ in range(2)]
        table.add(f"{size:g} GB: seconds", *(clock for clock, _ in (written, *found)))
        table.add("    core-seconds", *(cores for _, cores in (written, *found)))
        file.unlink()
    return table


def options() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--large", type=float, default=0, help="GB of another cached file to check")
    return parsed(made)


def main() -> None:
    chosen = options()
    torch.set_num_threads(1)
    files = list_folder(chosen.folder).files
    said = report("Decoding, mapping and reading images", chosen.device, "0")
    with tempfile.TemporaryDirectory(prefix="optunas-decoding-") as folder:
        os.environ["OPTUNAS_CACHE"] = folder
        said.tables.append(decoding(files, min(16, cores())))
        said.tables.append(starting(chosen.folder, files))
        said.tables.append(checking([0.15] + [chosen.large] * (chosen.large > 0)))
    said.finish(chosen)


if __name__ == "__main__":
    main()
