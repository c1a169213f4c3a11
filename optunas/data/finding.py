"""What one finding about the data is, and the three splits seen as one row of images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from optunas.data.dataset import Data, Split
from optunas.data.files import ImageFiles
from optunas.data.listing import printable

Integers = npt.NDArray[np.int64]
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Finding:
    """One sentence on the data, with its numbers, and what a person can do about it.

    A "fact" helps to read the results; a "warning" should be dealt with before a search.
    """

    level: Literal["fact", "warning"]
    text: str
    advice: str = ""

    @property
    def line(self) -> str:
        """The sentence and the advice."""
        return f"{self.text}; {self.advice}" if self.advice else self.text


@dataclass(frozen=True, eq=False)
class Whole:
    """Train, validation and test one after the other: an image is one place in that row."""

    data: Data

    @property
    def splits(self) -> tuple[Split, Split, Split]:
        return self.data.train, self.data.validation, self.data.test

    @cached_property
    def labels(self) -> Integers:
        """int64 (N,)"""
        found: Integers = np.concatenate([split.labels.cpu().numpy() for split in self.splits])
        return found

    @cached_property
    def parts(self) -> Integers:
        """int64 (N,): 0, 1 or 2 for train, validation, test."""
        return np.repeat(np.arange(3), [len(split) for split in self.splits])

    @cached_property
    def counts(self) -> Integers:
        """int64 (3, classes): images of each class in each split."""
        classes = len(self.data.classes)
        found = np.bincount(self.parts * classes + self.labels, minlength=3 * classes)
        return found.reshape(3, classes)

    @cached_property
    def files(self) -> tuple[ImageFiles, ...] | None:
        """The files of each split, where all are known."""
        known = [files for split in self.splits if (files := files_of(split)) is not None]
        return tuple(known) if len(known) == 3 else None

    @cached_property
    def headers(self) -> Integers | None:
        """int64 (N, 3): height, width, 1 for gray, of every file; None if one is unknown."""
        found = [files.headers for files in self.files or ()]
        known = [rows for rows in found if rows is not None]
        return torch.cat(known).numpy().astype(np.int64) if len(known) == 3 else None

    def class_of(self, place: int) -> str:
        return self.class_name(int(self.labels[place]))

    def class_name(self, label: int) -> str:
        return printable(self.data.classes[label])

    def name(self, place: int) -> str:
        """The file of an image, or, where that is unknown, its split and number in it; printable.

        A file is named below the folder that all have in common.
        """
        file = self._file(place)
        return self._number(place) if file is None else printable(file.short_paths[0])

    def path(self, place: int) -> str:
        """As `name`, but the file with all folders and letters, as the system takes it."""
        file = self._file(place)
        return self._number(place) if file is None else file.paths[0]

    def _file(self, place: int) -> ImageFiles | None:
        files = files_of(self.splits[self.parts[place]])
        row = self._row(place)
        return None if files is None else files[row : row + 1]

    def _number(self, place: int) -> str:
        return f"{PARTS[self.parts[place]]}[{self._row(place)}]"

    def _row(self, place: int) -> int:
        return place - int(np.searchsorted(self.parts, self.parts[place]))


def files_of(split: Split) -> ImageFiles | None:
    """The files that a split's images are in, or came from."""
    return split.images if isinstance(split.images, ImageFiles) else split.files


def share(part: int, whole: int) -> str:
    """ "3 of 150 (2.0 %)"."""
    return f"{part:,} of {whole:,} ({percent(part / whole)})"


def percent(value: float) -> str:
    """ "2.0 %", "0.012 %", "100 %"."""
    digits = 1 if value >= 0.001 else 3
    return f"{100 * value:.{digits}f} %".replace("100.0", "100")
