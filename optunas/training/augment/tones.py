"""Operations that give every level of an image a new one, as Pillow's `ImageOps` has them.

Each image has a table, 256 new levels for each of its channels, and the pixels look it up.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from optunas.training.augment.pixels import mask


@dataclass(frozen=True)
class Tones:
    """How far to go, the same for all images.

    bits: how many posterize keeps, 0..8. threshold: the levels that solarize inverts begin here.
    """

    bits: int
    threshold: int

    def __call__(
        self, images: Tensor, posterize: Tensor, solarize: Tensor, stretch: Tensor, equal: Tensor
    ) -> Tensor:
        """images uint8 (B, C, H, W); the others are bool (B,), which images get which operation.

        An image gets one operation or none. posterize: the lower bits become 0. solarize: from
        the threshold on, levels become 255 less themselves. stretch (autocontrast): the darkest
        level becomes 0, the brightest 255, for each channel. equal (equalize): the cumulative
        histogram of each channel becomes a straight line.
        """
        index = images.flatten(2).long()
        table = _table(images, index, stretch, equal)
        level = torch.arange(256, device=images.device)
        table ^= mask(solarize)[:, None, None] & mask(level >= self.threshold)
        table &= ~(mask(posterize)[:, None, None] & ((1 << (8 - self.bits)) - 1))
        return table.gather(2, index).view(images.shape)


def _table(images: Tensor, index: Tensor, stretch: Tensor, equal: Tensor) -> Tensor:
    """New levels of both, uint8 (B, C, 256), as fractions of whole numbers, rounded down.

    Whole numbers below 2 ** 24 are exact in float32, and so is the whole part of their quotient;
    they can be added in any order, which varies on a GPU.
    """
    counts = _histograms(index)
    low, high = images.flatten(2).amin(2, keepdim=True), images.flatten(2).amax(2, keepdim=True)
    # Pillow's step: the pixels below the brightest level, shared out to 255 levels.
    step = (index.shape[2] - counts.gather(2, high.long())) // 255
    stretched = stretch[:, None, None] & (high > low)
    equalized = equal[:, None, None] & (step > 0)
    level = torch.arange(256.0, device=images.device)
    below = counts.cumsum(2, dtype=torch.int32) - counts
    width = torch.where(stretched, high - low, torch.ones_like(high)).float()
    part = torch.where(stretched, 255 * (level - low.float()), level)
    part = torch.where(equalized, (below + step // 2).float(), part)
    whole = torch.where(equalized, step.float(), width)
    return part.div_(whole).floor_().clamp_(0, 255).to(torch.uint8)


def _histograms(index: Tensor) -> Tensor:
    """Levels int64 (B, C, H * W) -> int32 (B, C, 256): how often each occurs."""
    one = torch.ones((), dtype=torch.int32, device=index.device)
    counts = torch.zeros((*index.shape[:2], 256), dtype=torch.int32, device=index.device)
    return counts.scatter_add_(2, index, one.expand(index.shape))
