from types import SimpleNamespace
from typing import Any

import pytest
import torch

from optunas.data import Data, Split, subset
from optunas.errors import DataError
from optunas.training.batches import Batches

CPU = torch.device("cpu")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def colours(count: int = 50) -> Data:
    """Images whose first pixel is their number, so that they can be told apart."""
    images = torch.randint(0, 256, (count, 3, 6, 5), generator=seeded(9)).to(torch.uint8)
    images[:, 0, 0, 0] = torch.arange(count)
    split = Split(images, torch.arange(count) % 2)
    return Data.from_splits("colours", (split, split, split), ("even", "odd"), flip=True)


def numbers(data: Data, images: torch.Tensor) -> list[int]:
    first = images[:, 0, 0, 0] * data.std[0] + data.mean[0]
    return [int(n) for n in (255 * first).round().tolist()]


def test_an_epoch_is_a_permutation_of_whole_batches() -> None:
    data = colours()
    batches = Batches(data.train, data, batch_size=8, device=CPU)
    assert (batches.images, batches.steps) == (50, 6)
    seen = []
    for images, labels in batches.shuffled(seeded(0)):
        assert images.shape == (8, 3, 6, 5)
        assert images.dtype == torch.float32
        found = numbers(data, images)
        assert labels.tolist() == [n % 2 for n in found]
        seen += found
    assert len(seen) == len(set(seen)) == 48
    assert seen != sorted(seen)


def test_normalised_with_the_datas_own_statistics(digits: Data) -> None:
    (images, labels), *_ = Batches(digits.train, digits, batch_size=100, device=CPU).in_order()
    mean, std = torch.tensor(digits.mean), torch.tensor(digits.std)
    expected = (digits.train.images[:100].float() / 255 - mean) / std
    torch.testing.assert_close(images, expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(labels, digits.train.labels[:100])


def test_in_order_is_everything_once() -> None:
    data = colours()
    batches = Batches(data.train, data, batch_size=16, device=CPU)
    parts = [numbers(data, images) for images, _ in batches.in_order()]
    assert [len(part) for part in parts] == [16, 16, 16, 2]
    assert [number for part in parts for number in part] == list(range(50))


def test_a_split_smaller_than_a_batch_is_one_batch() -> None:
    data = colours(20)
    batches = Batches(data.train, data, batch_size=128, device=CPU)
    assert (batches.batch_size, batches.steps) == (20, 1)
    assert [len(labels) for _, labels in batches.shuffled(seeded(0))] == [20]


def test_the_generator_decides_the_order_and_the_augmentation() -> None:
    data = colours()
    batches = Batches(data.train, data, batch_size=50, device=CPU)

    def first(seed: int) -> torch.Tensor:
        return next(iter(batches.shuffled(seeded(seed), strength=1.0)))[0]

    assert torch.equal(first(0), first(0))
    assert not torch.equal(first(0), first(1))


def test_augmentation_changes_images_but_neither_the_order_nor_the_store() -> None:
    data = colours()
    before = data.train.images.clone()
    batches = Batches(data.train, data, batch_size=50, device=CPU)
    plain, labels = next(iter(batches.shuffled(seeded(0))))
    moved, same = next(iter(batches.shuffled(seeded(0), strength=1.0)))
    assert torch.equal(labels, same)
    assert not torch.equal(plain, moved)
    assert torch.equal(data.train.images, before)


def test_a_fraction_is_the_datas_own_subset(digits: Data) -> None:
    batches = Batches(digits.train, digits, batch_size=16, device=CPU, fraction=0.1)
    labels = torch.cat([labels for _, labels in batches.in_order()])
    assert torch.equal(labels, subset(digits.train, 0.1).labels)
    assert batches.images == pytest.approx(0.1 * len(digits.train), abs=5)


def test_channels_last_is_the_same_picture_in_another_order() -> None:
    data = colours()
    one, two = (
        next(
            iter(
                Batches(data.train, data, batch_size=8, device=CPU, channels_last=last).shuffled(
                    seeded(0), strength=1.0
                )
            )
        )[0]
        for last in (False, True)
    )
    assert torch.equal(one, two)
    assert one.is_contiguous()
    assert two.is_contiguous(memory_format=torch.channels_last)


def test_a_channel_without_contrast_is_zero_not_nan() -> None:
    flat = torch.full((20, 1, 4, 4), 77, dtype=torch.uint8)
    split = Split(flat, torch.arange(20) % 2)
    data: Any = SimpleNamespace(name="flat", mean=(77 / 255,), std=(0.0,), flip=False)
    images, _ = next(iter(Batches(split, data, batch_size=8, device=CPU).in_order()))
    assert images.abs().max().item() < 1e-3


def test_an_empty_split_is_an_error_that_names_the_data() -> None:
    data = colours()
    empty = Split(data.train.images[:0], data.train.labels[:0])
    with pytest.raises(DataError, match="colours"):
        Batches(empty, data, batch_size=8, device=CPU)
