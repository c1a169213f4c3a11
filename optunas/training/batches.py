"""Batches of images and labels, and where they come from.

A training epoch needs an order and random numbers. Both are drawn at once, before its first step:
what remains to be done for a batch is an index and a slice, which neither waits for the device nor
depends on whether the images lie there (`Resident`) or are brought (`streamed.Streamed`). What
becomes of an image follows from its own numbers, so a GPU changes many batches' images at once,
where small operations cost more to launch than to do. Images stay uint8 until the step.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple, Protocol
from weakref import WeakKeyDictionary

import torch
from torch import Generator, Tensor
from torch.nn.functional import interpolate

from optunas.data import ImageFiles, Split, subset
from optunas.errors import DataError

Part = tuple[Tensor, Tensor]
"""images uint8 (B, C, H, W) and labels int64 (B,), on the device"""


class Batch(NamedTuple):
    """What a training step takes."""

    images: Tensor
    """uint8 (B, C, H, W)"""
    labels: Tensor
    """int64 (B,)"""
    u: Tensor
    """float32 (K, B), uniform in [0, 1), for what the step itself draws"""


class Changes(Protocol):
    """What is done to training images: augmentation."""

    @property
    def numbers(self) -> int:
        """How many random numbers an image needs."""

    def __call__(self, images: Tensor, u: Tensor) -> Tensor:
        """images uint8 (B, C, H, W), u float32 (numbers, B) -> the same images, changed."""


class Batches(ABC):
    """One split on one device, in batches of one size."""

    said = ""
    """where the images lie, in a word"""
    block = 1
    """batches whose images are changed at once"""

    def __init__(self, images: int, batch_size: int, device: torch.device) -> None:
        self.images, self.batch_size, self.device = images, min(batch_size, images), device

    @property
    def steps(self) -> int:
        """Batches in one `shuffled` epoch."""
        return self.images // self.batch_size

    def shuffled(
        self,
        generator: Generator,
        changes: Changes | None = None,
        numbers: int = 0,
        done: int = 0,
    ) -> Iterator[Batch]:
        """One epoch for training: a new order, whole batches only, the images changed.

        numbers: how many random numbers each batch carries for every image of its own. done: the
        batches of this epoch that were had before; they are left out, the others are the same.

        The last images of the order that fill no batch are left out: every step is of one size
        (which a captured graph needs), and another epoch leaves out others.
        """
        size, used = self.batch_size, self.steps * self.batch_size
        first = 0 if changes is None else changes.numbers
        order = torch.randperm(self.images, generator=generator, device=self.device)[:used]
        u = torch.rand(first + numbers, used, generator=generator, device=self.device)
        rows, drawn = (torch.split(t, self.block * size, dim=-1) for t in (order, u))
        blocks, within = divmod(done, self.block)
        for (images, labels), mine in zip(self._cut(rows[blocks:]), drawn[blocks:], strict=True):
            if changes is not None and first:
                images = changes(images, mine[:first])
            parts = (torch.split(images, size), torch.split(labels, size))
            batches = zip(*parts, torch.split(mine[first:], size, dim=1), strict=True)
            for batch in islice(batches, within, None):
                yield Batch(*batch)
            within = 0

    def in_order(self) -> Iterator[Part]:
        """Every image once, in the split's order; the last batch may be smaller."""
        return self._cut(torch.split(torch.arange(self.images), self.batch_size))

    @abstractmethod
    def _cut(self, rows: Iterable[Tensor]) -> Iterator[Part]:
        """The images and labels of each row of indices, int64 (B,)."""


class Resident(Batches):
    """Images that lie where they are computed with: a batch is an index, without a copy.

    fraction: the stratified share of the images that is used. resolution: see `resized`. What was
    brought to the device for one network is still there for the next.
    """

    said = "resident"

    def __init__(
        self,
        split: Split,
        *,
        batch_size: int,
        device: torch.device,
        fraction: float = 1.0,
        resolution: int | None = None,
    ) -> None:
        self._images, self._labels = _brought(split, device, fraction, resolution)
        super().__init__(len(self._labels), batch_size, device)
        if device.type == "cuda":
            self.block = max(1, _AT_ONCE // (self.batch_size * self._images[0].numel()))

    def _cut(self, rows: Iterable[Tensor]) -> Iterator[Part]:
        for row in rows:
            yield self._images[row], self._labels[row]

    def in_order(self) -> Iterator[Part]:
        """As for all batches; here they are views."""
        images, labels = (torch.split(t, self.batch_size) for t in (self._images, self._labels))
        return zip(images, labels, strict=True)


def share_of(split: Split, fraction: float) -> Split:
    """The share of a split that is used; `DataError` where there is no image."""
    if not len(split):
        raise DataError("a split needs at least one image to make batches of; it has none")
    return subset(split, fraction)  # seed 0: the same images for every network


def is_brought(split: Split, device: torch.device) -> bool:
    """Whether (a share of) the split lies on the device already."""
    return split in _BROUGHT and _BROUGHT[split][0][0] == device


def resized(images: Tensor, resolution: int | None) -> Tensor:
    """uint8 (B, C, H, W) whose shorter side is `resolution` pixels; None: as they are.

    Bilinear with antialiasing, as Pillow and torchvision resize. An image is never enlarged: that
    would cost more and tell nothing.
    """
    height, width = images.shape[-2:]
    shorter = min(height, width)
    if resolution is None or resolution >= shorter:
        return images
    size = [max(1, round(side * resolution / shorter)) for side in (height, width)]
    floats = interpolate(images.float(), size, mode="bilinear", antialias=True)
    return floats.round_().clamp_(0, 255).to(torch.uint8)


_Key = tuple[torch.device, float, int | None]
_BROUGHT: "WeakKeyDictionary[Split, tuple[_Key, Part]]" = WeakKeyDictionary()
_CHUNK = 4096  # images that are resized at once
_AT_ONCE = 2**25  # numbers of a block: 10,922 images of 3x32x32, some hundred MiB while changed


def _brought(split: Split, device: torch.device, fraction: float, resolution: int | None) -> Part:
    """The split on its device, of which one version is kept: a search asks for the same again."""
    key = (device, fraction, resolution)
    if split in _BROUGHT and _BROUGHT[split][0] == key:
        return _BROUGHT[split][1]
    _BROUGHT.pop(split, None)  # its memory first
    chosen = share_of(split, fraction)
    whole = chosen.images.to(device) if isinstance(chosen.images, Tensor) else None
    if whole is None or resolution is not None:
        parts = _decoded(chosen, device) if whole is None else torch.split(whole, _CHUNK)
        whole = torch.cat([resized(part, resolution) for part in parts])
    _BROUGHT[split] = key, (whole, chosen.labels.to(device))
    return _BROUGHT[split][1]


def _decoded(split: Split, device: torch.device) -> Iterator[Tensor]:
    """Images that were left in their files, and are now wanted on the device all the same."""
    assert isinstance(split.images, ImageFiles)
    for rows in torch.split(torch.arange(len(split)), _CHUNK):
        yield split.images.read(rows.tolist()).to(device)
