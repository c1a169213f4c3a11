"""Shifts and flips against plain loops over images and pixels."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from optunas.training.augment.move import PADDINGS, Move, moved, offsets

Make = Callable[..., Tensor]
FILL = torch.tensor([11, 22, 33], dtype=torch.uint8)


def source(index: int, size: int, padding: str) -> int | None:
    """Where a pixel comes from, walking step by step; None: from nowhere."""
    if padding == "zero":
        return index if 0 <= index < size else None
    if padding == "edge" or size == 1:
        return min(max(index, 0), size - 1)
    position, direction = 0, 1  # a ball between two walls
    for _ in range(abs(index)):
        if not 0 <= position + direction < size:
            direction = -direction
        position += direction
    if index >= 0:
        return position
    return source(-index, size, padding)  # a mirror at the first pixel


def reference(image: Tensor, down: int, right: int, mirror: bool, padding: str) -> Tensor:
    """One image (C, H, W), one pixel at a time: shift, then flip."""
    _, height, width = image.shape
    shifted = torch.zeros_like(image)
    for y in range(height):
        for x in range(width):
            from_y, from_x = source(y + down, height, padding), source(x + right, width, padding)
            if from_y is not None and from_x is not None:
                shifted[:, y, x] = image[:, from_y, from_x]
    return torch.flip(shifted, (2,)) if mirror else shifted


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("size", [(8, 8), (9, 5), (1, 4), (2, 2), (1, 1), (2, 3)])
@pytest.mark.parametrize("channels", [1, 3])
def test_batches_move_like_single_images(
    padding: str, size: tuple[int, int], channels: int, make_images: Make
) -> None:
    images = make_images(40, *size, channels)
    generator = torch.Generator().manual_seed(2)
    down, right = torch.randint(-12, 13, (2, 40), generator=generator)  # beyond the image, too
    mirror = torch.rand(40, generator=generator) < 0.5
    result = moved(images, down, right, mirror, padding)
    assert result.dtype == torch.uint8
    for i in range(40):
        plain = reference(images[i], int(down[i]), int(right[i]), bool(mirror[i]), padding)
        torch.testing.assert_close(result[i], plain)


def test_the_numbers_decide_down_right_and_mirror_in_this_order(make_images: Make) -> None:
    """At full strength 16 pixels move by up to two: u = 0 is -2, just below 1 is 2."""
    images = make_images(4, 16, 16)
    before = images.clone()
    u = torch.full((3, 4), 0.5)
    u[0, 0], u[1, 1], u[2, 2] = 0.0, 0.999, 0.499
    result = Move(1.0, flip=True)(images, u, FILL)
    for i, how in enumerate([(-2, 0, False), (0, 2, False), (0, 0, True), (0, 0, False)]):
        torch.testing.assert_close(result[i], reference(images[i], *how, "reflect"))
    assert torch.equal(images, before)


def test_strength_zero_is_the_identity(make_images: Make, uniform: Make) -> None:
    images = make_images(64, 8, 8)
    for padding in PADDINGS:
        moving = Move(0.0, flip=True, padding=padding)
        assert torch.equal(moving(images, uniform(3, 64), FILL), images)


def test_data_that_may_not_be_mirrored_is_not(make_images: Make) -> None:
    images = make_images(50, 8, 8)
    u = torch.full((3, 50), 0.5)
    u[2] = torch.linspace(0, 0.99, 50)
    assert torch.equal(Move(1.0, flip=False)(images, u, FILL), images)


def test_how_far_and_how_often(uniform: Make) -> None:
    """Four pixels: offsets -4..4, equally often but for 0, which two unit intervals round to."""
    count = 18_000
    values, counts = offsets(uniform(1, count)[0], 4.0).unique(return_counts=True)
    assert values.tolist() == list(range(-4, 5))
    expected = torch.tensor([1, 1, 1, 1, 2, 1, 1, 1, 1]) / 10 * count
    assert ((counts - expected).abs() < 5 * expected.sqrt()).all()


@pytest.mark.parametrize(("strength", "chance"), [(1.0, 0.5), (0.5, 0.25)])
def test_how_often_images_are_mirrored(strength: float, chance: float, uniform: Make) -> None:
    """Images of one row and two pixels don't shift down; the mirrored ones are counted."""
    images = torch.tensor([1, 2], dtype=torch.uint8).expand(18_000, 1, 1, 2)
    u = uniform(3, 18_000)
    u[:2] = 0.5
    result = Move(strength, flip=True)(images, u, FILL[:1])
    assert (result[..., 0] == 2).float().mean().item() == pytest.approx(chance, abs=0.02)


def test_a_fraction_of_a_pixel_moves_a_fraction_of_the_images(uniform: Make) -> None:
    shift = offsets(uniform(1, 18_000)[0], 0.5)
    assert (shift != 0).float().mean().item() == pytest.approx(1 / 3, abs=0.02)
    assert shift.abs().max().item() == 1
    assert (offsets(uniform(1, 1000)[0], 0.0) == 0).all()
