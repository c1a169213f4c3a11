"""Erased squares against a loop over pixels."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from optunas.training.augment.erase import Erase, within

Make = Callable[..., Tensor]
FILL = torch.tensor([11, 22, 33], dtype=torch.uint8)


def reference(image: Tensor, u: list[float], strength: float) -> Tensor:
    """A square around a random point, 3/8 of the shorter side at full strength, cut at borders."""
    _, height, width = image.shape
    side = round(3 / 8 * strength * min(height, width))
    result = image.clone()
    if u[0] < strength:
        top, left = int(u[1] * height) - side // 2, int(u[2] * width) - side // 2
        for y in range(max(top, 0), min(top + side, height)):
            for x in range(max(left, 0), min(left + side, width)):
                result[:, y, x] = FILL[: len(image)]
    return result


@pytest.mark.parametrize("size", [(8, 8), (9, 5), (1, 4), (1, 1), (2, 3), (16, 33)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_batches_are_erased_like_single_images(
    size: tuple[int, int], channels: int, strength: float, make_images: Make, uniform: Make
) -> None:
    images, u = make_images(40, *size, channels), uniform(3, 40)
    before = images.clone()
    result = Erase(strength)(images, u, FILL[:channels])
    for i in range(40):
        assert torch.equal(result[i], reference(images[i], u[:, i].tolist(), strength))
    assert torch.equal(images, before)


def test_how_often_and_where(uniform: Make) -> None:
    """Half strength: half of the images, squares of 6 of 32 pixels, each point hit as often."""
    count = 6_000
    images = torch.zeros(count, 1, 32, 32, dtype=torch.uint8)
    white = torch.tensor([255], dtype=torch.uint8)
    hit = Erase(0.5)(images, uniform(3, count), white)[:, 0] > 0
    area = hit.sum((1, 2))
    assert (area > 0).float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert area.max().item() == 36
    inner = hit[:, 6:-6, 6:-6].float().mean(0)
    expected = 0.5 * 36 / 1024  # away from the borders
    assert inner.mean().item() == pytest.approx(expected, rel=0.05)
    assert (inner - expected).abs().max().item() < 6 * (expected / count) ** 0.5


def test_strength_zero_is_the_identity(make_images: Make, uniform: Make) -> None:
    images = make_images(64, 8, 8)
    assert torch.equal(Erase(0.0)(images, uniform(3, 64), FILL), images)


def test_within_may_reach_beyond_both_ends() -> None:
    first, length = torch.tensor([-1, 1, 3, 0]), torch.tensor([2, 2, 9, 0])
    assert within(4, first, length).int().tolist() == [
        [1, 0, 0, 0],
        [0, 1, 1, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 0],
    ]
