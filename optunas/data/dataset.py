"""Images and their labels, split once into train / validation / test."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from optunas.data.files import ImageFiles
from optunas.data.moments import Moments, mean_and_std
from optunas.errors import DataError


@dataclass(frozen=True, eq=False)
class Split:
    """One part of the data: images (N, C, H, W) as uint8 and labels (N,) as int64.

    Images that do not fit into memory stay in their files, as `ImageFiles`. `files` says which
    files images in memory came from, where that is known; nothing is learned from it.
    """

    images: Tensor | ImageFiles
    labels: Tensor
    files: ImageFiles | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.images, ImageFiles):
            _check_tensor("images", self.images, torch.uint8, "(N, C, H, W)", 4)
        _check_tensor("labels", self.labels, torch.int64, "(N,)", 1)
        if len(self.images) != len(self.labels):
            raise DataError(
                f"every image needs one label; got {len(self.images):,} images and "
                f"{len(self.labels):,} labels"
            )
        if self.files is not None and len(self.files) != len(self.labels):
            raise DataError(
                f"every image comes from one file; got {len(self.labels):,} images and "
                f"{len(self.files):,} files"
            )

    def __getitem__(self, index: Tensor | slice) -> Split:
        """A slice, or the images at int64 (M,) places."""
        place = index if isinstance(index, slice) else index.cpu()
        files = None if self.files is None else self.files[place]
        return Split(self.images[index], self.labels[index], files)

    def __len__(self) -> int:
        return len(self.labels)

    def pixels(self, indices: Tensor) -> Tensor:
        """indices (B,) -> uint8 (B, C, H, W), decoded where the images are in their files."""
        if isinstance(self.images, ImageFiles):
            return self.images.read(indices)
        return self.images[indices]


@dataclass(frozen=True, eq=False)
class Data:
    """A classification problem that is ready to search on.

    `mean` and `std` are per channel, of the training split, with images scaled to 0..1.
    `flip` says whether a mirrored image keeps its label (photos: yes; digits: no).
    `notes` says what was found and left out, one line each. Raises `DataError` where the
    parts don't fit together.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.classes) < 2:
            raise DataError(
                f"a classification needs at least 2 classes; {self.name} has {len(self.classes)}: "
                f"{', '.join(self.classes) or 'none'}"
            )
        for part, split in self._splits.items():
            self._check_split(part, split)
        self._check_moments()

    @classmethod
    def from_splits(
        cls,
        name: str,
        splits: tuple[Split, Split, Split],
        classes: tuple[str, ...],
        *,
        flip: bool = False,
        notes: tuple[str, ...] = (),
        moments: Moments | None = None,
    ) -> Data:
        """Data of (train, validation, test), with mean and std taken from train alone.

        `moments` are that mean and std, where they are known already.
        """
        if not len(splits[0]):
            raise DataError(f"{name} has no training images; give it some")
        mean, std = moments or mean_and_std(splits[0].images)
        return cls(name, *splits, classes, mean, std, flip, notes)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image."""
        _, channels, height, width = self.train.images.shape
        return channels, height, width

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits that tell what is learned from: pixels, labels, splits, classes, flip.

        The same data gives the same string anywhere; the name and the notes don't count. Of
        images that stay in their files it is the names and sizes of the files that count, and
        the shape they are brought to: so it is another string than that of the same images in
        memory, and a file that changes but keeps its size goes unseen.
        """
        digest = hashlib.blake2b(digest_size=8)
        facts = (self.classes, self.flip, [f"{x:.6f}" for x in self.mean + self.std])
        digest.update(repr(facts).encode())
        for split in self._splits.values():
            digest.update(repr(tuple(split.images.shape)).encode())
            for part in (*_contents(split.images), *_contents(split.labels)):
                digest.update(part)
        return digest.hexdigest()

    def describe(self) -> str:
        """One line: "digits: 10 classes, 1x8x8, 1,078 train / 359 validation / 360 test"."""
        shape = "x".join(str(n) for n in self.input_shape)
        sizes = " / ".join(f"{len(split):,} {part}" for part, split in self._splits.items())
        return f"{self.name}: {len(self.classes)} classes, {shape}, {sizes}"

    @property
    def _splits(self) -> dict[str, Split]:
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def _check_split(self, part: str, split: Split) -> None:
        if not len(split):
            raise DataError(f"every split needs images; the {part} split of {self.name} has none")
        if split.images.shape[1:] != self.train.images.shape[1:]:
            raise DataError(
                f"all splits share one image shape; {self.name} has "
                f"{tuple(self.train.images.shape[1:])} in train and "
                f"{tuple(split.images.shape[1:])} in {part}"
            )
        low, high = int(split.labels.min()), int(split.labels.max())
        if low < 0 or high >= len(self.classes):
            raise DataError(
                f"labels run from 0 to {len(self.classes) - 1} for {len(self.classes)} classes; "
                f"the {part} split of {self.name} holds {low} to {high}"
            )

    def _check_moments(self) -> None:
        channels = self.train.images.shape[1]
        if len(self.mean) != channels or len(self.std) != channels:
            raise DataError(
                f"mean and std have one value per channel ({channels}); "
                f"got {len(self.mean)} and {len(self.std)}"
            )
        if not all(math.isfinite(x) for x in self.mean) or not all(
            0 < s < math.inf for s in self.std
        ):
            raise DataError(f"mean is finite and std above 0; got {self.mean} and {self.std}")


def _contents(found: Tensor | ImageFiles) -> Iterable[bytes | memoryview]:
    if isinstance(found, ImageFiles):
        return found.contents()
    return [found.cpu().contiguous().numpy().data]


def _check_tensor(what: str, tensor: Tensor, dtype: torch.dtype, shape: str, dims: int) -> None:
    if not isinstance(tensor, Tensor):
        raise DataError(f"{what} are a torch tensor {shape}; got {type(tensor).__name__}")
    if tensor.dtype != dtype or tensor.ndim != dims or 0 in tensor.shape[1:]:
        raise DataError(
            f"{what} are {shape} of {dtype}; got {tuple(tensor.shape)} of {tensor.dtype}"
        )
