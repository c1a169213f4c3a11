"""What a person should know of the data before a search spends an evening on it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from optunas.data.balance import balance
from optunas.data.dataset import Data
from optunas.data.doubles import doubles, in_both, single_coloured
from optunas.data.equal import equal_images
from optunas.data.equal_files import Groups
from optunas.data.finding import PARTS, Finding, Whole
from optunas.data.glance import Glance, glance
from optunas.data.near import QUICK, Pairs, near, near_pairs
from optunas.data.scaling import scaling
from optunas.data.shortcuts import shortcuts

MOST = 200_000
"""Files that are compared with each other without being asked."""


def findings(data: Data, *, most: int | None = MOST) -> tuple[Finding, ...]:
    """What was found, warnings first, each a sentence with its numbers and what to do about it.

    Told are: how even the classes are, and what a constant answer scores; classes with few
    images; how exactly the splits measure an accuracy; equal images within and between the
    splits, and under different labels; images that are nearly the same as one of another split;
    images of a single colour; what bringing the images to one size does to them; and what betrays
    the class without the thing being seen: the size of the image, the type of its file, gray among
    colours.

    Nothing is decoded. Images in memory are compared by their pixels; those that stay in their
    files by the contents of these, up to `most` files (None: however many), which is remembered
    on the disk. Of images in their files it is the headers that tell the colours, and none are
    told to be nearly the same; of more than 2 GB in memory neither, unless `most` is None.
    """
    whole = Whole(data)
    glances = _glances(whole)
    groups = equal_images(whole, glances, most)
    found = [*balance(whole), *scaling(whole)]
    found += [_too_many(whole)] if groups is None else doubles(whole, groups)
    found += near(whole, _near(whole, groups or [], most))
    found += [*single_coloured(whole, glances), *shortcuts(whole, glances)]
    return tuple(sorted(found, key=lambda one: one.level != "warning"))


def overlap(data: Data) -> int:
    """How many test images are in train or validation too: the test figure is flattered by them.

    Counted as in `findings`, however many files that takes.
    """
    whole = Whole(data)
    groups = equal_images(whole, _glances(whole), None) or []
    return sum(in_both(whole.parts[group], 2, [0, 1]) for group in groups)


@dataclass(frozen=True)
class Copy:
    """An image that is there again: its split, its class, its file (or number in the split).

    Names are as they are: not each is fit for a terminal.
    """

    split: str
    label: str
    file: str


def copies(data: Data) -> tuple[list[list[Copy]], list[list[Copy]]]:
    """Every group of equal images, and the pairs of nearly equal ones of different splits."""
    whole = Whole(data)
    groups = equal_images(whole, _glances(whole), None) or []

    def named(place: int) -> Copy:
        part, label = whole.parts[place], whole.labels[place]
        return Copy(PARTS[part], data.classes[label], whole.path(place))

    equal = [list(map(named, group)) for group in groups]
    return equal, [list(map(named, pair)) for pair in near_pairs(whole, groups)]


def _glances(whole: Whole) -> list[Glance | None]:
    pictures = [split.images for split in whole.splits]
    return [glance(images) if isinstance(images, Tensor) else None for images in pictures]


def _near(whole: Whole, groups: Groups, most: int | None) -> Pairs:
    nbytes = sum(split.images.nbytes for split in whole.splits)
    return near_pairs(whole, groups) if most is None or nbytes <= QUICK else []


def _too_many(whole: Whole) -> Finding:
    return Finding(
        "fact",
        f"{len(whole.labels):,} files were not compared with each other",
        "`optunas look` does it once, and it is remembered",
    )
