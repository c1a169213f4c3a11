"""What looking at the data costs before a search, and which copies of an image it finds.

    python tests/performance/looking.py FOLDER

A folder of images (CIFAR-10's 60,000 JPEG files, for one), looked at in memory and in its files,
with a cache of its own that is removed afterwards. Then copies of `--copies` training images,
stored again in another quality or size, take the places of test images: how many are found.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from time import perf_counter

import numpy as np
import torch
from PIL import Image
from reporting import Table, parsed, parser, report

from optunas.data import Data, Split, findings, image_folder, overlap
from optunas.data.finding import Whole
from optunas.data.near import near_pairs

Way = Callable[[Image.Image], Image.Image]


def seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def costs(data: Data, in_files: Data, repeats: int) -> Table:
    """Seconds; the files are compared once and remembered then."""
    table = Table(data.describe(), ["", "seconds"])
    table.add("in its files, compared", seconds(lambda: findings(in_files)))
    for name, one in (("in its files, remembered", in_files), ("in memory", data)):
        table.add(name, median(seconds(lambda d=one: findings(d)) for _ in range(repeats)))
    return table


def ways(size: tuple[int, int]) -> dict[str, Way]:
    """Image -> the same image stored again, at the size of the data."""

    def resized(factor: float) -> Way:
        side = [max(1, round(n * factor)) for n in size]
        bilinear = Image.Resampling.BILINEAR
        return lambda image: image.resize(side, bilinear).resize(size, bilinear)

    made = {f"JPEG of quality {q}": lambda image, q=q: _jpeg(image, q) for q in (95, 75, 50, 30)}
    return {**made, **{f"size x {factor:g}": resized(factor) for factor in (2, 1.25, 0.75, 0.5)}}


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream)


def planted(data: Data, way: Way, count: int, seed: int) -> tuple[Data, set[tuple[int, int]]]:
    """The data with copies in its test split, and the pairs of places that should be found."""
    rng = np.random.default_rng(seed)
    sources = rng.choice(len(data.train), count, replace=False).tolist()
    places = rng.choice(len(data.test), count, replace=False).tolist()
    images = data.test.images.clone()
    for source, place in zip(sources, places, strict=True):
        pixels = data.train.images[source].permute(1, 2, 0).squeeze(2).numpy()
        copy = np.asarray(way(Image.fromarray(pixels)))
        images[place] = torch.from_numpy(np.atleast_3d(copy).transpose(2, 0, 1).copy())
    first = len(data.train) + len(data.validation)
    expected = {(first + p, s) for p, s in zip(places, sources, strict=True)}
    return replace(data, test=Split(images, data.test.labels)), expected


def recall(data: Data, count: int, seed: int) -> Table:
    """Copies that are found, and pairs that nobody planted."""
    before = near_pairs(Whole(data), [])
    table = Table(f"{count} copies in test", ["stored again as", "found, %", "other pairs"])
    _, height, width = data.input_shape
    table.add("nothing planted", 0, len(before))
    for name, way in ways((width, height)).items():
        searched, expected = planted(data, way, count, seed)
        found = set(near_pairs(Whole(searched), []))
        table.add(name, 100 * len(found & expected) / count, len(found - expected))
    return table


def options() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--repeats", type=int, default=5)
    made.add_argument("--copies", type=int, default=500)
    return parsed(made)


def main() -> None:
    chosen = options()
    torch.set_num_threads(1)
    said = report("Looking at the data", chosen.device, chosen.seed)
    with tempfile.TemporaryDirectory(prefix="optunas-looking-") as folder:
        os.environ["OPTUNAS_CACHE"] = folder
        data, in_files = (image_folder(chosen.folder, keep=keep) for keep in ("memory", "files"))
        said.tables.append(costs(data, in_files, chosen.repeats))
        said.tables.append(recall(data, min(chosen.copies, len(data.test)), chosen.seed))
        said.figures["copies"] = overlap(data)
        said.lines += [f"{one.level}: {one.line}" for one in findings(data)]
    said.finish(chosen)


if __name__ == "__main__":
    main()
