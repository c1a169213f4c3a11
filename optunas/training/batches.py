"""Batches cut from images that already lie on the device.

The images stay uint8 where they are computed with; a batch is an index, a few arithmetic
operations, and no copy from the host. What a training loop needs from here is small (`images`,
`steps`, `shuffled`, `in_order`), so that another source of batches can take this one's place.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor

from optunas.data import subset
from optunas.errors import DataError
from optunas.training import augment

if TYPE_CHECKING:
    from optunas.data import Data, Split

Batch = tuple[Tensor, Tensor]
"""images float32 (B, C, H, W), normalised; labels int64 (B,)"""


class Batches:
    """One split on one device, in batches.

    split: uint8 images (N, C, H, W) and their labels. data: the whole it belongs to, for the
    statistics and `flip`. fraction: the stratified share of the images that is used.
    channels_last: the memory order of the batches.
    """

    def __init__(
        self,
        split: "Split",
        data: "Data",
        *,
        batch_size: int,
        device: torch.device,
        fraction: float = 1.0,
        channels_last: bool = False,
    ) -> None:
        if len(split) == 0:
            raise DataError(f"a split needs at least one image; one of {data.name} is empty")
        split = subset(split, fraction)  # seed 0: the same images for every network
        self.images = len(split)
        self.batch_size = min(batch_size, self.images)
        self._images, self._labels = split.images.to(device), split.labels.to(device)
        self._flip = data.flip
        # Digits and letters must not be mirrored, not even at their border.
        self._padding = "reflect" if data.flip else "edge"
        mean = 255 * torch.tensor(data.mean, device=device)
        # A channel without any contrast has a deviation of zero; it stays zero instead of NaN.
        std = (255 * torch.tensor(data.std, device=device)).clamp_min(1.0)
        self._fill = mean.round().to(torch.uint8)
        self._mean, self._scale = mean[:, None, None], 1 / std[:, None, None]
        self._format = torch.channels_last if channels_last else torch.contiguous_format

    @property
    def steps(self) -> int:
        """Batches in one `shuffled` epoch."""
        return self.images // self.batch_size

    def shuffled(self, generator: Generator, *, strength: float = 0.0) -> Iterator[Batch]:
        """One epoch for training: a new order, whole batches only, augmented.

        The last images of the order that fill no batch are left out: every step is of one size
        (which a captured graph needs), and another epoch leaves out others.
        """
        device = self._images.device
        order = torch.randperm(self.images, generator=generator, device=device)
        for index in order[: self.steps * self.batch_size].view(self.steps, self.batch_size):
            images = self._images[index]
            if strength > 0:
                images = self._augmented(images, generator, strength)
            yield self._normalised(images), self._labels[index]

    def in_order(self) -> Iterator[Batch]:
        """Every image once, in the split's order; the last batch may be smaller."""
        for first in range(0, self.images, self.batch_size):
            part = slice(first, first + self.batch_size)
            yield self._normalised(self._images[part]), self._labels[part]

    def _augmented(self, images: Tensor, generator: Generator, strength: float) -> Tensor:
        count, _, height, width = images.shape
        drawn = augment.draw(count, height, width, generator, strength=strength, flip=self._flip)
        return augment.apply(images, drawn, fill=self._fill, padding=self._padding)

    def _normalised(self, images: Tensor) -> Tensor:
        floats = images.to(torch.float32, memory_format=self._format)
        return floats.sub_(self._mean).mul_(self._scale)
