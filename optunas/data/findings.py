"""What a person should know of the data before a search spends an evening on it."""

from __future__ import annotations

from torch import Tensor

from optunas.data.balance import balance
from optunas.data.dataset import Data
from optunas.data.doubles import doubles, in_both, single_coloured
from optunas.data.equal import equal_images
from optunas.data.finding import PARTS, Finding, Whole
from optunas.data.glance import Glance, glance
from optunas.data.scaling import scaling
from optunas.data.shortcuts import shortcuts

MOST = 200_000
"""Files that are compared with each other without being asked."""


def findings(data: Data, *, most: int | None = MOST) -> tuple[Finding, ...]:
    """What was found, warnings first, each a sentence with its numbers and what to do about it.

    Told are: how even the classes are, and what a constant answer scores; classes with few
    images; how exactly the splits measure an accuracy; equal images within and between the
    splits, and under different labels; images of a single colour; what bringing the images to one
    size does to them; and what betrays the class without the thing being seen: the size of the
    image, the type of its file, gray among colours.

    Nothing is decoded. Images in memory are compared by their pixels; those that stay in their
    files by the contents of these, up to `most` files (None: however many), which is remembered
    on the disk. Colours of images in their files are those that the headers tell.
    """
    whole = Whole(data)
    glances = _glances(whole)
    groups = equal_images(whole, glances, most)
    found = [*balance(whole), *scaling(whole)]
    found += [_too_many(whole)] if groups is None else doubles(whole, groups)
    found += [*single_coloured(whole, glances), *shortcuts(whole, glances)]
    return tuple(sorted(found, key=lambda one: one.level != "warning"))


def overlap(data: Data) -> int:
    """How many test images are in train or validation too: the test figure is flattered by them.

    Counted as in `findings`, however many files that takes.
    """
    whole = Whole(data)
    groups = equal_images(whole, _glances(whole), None) or []
    return sum(in_both(whole.parts[group], 2, [0, 1]) for group in groups)


def copies(data: Data) -> list[list[tuple[str, str, str]]]:
    """Every group of equal images, each as its split, class and file (or number in the split).

    Names are as they are: not each is fit for a terminal.
    """
    whole = Whole(data)
    groups = equal_images(whole, _glances(whole), None) or []
    return [
        [
            (PARTS[whole.parts[place]], data.classes[whole.labels[place]], whole.path(place))
            for place in group
        ]
        for group in groups
    ]


def _glances(whole: Whole) -> list[Glance | None]:
    pictures = [split.images for split in whole.splits]
    return [glance(images) if isinstance(images, Tensor) else None for images in pictures]


def _too_many(whole: Whole) -> Finding:
    return Finding(
        "fact",
        f"{len(whole.labels):,} files were not compared with each other",
        "`optunas look` does it once, and it is remembered",
    )
