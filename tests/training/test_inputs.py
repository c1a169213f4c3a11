"""From stored images to what a network sees."""

from types import SimpleNamespace
from typing import Any

import torch

from optunas.data import Data
from optunas.training import Recipe
from optunas.training.augment import Policy
from optunas.training.inputs import Inputs

CPU = torch.device("cpu")


def test_normalised_with_the_datas_own_statistics(digits: Data) -> None:
    images = digits.train.images[:100]
    mean, std = torch.tensor(digits.mean), torch.tensor(digits.std)
    expected = (images.float() / 255 - mean) / std
    torch.testing.assert_close(Inputs(digits, CPU).scaled(images), expected, atol=1e-5, rtol=1e-5)


def test_a_channel_without_contrast_is_zero_not_nan() -> None:
    flat = torch.full((8, 1, 4, 4), 77, dtype=torch.uint8)
    data: Any = SimpleNamespace(mean=(77 / 255,), std=(0.0,))
    assert Inputs(data, CPU).scaled(flat).abs().max().item() < 1e-3


def test_batches_are_channels_last() -> None:
    data: Any = SimpleNamespace(mean=(0.5,) * 3, std=(0.2,) * 3)
    images = torch.randint(0, 256, (4, 3, 6, 5)).to(torch.uint8)
    assert Inputs(data, CPU).scaled(images).is_contiguous(memory_format=torch.channels_last)


def test_augmentation_is_the_policys_and_leaves_the_store_alone() -> None:
    data: Any = SimpleNamespace(mean=(0.5,) * 3, std=(0.2,) * 3)
    policy = Policy.of(Recipe(augment=1.0), flip=True)
    inputs = Inputs(data, CPU, policy)
    images = torch.randint(0, 256, (16, 3, 8, 8)).to(torch.uint8)
    before = images.clone()
    u = torch.rand(inputs.numbers, 16)
    grey = torch.full((3,), 128, dtype=torch.uint8)  # the mean, of which erased squares are
    assert torch.equal(inputs(images, u), policy(images, u, grey))
    assert not torch.equal(inputs(images, u), images)
    assert torch.equal(images, before)
