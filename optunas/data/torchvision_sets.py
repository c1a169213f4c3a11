"""torchvision's classification sets by name, from the files that torchvision itself keeps."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from optunas.data.cache import Decoded
from optunas.data.dataset import Data, Split
from optunas.data.folder import Size, check_size, image_folder, left_out
from optunas.data.listing import has_splits
from optunas.data.moments import remembered_moments
from optunas.data.reading import read_files
from optunas.data.room import check_keep
from optunas.data.sources import SOURCES, Source
from optunas.data.split import divide
from optunas.errors import DataError

_TEST_SHARE = 0.2  # of a set that comes without an official test split


def torchvision_set(
    name: str,
    root: str | os.PathLike[str],
    *,
    download: bool = False,
    validation: float = 0.1,
    seed: int = 0,
    size: Size = None,
    workers: int | None = None,
    cache: bool = True,
    keep: str = "auto",
) -> Data:
    """A set of `torchvision.datasets` by name: "cifar10", "svhn", "food101", ...

    The official test split stays the test split. The official validation split is used where
    there is one; else `validation` is the share of the training images that becomes it
    (stratified, by `seed`). A set without a test split gives up 20 % for one.

    `size`, `workers`, `cache` and `keep` matter for sets of photos in varied sizes, which are
    read as `image_folder` reads them; the others are held in memory. A `root` that holds
    `train/<class>/` and `test/<class>/` is read as a folder too, so that a copy of the set in
    image files serves as well.

    Raises `DataError` for an unknown name and for files that are absent or damaged.
    """
    source = _source(name)
    folder = Path(root).expanduser()
    if not download and _is_image_folder(folder, source):
        return image_folder(
            folder,
            size=size,
            validation=validation,
            seed=seed,
            flip=source.flip,
            name=name,
            workers=workers,
            cache=cache,
            keep=keep,
        )
    wanted, wish = check_size(size), check_keep(keep)
    if wanted and not source.files:
        raise DataError(f"all images of {name} have one size already; leave size out")
    if wish == "files" and not source.files:
        raise DataError(f"{name} has no image files: it is held in memory; leave keep out")
    sets = {part: _open(name, source, part, folder, download) for part in source.parts}
    classes = _classes(source, sets["train"])
    if source.files:
        photos = partial(read_files, size=wanted, workers=workers, cached=cache, keep=wish)
        splits, notes = _read_files(source, sets, folder, photos)
    else:
        splits, notes = {part: _read_array(source, sets[part]) for part in sets}, ()
    train, *others = _complete(splits, validation, seed, classes)
    moments = remembered_moments(train.images, workers=workers, cached=cache)
    return Data.from_splits(
        name,
        (train, others[0], others[1]),
        classes,
        flip=source.flip,
        notes=notes,
        moments=moments,
    )


def cifar10(root: str | os.PathLike[str], **options: Any) -> Data:
    """CIFAR-10: 60,000 photos of 10 things, 3x32x32. Options as for `torchvision_set`.

    `root` holds torchvision's `cifar-10-batches-py/`, or the images as files in
    `train/<class>/` and `test/<class>/`. A. Krizhevsky, Learning multiple layers of features
    from tiny images, 2009.
    """
    return torchvision_set("cifar10", root, **options)


def cifar100(root: str | os.PathLike[str], **options: Any) -> Data:
    """CIFAR-100: 60,000 photos of 100 things, 3x32x32. Options as for `torchvision_set`."""
    return torchvision_set("cifar100", root, **options)


def mnist(root: str | os.PathLike[str], **options: Any) -> Data:
    """MNIST: 70,000 handwritten digits, 1x28x28. Options as for `torchvision_set`."""
    return torchvision_set("mnist", root, **options)


def fashion_mnist(root: str | os.PathLike[str], **options: Any) -> Data:
    """Fashion-MNIST: 70,000 pieces of clothing, 1x28x28. Options as for `torchvision_set`."""
    return torchvision_set("fashion_mnist", root, **options)


def svhn(root: str | os.PathLike[str], **options: Any) -> Data:
    """Street View House Numbers: 99,289 digits, 3x32x32. Options as for `torchvision_set`."""
    return torchvision_set("svhn", root, **options)


def _source(name: str) -> Source:
    if name in SOURCES:
        return SOURCES[name]
    tidy = name.lower().replace("-", "_")
    close = get_close_matches(tidy, SOURCES, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise DataError(f"there is no set {name!r}{hint} The sets: {', '.join(sorted(SOURCES))}")


def _is_image_folder(folder: Path, source: Source) -> bool:
    return folder.is_dir() and not (folder / source.place).exists() and has_splits(folder)


def _open(name: str, source: Source, part: str, root: Path, download: bool) -> Any:
    """torchvision's own data set object; whatever it raises becomes one line."""
    from torchvision import datasets  # a second to import: only who asks pays

    kind = getattr(datasets, source.kind)
    options: dict[str, Any] = {"download": download}
    if source.loader:
        options["loader"] = str  # the path in place of the image: we decode many at once
    try:
        return kind(str(root), **source.parts[part], **options)
    except Exception as error:
        why = " ".join(str(error).split())[:200]
        found = "is damaged or incomplete" if (root / source.place).exists() else "is not there"
        way = (
            "check the connection and the free disk space"
            if download
            else f"give download=True, or put torchvision's files at {root / source.place}"
        )
        raise DataError(
            f"{name} is read from {root / source.place}, which {found} ({why}); {way}"
        ) from error


def _classes(source: Source, dataset: Any) -> tuple[str, ...]:
    names: Sequence[Any] = source.classes or getattr(dataset, "classes", ())
    names = names or dataset.categories  # as Caltech-101 calls them
    return tuple(n if isinstance(n, str) else str(n[0]) for n in names)


def _read_array(source: Source, dataset: Any) -> Split:
    """Sets of one size hold all pixels in `.data`: no image is decoded."""
    images = _uint8(dataset.data)
    if images.ndim == 3:
        images = images.unsqueeze(1)
    elif source.channels_last:
        images = images.permute(0, 3, 1, 2)
    found = dataset.targets if hasattr(dataset, "targets") else dataset.labels
    labels = torch.as_tensor(np.asarray(found)).to(torch.int64)
    labels = labels[:, 0] if labels.ndim == 2 else labels  # QMNIST: the class comes first
    return Split(images.contiguous(), labels - source.first_label)


def _uint8(data: Any) -> Tensor:
    if isinstance(data, Tensor):
        return data
    return torch.from_numpy(np.ascontiguousarray(data, dtype=np.uint8))


def _read_files(
    source: Source,
    sets: dict[str, Any],
    root: Path,
    read: Callable[..., Decoded],
) -> tuple[dict[str, Split], tuple[str, ...]]:
    """All parts at once, since one size must fit them all."""
    listed: Callable[[Any], list[tuple[str, int]]] = source.files or list
    rows = [(part, str(p), int(y)) for part in sets for p, y in listed(sets[part])]
    files = [file for _, file, _ in rows]
    decoded = read(files, copied=len(sets) < 3)
    kept = decoded.kept.tolist()
    labels = torch.tensor([rows[i][2] for i in kept], dtype=torch.int64)
    everything = Split(decoded.images, labels, decoded.files)
    splits = {}
    for part in sets:  # listed part by part, so each is a slice
        where = [row for row, i in enumerate(kept) if rows[i][0] == part]
        splits[part] = everything[slice(where[0], where[-1] + 1) if where else slice(0)]
    return splits, left_out(files, decoded, root) + decoded.notes


def _complete(
    splits: dict[str, Split], validation: float, seed: int, classes: tuple[str, ...]
) -> list[Split]:
    """Train, validation and test; what the set lacks is taken from train."""
    missing = {"validation": validation, "test": _TEST_SHARE}
    missing = {part: share for part, share in missing.items() if part not in splits}
    if missing:
        shares = (1 - sum(missing.values()), *missing.values())
        parts = divide(splits["train"], shares, seed=seed, classes=classes)
        splits = splits | dict(zip(("train", *missing), parts, strict=True))
    return [splits["train"], splits["validation"], splits["test"]]
