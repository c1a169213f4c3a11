"""What a network could learn in place of the things on the images, and classes that are one.

A class from another source often has another size, file type or colour; a network that sees that
scores well here and fails elsewhere (R. Geirhos et al., Shortcut learning in deep neural networks,
2020).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from optunas.data.finding import Finding, Integers, Whole, percent
from optunas.data.glance import Glance
from optunas.data.listing import named

_CLEAR = 0.5  # an answer's share in its class over that in the others; more where these are few

Rates = npt.NDArray[np.float64]


def shortcuts(whole: Whole, glances: Sequence[Glance | None]) -> Iterator[Finding]:
    """Classes that size, file type or colour betrays; names of classes that are alike."""
    if whole.headers is not None:
        heights, widths, _ = whole.headers.T
        yield from _told(whole, heights * 2**31 + widths, "the size of an image")
    if whole.files is not None:
        yield from _told(whole, _types(whole), "the type of a file")
    gray = _gray(whole, glances)
    if gray is not None:
        yield from _told(whole, gray.astype(np.int64), "whether an image is gray")
    yield from _same_names(whole)


def rates(feature: Integers, whole: Whole) -> tuple[Rates, Rates]:
    """How well the commonest class of each value, learned on train, does on validation.

    feature: int64 (N,) -> for every class, the share of its validation images that it is the
    answer to, and the share of all others that it is the answer to. A value that train lacks
    has the commonest class of all.
    """
    labels, classes = whole.labels, len(whole.data.classes)
    train, judged = whole.parts == 0, whole.parts == 1
    values, codes = np.unique(feature, return_inverse=True)
    pairs, counts = np.unique(codes[train] * classes + labels[train], return_counts=True)
    order = np.argsort(counts, kind="stable")  # the commonest is written last
    answers = np.full(len(values), whole.counts[0].argmax())
    answers[pairs[order] // classes] = pairs[order] % classes
    given, truth = answers[codes[judged]], labels[judged]
    sizes = np.bincount(truth, minlength=classes)
    right = np.bincount(truth[given == truth], minlength=classes)
    wrong = np.bincount(given, minlength=classes) - right
    return right / np.maximum(1, sizes), wrong / np.maximum(1, len(truth) - sizes)


def _told(whole: Whole, feature: Integers, what: str) -> Iterator[Finding]:
    if (feature == feature[0]).all():
        return
    right, wrong = rates(feature, whole)
    clear = right - wrong > _CLEAR + 1 / np.sqrt(np.maximum(1, whole.counts[1]))
    odd = sorted(np.flatnonzero(clear).tolist(), key=lambda label: -right[label] + wrong[label])
    if odd:
        names = named(f"{whole.class_name(i)} ({percent(right[i])})" for i in odd)
        yield Finding(
            "warning",
            f"{what} tells the class, without what is on it: right for {names} of validation",
            "a network may learn just that: take all classes from one source, or make them alike",
        )


def _types(whole: Whole) -> Integers:
    """A number for the suffix of every file."""
    names = [name for files in whole.files or () for name in files.short_paths]
    known: dict[str, int] = defaultdict(lambda: len(known))
    alike = {".jpeg": ".jpg", ".tiff": ".tif"}
    found = (name[name.rfind(".") :].lower() for name in names)
    return np.array([known[alike.get(suffix, suffix)] for suffix in found])


def _gray(whole: Whole, glances: Sequence[Glance | None]) -> npt.NDArray[np.bool_] | None:
    """bool (N,): by the pixels in memory, else by the headers of the files."""
    if whole.data.input_shape[0] == 1:
        return None
    seen = [found.gray for found in glances if found is not None]
    if len(seen) == 3:
        return np.concatenate(seen)
    return None if whole.headers is None else whole.headers[:, 2] > 0


def _same_names(whole: Whole) -> Iterator[Finding]:
    """Class names that differ in case and blanks only; of single letters the case matters."""
    spelled: dict[str, list[str]] = defaultdict(list)
    for label, name in enumerate(whole.data.classes):
        plain = "".join(c for c in name.casefold() if c not in " _")
        if len(plain) > 1:
            spelled[plain].append(repr(whole.class_name(label)))
    twins = [" / ".join(names) for names in spelled.values() if len(names) > 1]
    if twins:
        yield Finding(
            "warning",
            "names that differ in case or blanks only are classes of their own: " + named(twins),
            "if they mean the same, put their images into one folder",
        )
