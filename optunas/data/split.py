"""Stratified, seeded splits: every class keeps its share in every part."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from optunas.data.dataset import Split
from optunas.errors import DataError

Indices = npt.NDArray[np.int64]


def stratified(
    labels: Tensor, shares: Sequence[float], *, seed: int, classes: Sequence[str]
) -> tuple[Tensor, ...]:
    """labels: int64 (N,) -> one sorted int64 tensor of indices for each of the shares.

    The shares sum to 1. Every class that occurs is in every part, with its share rounded to
    whole images (at least one). A class with fewer images than parts is a `DataError` that
    names it. The same seed gives the same split.
    """
    _check_shares(shares)
    values = labels.cpu().numpy()
    _check_counts(values, len(shares), classes)
    rng = np.random.default_rng(seed)
    parts: list[list[Indices]] = [[] for _ in shares]
    for value in np.unique(values):
        members = rng.permutation(np.flatnonzero(values == value))
        cuts = np.cumsum(_sizes(len(members), shares))[:-1]
        for part, chosen in zip(parts, np.split(members, cuts), strict=True):
            part.append(chosen)
    return tuple(torch.from_numpy(np.sort(np.concatenate(part))) for part in parts)


def divide(
    split: Split, shares: Sequence[float], *, seed: int, classes: Sequence[str]
) -> list[Split]:
    """Divide one split into several, one for each of the shares, stratified and seeded.

    Images in memory are copied; images that stay in their files are not.
    """
    parts = stratified(split.labels, shares, seed=seed, classes=classes)
    return [split[part] for part in parts]


def subset(split: Split, fraction: float, seed: int = 0) -> Split:
    """A stratified share of a split, at least one image per class; 1.0 is the split itself.

    With the same seed a smaller subset lies within every larger one, so that a cheap
    fidelity never sees an image that a dearer one does not.
    """
    if not 0 < fraction <= 1:
        raise DataError(f"a fraction of the images is above 0 and at most 1; got {fraction}")
    if fraction == 1:
        return split
    values = split.labels.cpu().numpy()
    rng = np.random.default_rng(seed)
    chosen = []
    for value in np.unique(values):
        members = rng.permutation(np.flatnonzero(values == value))
        chosen.append(members[: max(1, round(len(members) * fraction))])
    return split[torch.from_numpy(np.sort(np.concatenate(chosen))).to(split.labels.device)]


def _sizes(count: int, shares: Sequence[float]) -> list[int]:
    """Whole numbers, at least 1, that sum to count; rounding falls on the last share."""
    sizes = [max(1, round(count * share)) for share in shares[:-1]]
    sizes.append(count - sum(sizes))
    while sizes[-1] < 1:  # few images: the largest part gives
        sizes[sizes.index(max(sizes))] -= 1
        sizes[-1] += 1
    return sizes


def _check_shares(shares: Sequence[float]) -> None:
    if not all(0 < share < 1 for share in shares) or not math.isclose(sum(shares), 1):
        raise DataError(
            "the shares of train, validation and test lie between 0 and 1 and leave some for "
            f"each; got {', '.join(f'{share:g}' for share in shares)}"
        )


def _check_counts(values: Indices, parts: int, classes: Sequence[str]) -> None:
    found, counts = np.unique(values, return_counts=True)
    few = [f"{classes[v]} ({n})" for v, n in zip(found, counts, strict=True) if n < parts]
    if few:
        shown = ", ".join(few[:10]) + (f" and {len(few) - 10} more" if len(few) > 10 else "")
        raise DataError(
            f"a class needs at least {parts} images to be in each of {parts} splits; "
            f"too few in {shown}. Add images or remove these classes"
        )
