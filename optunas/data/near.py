"""Images that are nearly the same as one of another split.

A picture that is stored twice, in another quality, size or format, and frames of one film that
were dealt out to different splits: the pixels differ, and a network knows the answer all the same.
B. Barz and J. Denzler, Do we train on test data? Purging CIFAR of near-duplicates, 2020.

The limits below are such that of 500 training images of CIFAR-10 that are hidden in its test split,
all are found at JPEG quality 75 or enlarged, 97 % shrunk to 3/4, 38 % shrunk to 1/2, and one pair
that is in CIFAR-10 itself (`python tests/performance/looking.py FOLDER`, seed 0).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from optunas.data.equal_files import Groups
from optunas.data.finding import PARTS, Finding, Whole, share

QUICK = 2**31  # bytes of images that are compared without being asked
_SMALLEST = 16  # pixels of a side: smaller images are alike without being copies
_GRID = 4  # blocks in each direction, of whose means an image's sketch consists
_ENOUGH = 64  # pixels of a side that are looked at for that, or a little more
_RADIUS = 10.0  # between two sketches of 0..255: 2.5 grey levels a block
_NEIGHBOURS = 3
_ALIKE = 0.95  # correlation of all pixels
_CONTRAST = 8.0  # grey levels: standard deviation below which nothing is to be seen
_BLOCK = 2**26  # bytes of pixels at once, as floats
_FEW = 0.001  # share of a split below which it is a fact, not a warning

Pairs = list[tuple[int, int]]


def near_pairs(whole: Whole, equal: Groups) -> Pairs:
    """(place, place of the nearest in an earlier split): test images, then validation images.

    Passed over are those that equal one of an earlier split, images below 16 pixels, and images
    that stay in their files. In sketches of 4x4 grey means the neighbours are found;
    then the pixels decide.
    """
    images = [split.images for split in whole.splits if isinstance(split.images, Tensor)]
    if len(images) < 3 or min(whole.data.input_shape[1:]) < _SMALLEST:
        return []
    sketches = np.concatenate([sketch(part) for part in images])
    known = _told(whole, equal)
    found: Pairs = []
    for part in (2, 1):
        places = np.flatnonzero(whole.parts == part)
        first = int(places[0])
        pairs = _neighbours(sketches[:first], sketches[places])
        pairs[:, 0] += first
        pairs = pairs[[place not in known for place in pairs[:, 0].tolist()]]
        found += _confirmed(images, pairs)
    return found


def near(whole: Whole, pairs: Pairs) -> Iterator[Finding]:
    """A sentence for test, and one for validation."""
    for part, earlier in ((2, "train or validation"), (1, "train")):
        mine = [pair for pair in pairs if whole.parts[pair[0]] == part]
        if mine:
            count, total = len(mine), len(whole.splits[part])
            one, two = mine[0]
            yield Finding(
                "warning" if count >= _FEW * total else "fact",
                f"{PARTS[part]} images that are nearly the same as one of {earlier}: "
                f"{share(count, total)}, such as {whole.name(one)} ~ {whole.name(two)}",
                "stored twice, or frames of one film? Keep such images in one split "
                "(`optunas look --csv` lists them)",
            )


def sketch(images: Tensor) -> npt.NDArray[np.float32]:
    """uint8 (N, C, H, W) -> float32 (N, 16): the mean of each of 4x4 blocks.

    Of the middle channel (green), and of large images not of every pixel.
    """
    _, channels, height, width = images.shape
    rows, columns = (slice(None, None, max(1, n // _ENOUGH)) for n in (height, width))
    seen = images[:, channels // 2, rows, columns]
    means = torch.from_numpy(_block_means(*seen.shape[1:]))
    step = max(1, _BLOCK // (4 * seen[0].numel()))
    blocks = (seen[i : i + step].cpu().flatten(1) for i in range(0, len(seen), step))
    return torch.cat([block.float() @ means for block in blocks]).numpy()


def _block_means(height: int, width: int) -> npt.NDArray[np.float32]:
    """(pixels, 16): what the pixels of an image are multiplied by."""
    rows, columns = (np.arange(n) * _GRID // n for n in (height, width))
    block = np.add.outer(rows * _GRID, columns).ravel()
    weights = np.zeros((height * width, _GRID * _GRID), np.float32)
    weights[np.arange(len(block)), block] = 1 / np.bincount(block)[block]
    return weights


def _told(whole: Whole, equal: Groups) -> set[int]:
    """Places whose image is in an earlier split as it is."""
    parts = whole.parts
    return {place for group in equal for place in group if parts[place] > parts[group[0]]}


def _neighbours(
    earlier: npt.NDArray[np.float32], mine: npt.NDArray[np.float32]
) -> npt.NDArray[np.int64]:
    """int64 (M, 2): row of `mine`, row of `earlier` within the radius; the nearest first."""
    from scipy.spatial import cKDTree  # a fraction of a second to import

    tree = cKDTree(earlier)
    distances, rows = tree.query(mine, k=_NEIGHBOURS, distance_upper_bound=_RADIUS)
    which, _ = hits = np.nonzero(np.isfinite(distances))
    return np.stack([which, rows[hits]], axis=1).astype(np.int64)


def _confirmed(images: list[Tensor], pairs: npt.NDArray[np.int64]) -> Pairs:
    """The pairs whose pixels say the same, one for each image."""
    starts = np.cumsum([0, *map(len, images)])
    step = max(1, _BLOCK // (8 * images[0][0].numel()))
    found: dict[int, int] = {}
    for i in range(0, len(pairs), step):
        block = pairs[i : i + step]
        one, two = (_centred(images, starts, block[:, side]) for side in (0, 1))
        spreads = one.norm(dim=1) * two.norm(dim=1)
        alike = (one * two).sum(1) > _ALIKE * spreads
        seen = spreads > _CONTRAST**2 * one.shape[1]
        for place, other in block[(alike & seen).numpy()].tolist():
            found.setdefault(place, other)
    return list(found.items())


def _centred(
    images: list[Tensor], starts: npt.NDArray[np.int64], places: npt.NDArray[np.int64]
) -> Tensor:
    """float (M, pixels), each row with a mean of 0."""
    parts = np.searchsorted(starts, places, side="right") - 1
    rows = (places - starts[parts]).tolist()
    chosen = [images[p][row].cpu() for p, row in zip(parts.tolist(), rows, strict=True)]
    pixels = torch.stack(chosen).flatten(1).float()
    return pixels - pixels.mean(dim=1, keepdim=True)
