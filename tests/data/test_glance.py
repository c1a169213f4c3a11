import pytest
import torch

from optunas.data import glance as module
from optunas.data.glance import glance


def noise(count: int, *shape: int) -> torch.Tensor:
    drawn = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, *shape), generator=drawn, dtype=torch.uint8)


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 5, 3), (4, 1, 1), (3, 33, 7)])
@pytest.mark.parametrize("block", [1, 10**6])
def test_equal_images_have_equal_keys(
    shape: tuple[int, int, int], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    images = noise(50, *shape)
    images[40] = images[7]
    seen = glance(images)
    assert seen.keys[40] == seen.keys[7]
    assert len(seen.keys) == 50
    if images[0].numel() > 4:  # else chance makes some of them equal
        assert len(set(seen.keys.tolist())) == 49


def test_one_pixel_outside_the_rows_makes_an_image_more_than_one_colour() -> None:
    images = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)
    images[1, 0] = 200  # red all over
    images[2, 1, 0, 0] = 1  # a speck in a row that is not looked at first
    images[3, 1, 4, 4] = 1  # and in one that is
    assert glance(images).single.tolist() == [True, True, False, False]


def test_gray_is_told_by_all_pixels() -> None:
    images = noise(4, 1, 8, 8).repeat(1, 3, 1, 1)
    images[1, 0, 0, 0] ^= 1
    images[2] = noise(1, 3, 8, 8)[0]
    assert glance(images).gray.tolist() == [True, False, False, True]
    assert not glance(images[:, :1]).gray.any()
