"""What a network could learn in place of the things on the images, and classes that are one.

A class from another source often has another size, file type or colour; a network that sees that
scores well here and fails elsewhere (R. Geirhos et al., Shortcut learning in deep neural networks,
2020).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from optunas.data.finding import Finding, Integers, Whole, percent
from optunas.data.glance import Glance
from optunas.data.listing import counted, named

_GAIN = 0.2  # over a constant answer, beyond chance
_FEWEST = 20  # images to judge by
_GRAY = 0.5  # difference between a class and the others


def shortcuts(whole: Whole, glances: Sequence[Glance | None]) -> Iterator[Finding]:
    """Size, file type and colour where they betray the class; names of classes that are alike."""
    if whole.headers is not None:
        pairs = whole.headers[:, 0] * 2**31 + whole.headers[:, 1]
        yield from _told(whole, pairs, "the size of the image")
    if whole.files is not None:
        yield from _told(whole, _types(whole), "the type of the file")
    yield from _gray(whole, glances)
    yield from _same_names(whole)


def score(feature: Integers, labels: Integers, parts: Integers) -> tuple[float, float]:
    """Accuracy on validation of the commonest train class for each value; of a constant answer."""
    train, judged = parts == 0, parts == 1
    values, codes = np.unique(feature, return_inverse=True)
    answers = np.full(len(values), constant := int(np.bincount(labels[train]).argmax()))
    classes = int(labels.max()) + 1
    pairs, counts = np.unique(codes[train] * classes + labels[train], return_counts=True)
    order = np.argsort(counts, kind="stable")  # the commonest is written last
    answers[pairs[order] // classes] = pairs[order] % classes
    truth = labels[judged]
    return float((answers[codes[judged]] == truth).mean()), float((constant == truth).mean())


def _told(whole: Whole, feature: Integers, what: str) -> Iterator[Finding]:
    count = int((whole.parts == 1).sum())
    if count < _FEWEST or (feature == feature[0]).all():
        return
    right, constant = score(feature, whole.labels, whole.parts)
    if right - constant > _GAIN + 1 / math.sqrt(count):
        yield Finding(
            "warning",
            f"{what} alone tells the class of {percent(right)} of validation (a constant answer: "
            f"{percent(constant)})",
            "a network may learn its traces: take all classes from one source, or make them alike",
        )


def _types(whole: Whole) -> Integers:
    """A number for the suffix of every file."""
    names = [name for files in whole.files or () for name in files.short_paths]
    known: dict[str, int] = defaultdict(lambda: len(known))
    alike = {".jpeg": ".jpg", ".tiff": ".tif"}
    found = (name[name.rfind(".") :].lower() for name in names)
    return np.array([known[alike.get(suffix, suffix)] for suffix in found])


def _gray(whole: Whole, glances: Sequence[Glance | None]) -> Iterator[Finding]:
    """Classes that are gray where the others are in colour, or the other way round."""
    flags = _gray_flags(whole, glances)
    if flags is None or flags.all() or not flags.any():
        return
    labels, classes = whole.labels, len(whole.data.classes)
    counts, gray = (
        np.bincount(labels, minlength=classes),
        np.bincount(labels[flags], minlength=classes),
    )
    others = (gray.sum() - gray) / np.maximum(1, counts.sum() - counts)
    shares = gray / np.maximum(1, counts)
    odd = [i for i in range(classes) if counts[i] and abs(shares[i] - others[i]) > _GRAY]
    if odd:
        names = named((f"{whole.class_name(i)} ({percent(shares[i])} gray)" for i in odd), 5)
        yield Finding(
            "warning",
            f"{counted(len(odd), 'class', 'classes')} that colour alone tells from the others: "
            f"{names}; the rest: {percent(float(others[odd[0]]))}",
            "a network may learn just that: take all classes from one source, or make all gray",
        )


def _gray_flags(whole: Whole, glances: Sequence[Glance | None]) -> np.ndarray | None:
    """bool (N,): by the pixels in memory, else by the headers of the files."""
    if whole.data.input_shape[0] == 1:
        return None
    seen = [found.gray for found in glances if found is not None]
    if len(seen) == 3:
        return np.concatenate(seen)
    return None if whole.headers is None else whole.headers[:, 2] > 0


def _same_names(whole: Whole) -> Iterator[Finding]:
    """Class names that differ in case, blanks and hyphens only."""
    spelled: dict[str, list[str]] = defaultdict(list)
    for label, name in enumerate(whole.data.classes):
        plain = "".join(c for c in name.casefold() if c not in " _-")
        spelled[plain].append(whole.class_name(label))
    twins = [
        " / ".join(repr(name) for name in names) for names in spelled.values() if len(names) > 1
    ]
    if twins:
        yield Finding(
            "warning",
            f"names that differ in case, blanks or hyphens only are classes of their own: "
            f"{named(twins)}",
            "if they mean the same, put their images into one folder",
        )
