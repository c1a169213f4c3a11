"""Batches of one split: where they come from, in which order, with which random numbers."""

import pytest
import torch
from torchvision.transforms.v2.functional import resize

from optunas.data import Data, Split, subset
from optunas.errors import DataError
from optunas.training.batches import Batches, Resident, is_brought, resized
from optunas.training.streamed import Streamed

CPU = torch.device("cpu")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbered(count: int = 50) -> Split:
    """Images whose first pixel is their number, so that they can be told apart."""
    images = torch.randint(0, 256, (count, 3, 6, 5), generator=seeded(9)).to(torch.uint8)
    images[:, 0, 0, 0] = torch.arange(count)
    return Split(images, torch.arange(count) % 2)


def numbers(images: torch.Tensor) -> list[int]:
    return images[:, 0, 0, 0].tolist()


@pytest.fixture(params=[Resident, Streamed])
def make(request: pytest.FixtureRequest) -> type[Batches]:
    return request.param


def test_an_epoch_is_a_permutation_of_whole_batches(make: type[Batches]) -> None:
    batches = make(numbered(), batch_size=8, device=CPU)
    assert (batches.images, batches.steps) == (50, 6)
    seen = []
    for images, labels, u in batches.shuffled(seeded(0), numbers=3):
        assert images.shape == (8, 3, 6, 5)
        assert images.dtype == torch.uint8
        assert u.shape == (3, 8)
        assert labels.tolist() == [n % 2 for n in numbers(images)]
        seen += numbers(images)
    assert len(seen) == len(set(seen)) == 48
    assert seen != sorted(seen)


def test_every_epoch_can_be_repeated_and_differs_from_the_next(make: type[Batches]) -> None:
    batches = make(numbered(), batch_size=8, device=CPU)

    def orders(seed: int) -> list[list[int]]:
        return [numbers(images) for images, _, _ in batches.shuffled(seeded(seed))]

    assert orders(0) == orders(0)
    assert orders(0) != orders(1)


def test_random_numbers_are_uniform_and_of_each_images_own(make: type[Batches]) -> None:
    split = Split(numbered(2).images[:1].expand(1000, 3, 6, 5), torch.zeros(1000).long())
    drawn = [
        u for _, _, u in make(split, batch_size=100, device=CPU).shuffled(seeded(0), numbers=2)
    ]
    u = torch.cat(drawn, dim=1)
    assert u.shape == (2, 1000)
    assert len(u.unique()) == 2000
    assert ((u >= 0) & (u < 1)).all()
    assert u.mean().item() == pytest.approx(0.5, abs=0.03)


def test_how_many_random_numbers_are_drawn_does_not_change_the_order(make: type[Batches]) -> None:
    batches = make(numbered(), batch_size=50, device=CPU)
    ((without, _, none),) = batches.shuffled(seeded(0))
    ((with_some, _, _),) = batches.shuffled(seeded(0), numbers=5)
    assert torch.equal(without, with_some)
    assert none.shape == (0, 50)


def test_in_order_is_everything_once(make: type[Batches]) -> None:
    batches = make(numbered(), batch_size=16, device=CPU)
    parts = [numbers(images) for images, _ in batches.in_order()]
    assert [len(part) for part in parts] == [16, 16, 16, 2]
    assert [number for part in parts for number in part] == list(range(50))


def test_a_split_smaller_than_a_batch_is_one_batch(make: type[Batches]) -> None:
    batches = make(numbered(20), batch_size=128, device=CPU)
    assert (batches.batch_size, batches.steps) == (20, 1)
    assert [len(labels) for _, labels, _ in batches.shuffled(seeded(0))] == [20]


def test_a_fraction_is_the_datas_own_subset(digits: Data, make: type[Batches]) -> None:
    batches = make(digits.train, batch_size=16, device=CPU, fraction=0.1)
    labels = torch.cat([labels for _, labels in batches.in_order()])
    assert torch.equal(labels, subset(digits.train, 0.1).labels)
    assert batches.images == pytest.approx(0.1 * len(digits.train), abs=5)


def test_an_empty_split_is_a_clear_error(make: type[Batches]) -> None:
    empty = Split(numbered().images[:0], numbered().labels[:0])
    with pytest.raises(DataError, match="at least one image"):
        make(empty, batch_size=8, device=CPU, fraction=0.5)


def test_a_lower_resolution_is_what_torchvision_makes(make: type[Batches]) -> None:
    images = torch.randint(0, 256, (9, 3, 24, 40), generator=seeded(1)).to(torch.uint8)
    batches = make(Split(images, torch.arange(9) % 2), batch_size=4, device=CPU, resolution=12)
    found = torch.cat([part for part, _ in batches.in_order()])
    assert found.shape == (9, 3, 12, 20)
    expected = resize(images, [12, 20], antialias=True)
    assert (found.int() - expected.int()).abs().max() <= 1


def test_images_are_never_enlarged_and_whole_ones_not_copied() -> None:
    images = numbered().images
    assert resized(images, None) is images
    assert resized(images, 5) is images
    assert resized(images, 300) is images
    assert resized(images, 1).shape == (50, 3, 1, 1)


def test_resident_images_are_not_copied_where_they_lie_on_the_device_already() -> None:
    split = numbered()
    images, _ = next(Resident(split, batch_size=8, device=CPU).in_order())
    assert images.data_ptr() == split.images.data_ptr()


def test_what_was_brought_for_one_network_is_there_for_the_next() -> None:
    split = numbered()
    assert not is_brought(split, CPU)
    first, second, other = (
        next(Resident(split, batch_size=8, device=CPU, fraction=share).in_order())[0]
        for share in (0.5, 0.5, 0.6)
    )
    assert is_brought(split, CPU)
    assert first.data_ptr() == second.data_ptr() != other.data_ptr()
    assert not is_brought(split, torch.device("meta"))


class Shifted:
    """Adds to each image what its first random number says; counts how many come at once."""

    numbers = 2

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, images: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        assert u.shape == (2, len(images))
        self.sizes.append(len(images))
        return images + (100 * u[0]).to(torch.uint8)[:, None, None, None]


def test_images_are_changed_by_their_own_numbers(make: type[Batches]) -> None:
    batches, changes = make(numbered(), batch_size=8, device=CPU), Shifted()
    plainly = list(batches.shuffled(seeded(0), Still()))
    changed = list(batches.shuffled(seeded(0), changes, numbers=1))
    assert changes.sizes == [8] * 6
    for before, after in zip(plainly, changed, strict=True):
        assert torch.equal(before.labels, after.labels)
        assert not torch.equal(before.images, after.images)
        assert after.u.shape == (1, 8)


class Still:
    numbers = 2

    def __call__(self, images: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        return images


@pytest.mark.parametrize("block", [2, 4, 100])
def test_many_batches_changed_at_once_are_the_same_batches(block: int) -> None:
    one = Resident(numbered(), batch_size=8, device=CPU)
    many = Resident(numbered(), batch_size=8, device=CPU)
    many.block = block
    changes = Shifted()
    singly = one.shuffled(seeded(0), Shifted(), numbers=1)
    for a, b in zip(singly, many.shuffled(seeded(0), changes, numbers=1), strict=True):
        assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
    assert max(changes.sizes) == min(block * 8, 48)
    assert sum(changes.sizes) == 48
