"""How many images each class and split has, and how far a score can be trusted for it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from optunas.data.finding import PARTS, Finding, Whole, percent
from optunas.data.listing import counted, named

_EVEN, _UNEVEN = 1.5, 5.0  # the largest class against the smallest
_FEW = 10  # images of a class in a split
_WIDE = 0.1  # of an interval of the accuracy
_SHIFT = 0.1  # share of the images that would have to change their class
_PRESUMED = 0.9  # the accuracy at which the interval is told


def balance(whole: Whole) -> Iterator[Finding]:
    """Uneven classes, classes with few images, splits that differ, splits that are small."""
    yield from _ratio(whole)
    yield from _few(whole)
    yield from _shift(whole)
    yield _precision(whole)


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share that was found in so many images.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, 1927.
    """
    z = 1.96
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + (z / count / 2) ** 2)
    return centre - half, centre + half


def _ratio(whole: Whole) -> Iterator[Finding]:
    train = whole.counts[0]
    most, least = int(train.argmax()), int(train.argmin())
    ratio = train[most] / max(1, train[least])
    large, small = (f"{train[i]:,} ({whole.class_name(i)})" for i in (most, least))
    constant = f"always answering {whole.class_name(most)} is right for {_right(whole, most)}"
    if train[most] == train[least]:
        yield Finding("fact", f"every class has {train[most]:,} train images; {constant}")
    elif ratio < _EVEN:
        yield Finding("fact", f"classes are even: {small} to {large} train images; {constant}")
    else:
        yield Finding(
            "warning" if ratio >= _UNEVEN else "fact",
            f"classes are uneven, {ratio:,.1f} : 1: {large} train images against {small}; "
            f"{constant}",
            "hold accuracy against that; --metric f1 weighs all classes alike",
        )


def _right(whole: Whole, label: int) -> str:
    """How often one answer is right on validation, and on test where that is another share."""
    _, validation, test = (counts[label] / counts.sum() for counts in whole.counts)
    told = f"{percent(validation)} of validation"
    return told if abs(validation - test) < 0.01 else f"{told}, {percent(test)} of test"


def _few(whole: Whole) -> Iterator[Finding]:
    """Classes with few images in a split; without any they have no score there."""
    least = whole.counts.min(axis=0)
    few = [label for label in np.argsort(least, kind="stable").tolist() if least[label] < _FEW]
    if few:
        numbers = (" / ".join(f"{n:,}" for n in whole.counts[:, label]) for label in few)
        names = named(f"{whole.class_name(i)} ({n})" for i, n in zip(few, numbers, strict=True))
        yield Finding(
            "warning",
            f"{counted(len(few), 'class', 'classes')} with fewer than {_FEW} images in a split "
            f"({' / '.join(PARTS)}): {names}",
            "what so few say of a class is chance: add images",
        )


def _shift(whole: Whole) -> Iterator[Finding]:
    """Splits whose classes have other shares than in train, by more than chance would do it."""
    train = whole.counts[0] / whole.counts[0].sum()
    for part, counts in zip(PARTS[1:], whole.counts[1:], strict=True):
        found = counts / counts.sum()
        moved = float(np.abs(found - train).sum() / 2)
        chance = math.sqrt(len(train) / (2 * math.pi * counts.sum()))
        if moved > _SHIFT + 2 * chance:
            i = int(np.abs(found - train).argmax())
            yield Finding(
                "warning",
                f"{part} has other shares of the classes than train: {whole.class_name(i)} is "
                f"{percent(found[i])} there and {percent(train[i])} in train",
                f"accuracy on {part} tells of that mixture only; --metric f1 weighs classes alike",
            )


def _precision(whole: Whole) -> Finding:
    """What 95 % intervals the sizes of the two splits allow."""
    sizes = whole.counts.sum(axis=1)
    told, widest = [], 0.0
    for part, size in list(zip(PARTS, sizes, strict=True))[1:]:
        low, high = wilson(_PRESUMED, int(size))
        widest = max(widest, high - low)
        points = f"one image is {100 / size:.2g} points"
        told.append(f"{100 * low:.1f} to {100 * high:.1f} % on {part} ({points})")
    text = f"95 % interval of an accuracy of {100 * _PRESUMED:.0f} %: {', '.join(told)}"
    if widest < _WIDE:
        return Finding("fact", text)
    return Finding("warning", text, "smaller differences are chance: add images to these splits")
