"""From stored images to what a network sees: augmented, scaled to mean 0 and deviation 1."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from optunas.training.augment import Policy

if TYPE_CHECKING:
    from optunas.data import Data


class Inputs:
    """What is done to images before a network sees them.

    data: whose statistics count, those of its training split. policy: what is done to training
    images.
    """

    def __init__(self, data: "Data", device: torch.device, policy: Policy | None = None) -> None:
        self._policy = Policy() if policy is None else policy
        mean = 255 * torch.tensor(data.mean, device=device)
        # A channel without any contrast has a deviation of zero; it stays zero instead of NaN.
        std = (255 * torch.tensor(data.std, device=device)).clamp_min(1.0)
        self._fill = mean.round().to(torch.uint8)
        self._mean, self._scale = mean[:, None, None], 1 / std[:, None, None]

    @property
    def numbers(self) -> int:
        """How many random numbers an image needs to be augmented."""
        return self._policy.numbers

    def __call__(self, images: Tensor, u: Tensor) -> Tensor:
        """Training images, augmented, still uint8; u: float32 (numbers, B), uniform in [0, 1)."""
        return self._policy(images, u, self._fill)

    def scaled(self, images: Tensor) -> Tensor:
        """uint8 (B, C, H, W) -> float32, normalised, in channels-last order."""
        floats = images.to(torch.float32, memory_format=torch.channels_last)
        return floats.sub_(self._mean).mul_(self._scale)
