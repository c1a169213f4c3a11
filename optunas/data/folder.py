"""A folder of images -> Data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from optunas.data.cache import Decoded
from optunas.data.dataset import Data, Split
from optunas.data.listing import Listing, counted, list_folder, named
from optunas.data.moments import remembered_moments
from optunas.data.reading import read_files
from optunas.data.split import divide
from optunas.errors import DataError

Size = int | tuple[int, int] | None
Splits = tuple[Split, Split, Split]


def image_folder(
    path: str | os.PathLike[str],
    *,
    size: Size = None,
    validation: float = 0.15,
    test: float = 0.15,
    seed: int = 0,
    flip: bool = False,
    name: str | None = None,
    workers: int | None = None,
    cache: bool = True,
    keep: str = "auto",
) -> Data:
    """Images in one folder per class, as uint8 of one size.

    The folder holds `<class>/...`, which is split for you (stratified, by `seed`, with the
    shares `validation` and `test`), or `train/<class>/...` with `test/` and `val/` (also
    `valid/`, `validation/`) beside it; a split that is missing is taken from train. Class
    folders are read at any depth; hidden files are passed over.

    `size` is the side of a square or (height, width), in pixels: an image is scaled until it
    covers that, then cut around its centre. Without it, the size that all images share, or a
    square of the median shorter side, rounded to a multiple of 8 and 128 at most.

    Images are RGB, or one channel if all of them are gray. EXIF turns are applied,
    transparency lies on white, 16 bits become 8. Files that can't be read are left out and
    listed in `Data.notes`. `flip=True` says that a mirrored image keeps its label.

    `keep` says where the images are in the meantime. "memory": all are decoded at once, which
    is a `DataError` where 60 % of the free memory are too little. "files": each is decoded
    whenever a batch asks for it; headers are looked at, so a file that is damaged further in
    is found then, and a gray image stands for it. "auto": in memory where there is room,
    else in the files, and a note says so.

    `workers` processes decode (default: one per core). The result is cached below
    `~/.cache/optunas` (`OPTUNAS_CACHE` names another place; `cache=False`: not at all).

    Raises `DataError` for a folder that can't be learned from: absent, empty, one class, a
    class with too few images, a test class that train lacks.
    """
    root = Path(path).expanduser()
    wanted = check_size(size)
    listing = list_folder(root)
    complete = {"validation", "test"} <= set(listing.sizes)
    decoded = read_files(
        listing.files, wanted, workers=workers, cached=cache, copied=not complete, keep=keep
    )
    notes = listing.notes + left_out(listing.files, decoded, root) + decoded.notes
    splits = _split(listing, decoded, validation, test, seed)
    moments = remembered_moments(splits[0].images, workers=workers, cached=cache)
    title = name or root.resolve().name
    return Data.from_splits(title, splits, listing.classes, flip=flip, notes=notes, moments=moments)


def check_size(size: Size) -> tuple[int, int] | None:
    """A size as (height, width), or None; `DataError` for anything else."""
    if size is None:
        return None
    pair = size if isinstance(size, tuple) else (size, size)
    if len(pair) != 2 or not all(isinstance(n, int) and n > 0 for n in pair):
        raise DataError(
            f"a size is a number of pixels or (height, width), each 1 or more; got {size!r}"
        )
    return pair


def left_out(files: Sequence[str], decoded: Decoded, root: Path) -> tuple[str, ...]:
    """The note on files that gave no image: how many, and the first few with the reason."""
    if not decoded.failures:
        return ()
    names = [f"{os.path.relpath(files[i], root)} ({why})" for i, why in decoded.failures]
    count = counted(len(names), "file")
    return (f"left out {count} that can't be read as an image: {named(names)}",)


def _split(listing: Listing, decoded: Decoded, validation: float, test: float, seed: int) -> Splits:
    labels = torch.tensor(listing.labels, dtype=torch.int64)[decoded.kept]
    found = _own_splits(listing, decoded, labels)
    missing = {"validation": validation, "test": test}
    missing = {part: share for part, share in missing.items() if part not in found}
    _check_enough(listing, found["train"].labels, 1 + len(missing))
    if missing:
        shares = (1 - sum(missing.values()), *missing.values())
        parts = divide(found["train"], shares, seed=seed, classes=listing.classes)
        found |= dict(zip(("train", *missing), parts, strict=True))
    return found["train"], found["validation"], found["test"]


def _own_splits(listing: Listing, decoded: Decoded, labels: Tensor) -> dict[str, Split]:
    """The splits that the folder makes itself: slices, since files are listed split by split."""
    everything = Split(decoded.images, labels, decoded.files)
    splits, start, stop = {}, 0, 0
    for part, size in listing.sizes.items():
        stop += size
        first, last = (int((decoded.kept < edge).sum()) for edge in (start, stop))
        splits[part] = everything[first:last]
        start = stop
    return splits


def _check_enough(listing: Listing, train: Tensor, need: int) -> None:
    readable = torch.bincount(train, minlength=len(listing.classes)).tolist()
    files = torch.tensor(listing.labels[: listing.sizes["train"]])
    listed = torch.bincount(files, minlength=len(listing.classes)).tolist()
    few = [
        f"{name} ({n})" if n == m else f"{name} ({n} of {m} files readable)"
        for name, n, m in zip(listing.classes, readable, listed, strict=True)
        if n < need
    ]
    if few:
        raise DataError(
            f"a class needs at least {need} readable training images, one for each split that is "
            f"made of them; too few in {named(few, 10)}. Add images or remove these folders"
        )
