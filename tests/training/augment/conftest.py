"""Random images, and the numbers that augmentations are given."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

MakeImages = Callable[..., Tensor]


@pytest.fixture
def make_images() -> MakeImages:
    """make_images(count, height, width, channels=3, seed=1): uint8 noise."""

    def make(count: int, height: int, width: int, channels: int = 3, seed: int = 1) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        shape = (count, channels, height, width)
        return torch.randint(0, 256, shape, generator=generator).to(torch.uint8)

    return make


@pytest.fixture
def uniform() -> Callable[..., Tensor]:
    """uniform(numbers, count, seed=2): float32 (numbers, count) in [0, 1)."""

    def make(numbers: int, count: int, seed: int = 2) -> Tensor:
        return torch.rand(numbers, count, generator=torch.Generator().manual_seed(seed))

    return make
