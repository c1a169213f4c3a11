"""What the sizes of the images were, and what bringing them to one size does to them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optunas.data.finding import Finding, Whole, share

_MANY = 0.1  # share of the images from which on it is a warning
_ENLARGED = 2.0  # times
_SHRUNK = 4.0  # times
_CUT = 0.5  # share of the area that is left


def scaling(whole: Whole) -> Iterator[Finding]:
    """Sizes, enlarged images, images cut strongly, images shrunk strongly; nothing if unknown."""
    if whole.headers is None:
        return
    sizes = whole.headers[:, :2]
    want = np.array(whole.data.input_shape[1:])
    yield _sizes(sizes, want)
    scale = (want / sizes).max(axis=1)
    left = want.prod() / scale**2 / sizes.prod(axis=1)
    yield from _enlarged(scale, want)
    yield from _cut(left)
    yield from _shrunk(scale, want)


def _sizes(sizes: np.ndarray, want: np.ndarray) -> Finding:
    order = np.argsort(sizes.prod(axis=1), kind="stable")
    low, middle, high = (sizes[order[i]] for i in (0, len(order) // 2, -1))
    if (sizes == want).all():
        return Finding("fact", f"all images are {_times(want)}")
    if (sizes == sizes[0]).all():
        return Finding("fact", f"all images are {_times(low)}, brought to {_times(want)}")
    return Finding(
        "fact",
        f"images of {_times(low)} to {_times(high)} (height x width; the middle one "
        f"{_times(middle)}) are brought to {_times(want)}",
    )


def _enlarged(scale: np.ndarray, want: np.ndarray) -> Iterator[Finding]:
    smaller, much = int((scale > 1).sum()), int((scale >= _ENLARGED).sum())
    if much >= _MANY * len(scale):
        side = max(8, round(min(want) / float(np.median(scale)) / 8) * 8)
        yield Finding(
            "warning",
            f"images enlarged {_ENLARGED:.0f} times or more, to {_times(want)}: "
            f"{share(much, len(scale))}",
            f"that takes time and shows nothing new: try --size {side}",
        )
    elif smaller:
        more = f", {much:,} of them {_ENLARGED:.0f} times or more" if much else ""
        yield Finding("fact", f"images that are enlarged: {share(smaller, len(scale))}{more}")


def _cut(left: np.ndarray) -> Iterator[Finding]:
    cut = int((left < _CUT).sum())
    if cut:
        yield Finding(
            "warning" if cut >= _MANY * len(left) else "fact",
            "images that lose more than half of their area, cut around the centre: "
            f"{share(cut, len(left))}",
            "what matters must lie there",
        )


def _shrunk(scale: np.ndarray, want: np.ndarray) -> Iterator[Finding]:
    times = 1 / float(np.median(scale))
    if times >= _SHRUNK:
        yield Finding(
            "fact",
            f"images are shrunk {times:.1f} times (the middle one), and smaller things vanish",
            f"--size {2 * int(min(want))} keeps more, for four times the work",
        )


def _times(size: np.ndarray) -> str:
    return f"{size[0]}x{size[1]}"
