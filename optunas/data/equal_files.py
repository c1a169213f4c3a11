"""Which files have the same contents, without reading most of them whole."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import numpy as np
import torch

from optunas.data.disk import cache_folder, recall, remember
from optunas.data.files import ImageFiles
from optunas.data.stamps import digest, stamped
from optunas.machine import cores

Groups = list[list[int]]
"""places of what is equal, two or more in each group, in order"""

_PART = 4096  # bytes that are read of a file at first
_CHUNK = 256  # files that a thread reads before it is given others


def equal_files(images: Sequence[ImageFiles], most: int | None = None) -> Groups | None:
    """The groups of equal files among all images, numbered through.

    Files of one size are compared in 4 KB from their middle, and read whole only where these are
    equal. The groups are remembered until a file changes. Where more than `most` files would have
    to be read and nothing is remembered, None.
    """
    place = cache_folder() / f"equal-{_version(images)}.json"
    known = recall(place)
    if known is not None:
        return [list(map(int, group)) for group in known]
    paths = [path for files in images for path in files.paths]
    sizes = torch.cat([files.sizes for files in images]).numpy()
    groups = _alike(sizes.tolist())
    if most is not None and sum(map(len, groups)) > most:
        return None
    for read in (_part, _all):
        groups = _compared(groups, paths, read)
    remember(place, groups)
    return groups


def grouped(keyed: Iterable[tuple[int, object]]) -> Groups:
    """The places that share a key, where there are several."""
    groups: dict[object, list[int]] = defaultdict(list)
    for place, key in keyed:
        groups[key].append(place)
    return [group for group in groups.values() if len(group) > 1]


def _version(images: Sequence[ImageFiles]) -> str:
    """What is another text when a file is another one; where that is known, no file is asked."""
    versions = [files.version for files in images]
    if all(versions):
        return digest([], stamped([]), "equal files", *versions)
    paths = [path for files in images for path in files.paths]
    return digest(paths, stamped(paths), "equal files")


def _alike(sizes: list[int]) -> Groups:
    return grouped(enumerate(sizes))


def _compared(groups: Groups, paths: list[str], read: Callable[[str], bytes | None]) -> Groups:
    """The groups, divided by what is read of their files."""
    places = list(chain.from_iterable(groups))
    owners = np.repeat(np.arange(len(groups)), list(map(len, groups))).tolist()
    chunks = [places[i : i + _CHUNK] for i in range(0, len(places), _CHUNK)]
    with ThreadPoolExecutor(min(16, 2 * cores())) as pool:
        found = pool.map(lambda chunk: [read(paths[place]) for place in chunk], chunks)
        read_of = list(chain.from_iterable(found))
    return grouped(
        (place, (owner, contents))
        for place, owner, contents in zip(places, owners, read_of, strict=True)
        if contents is not None
    )


def _part(path: str) -> bytes | None:
    """A hash of 4 KB around the middle; None for a file that can't be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            size = file.seek(0, 2)
            file.seek(max(0, (size - _PART) // 2))
            return hashlib.blake2b(file.read(_PART), digest_size=16).digest()
    except OSError:
        return None


def _all(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
    except OSError:
        return None
