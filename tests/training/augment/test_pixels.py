import torch

from optunas.training.augment import pixels
from optunas.training.augment.pixels import by_kind, chosen, in_parts, mask, taken


def test_chosen_is_where_for_bytes() -> None:
    generator = torch.Generator().manual_seed(0)
    this, other = torch.randint(0, 256, (2, 50, 3), generator=generator).to(torch.uint8)
    where = torch.rand(50, 1, generator=generator) < 0.5
    assert mask(where).unique().tolist() == [0, 255]
    assert torch.equal(chosen(mask(where), this, other), torch.where(where, this, other))


def test_taken_fetches_the_same_pixel_of_every_channel() -> None:
    images = torch.arange(2 * 3 * 2 * 2, dtype=torch.uint8).view(2, 3, 2, 2)
    index = torch.tensor([[[3, 2], [1, 0]], [[0, 0], [3, 3]]])
    result = taken(images, index)
    assert result[0].tolist() == images[0].flip(1, 2).tolist()
    assert result[1, :, 0].tolist() == [[c, c] for c in images[1, :, 0, 0].tolist()]
    assert result[1, :, 1].tolist() == [[c, c] for c in images[1, :, 1, 1].tolist()]


def test_parts_are_worked_on_one_after_the_other(monkeypatch) -> None:
    images = torch.arange(10, dtype=torch.uint8).view(10, 1, 1, 1).expand(10, 3, 2, 2)
    u = torch.arange(20.0).view(2, 10)
    seen = []

    def change(part: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        seen.append(len(part))
        assert part[:, 0, 0, 0].tolist() == numbers[0].tolist()
        return part + 1

    monkeypatch.setattr(pixels, "PART", 4 * 12)
    assert torch.equal(in_parts(change, images, u), images + 1)
    assert seen == [4, 4, 2]
    monkeypatch.setattr(pixels, "PART", 1)  # an image is never cut
    in_parts(change, images, u)
    assert seen[3:] == [1] * 10


def test_each_kind_has_its_own_change_and_images_come_back_in_order() -> None:
    images = torch.arange(7, dtype=torch.uint8).view(7, 1, 1, 1)
    kind, number = torch.tensor([2, 0, 2, 1, 0, 2, 0]), torch.arange(7.0)
    seen = []

    def adds(amount: int):
        def change(some: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
            assert some.flatten().tolist() == numbers.tolist()
            seen.append(len(some))
            return some + amount

        return change

    result = by_kind(kind, [adds(0), adds(10), adds(20), adds(30)], images, number)
    assert result.flatten().tolist() == [20, 1, 22, 13, 4, 25, 6]
    assert seen == [3, 1, 3]
