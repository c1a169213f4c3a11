"""Mixup and CutMix: two images of a batch become one, and so do their labels.

An image's partner is its predecessor in the batch, the first one's is the last. The order of a
training batch is random already; nothing is gained by another permutation.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from optunas.training.augment.erase import within

if TYPE_CHECKING:
    from optunas.training.recipe import Recipe

STEPS = 1024  # of the quantile table, a power of two: u * STEPS is exact and below STEPS


@dataclass(frozen=True, eq=False)
class Mixing:
    """mixup (Zhang et al. 2017, arXiv:1710.09412), cutmix (Yun et al. 2019, arXiv:1905.04899).

    Each image draws its own coefficient, from Beta(alpha, alpha), by linear interpolation in a
    table of quantiles, float32 (STEPS + 1,); a table that is None switches its operation off. With
    both on, a coin decides for each image.
    """

    mixup: Tensor | None = None
    cutmix: Tensor | None = None

    @classmethod
    def of(cls, recipe: "Recipe", device: torch.device | str = "cpu") -> "Mixing":
        """What a recipe asks for; the tables lie on `device` before any graph is captured."""
        mixup = quantiles(recipe.mixup).to(device) if recipe.mixup > 0 else None
        cutmix = quantiles(recipe.cutmix).to(device) if recipe.cutmix > 0 else None
        return cls(mixup, cutmix)

    @property
    def numbers(self) -> int:
        """How many random numbers an image needs; 0: there is nothing to mix."""
        if self.cutmix is None:
            return 0 if self.mixup is None else 1
        return 3 if self.mixup is None else 4

    def __call__(self, images: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """images float (B, C, H, W), u float32 (numbers, B) -> mixed images, own share (B,)."""
        height, width = images.shape[-2:]
        if self.cutmix is None:
            if self.mixup is None:
                return images, torch.ones(len(images), device=images.device)
            weight = drawn(self.mixup, u[0])
            return _mixed(images, weight[:, None, None]), weight
        kept = outside(drawn(self.cutmix, u[0]), u[1], u[2], height, width)
        weight = kept.mean((1, 2))
        if self.mixup is not None:
            blend, coin = drawn(self.mixup, u[0]), u[3] < 0.5
            kept = torch.where(coin[:, None, None], blend[:, None, None], kept)
            weight = torch.where(coin, blend, weight)
        return _mixed(images, kept), weight


def mixed_loss(
    logits: Tensor, labels: Tensor, weight: Tensor, label_smoothing: float = 0.0
) -> Tensor:
    """The mean cross-entropy of mixed images: logits (B, classes), labels (B,), weight (B,)."""
    own, other = (
        cross_entropy(logits, target, reduction="none", label_smoothing=label_smoothing)
        for target in (labels, partners(labels))
    )
    return torch.lerp(other, own, weight).mean()


def partners(batch: Tensor) -> Tensor:
    """Each one's partner; `torch.roll` by one that keeps the memory order."""
    return torch.cat((batch[-1:], batch[:-1]))


def quantiles(alpha: float) -> Tensor:
    """STEPS + 1 quantiles of Beta(alpha, alpha), float32."""
    # Not scipy.stats: importing that takes longer than many a step.
    from scipy.special import betaincinv

    at = torch.linspace(0, 1, STEPS + 1, dtype=torch.float64).numpy()
    return torch.from_numpy(betaincinv(alpha, alpha, at)).float()


def drawn(table: Tensor, u: Tensor) -> Tensor:
    """Uniform numbers (B,) -> numbers (B,) that are distributed as the table says.

    Between two quantiles they are uniform: the distribution function is nowhere off by more than
    1 / STEPS.
    """
    position = u * STEPS
    below = position.long()
    return torch.lerp(table.gather(0, below), table.gather(0, below + 1), position - below)


def outside(share: Tensor, y: Tensor, x: Tensor, height: int, width: int) -> Tensor:
    """float32 (B, H, W): 0 in a box of (1 - share) of the area around a point, cut at the borders.

    share, y, x: (B,), in 0..1.
    """
    cut = (1 - share).sqrt()
    rows, columns = _side(height, y, cut), _side(width, x, cut)
    return 1 - (rows[:, :, None] & columns[:, None, :]).float()


def _side(size: int, at: Tensor, cut: Tensor) -> Tensor:
    """As the paper's code has it: half a side is rounded down, to both directions."""
    half = (size * cut).long() // 2
    return within(size, (at * size).long() - half, 2 * half)


def _mixed(images: Tensor, share: Tensor) -> Tensor:
    """share: each image's own, (B, H, W) or (B, 1, 1); lerp is exact at both ends."""
    return torch.lerp(partners(images), images, share[:, None].to(images.dtype))
