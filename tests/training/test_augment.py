"""The vectorised operations against plain loops over images and pixels."""

from dataclasses import fields

import pytest
import torch
from torch import Tensor

from optunas.training.augment import PADDINGS, Draw, apply, draw

FILL = torch.tensor([11, 22, 33], dtype=torch.uint8)


def images_of(count: int, height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 3, height, width), generator=generator).to(torch.uint8)


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


def reference(image: Tensor, how: Draw, i: int, padding: str) -> Tensor:
    """One image (C, H, W), one pixel at a time: shift, then flip, then erase."""
    _, height, width = image.shape
    shifted = torch.zeros_like(image)
    for y in range(height):
        for x in range(width):
            from_y = source(y + int(how.down[i]), height, padding)
            from_x = source(x + int(how.right[i]), width, padding)
            if from_y is not None and from_x is not None:
                shifted[:, y, x] = image[:, from_y, from_x]
    result = torch.flip(shifted, (2,)) if how.mirror[i] else shifted.clone()
    top, left, side = int(how.top[i]), int(how.left[i]), int(how.side[i])
    for y in range(max(top, 0), min(top + side, height)):
        for x in range(max(left, 0), min(left + side, width)):
            result[:, y, x] = FILL
    return result


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 5), (1, 4), (2, 2)])
def test_batches_move_like_single_images(padding: str, height: int, width: int) -> None:
    images = images_of(24, height, width)
    generator = torch.Generator().manual_seed(2)
    how = draw(24, height, width, generator, strength=1.0, flip=True)
    result = apply(images, how, fill=FILL, padding=padding)
    assert result.dtype == torch.uint8
    for i in range(24):
        torch.testing.assert_close(result[i], reference(images[i], how, i, padding))


@pytest.mark.parametrize("padding", PADDINGS)
def test_shifts_beyond_the_image_are_still_defined(padding: str) -> None:
    images = images_of(9, 4, 4)
    none = torch.zeros(9, dtype=torch.long)
    far = torch.arange(-12, 15, 3)
    how = Draw(far, -far, none.bool(), none, none, none)
    result = apply(images, how, fill=FILL, padding=padding)
    for i in range(9):
        torch.testing.assert_close(result[i], reference(images[i], how, i, padding))


def test_floats_are_augmented_alike_and_the_input_is_left_alone() -> None:
    images = images_of(16, 8, 8)
    before = images.clone()
    how = draw(16, 8, 8, torch.Generator().manual_seed(3), strength=1.0, flip=True)
    result = apply(images, how, fill=FILL)
    torch.testing.assert_close(apply(images.float(), how, fill=FILL), result.float())
    assert torch.equal(images, before)
    assert not torch.equal(result, before)


def test_strength_zero_is_the_identity() -> None:
    images = images_of(64, 8, 8)
    how = draw(64, 8, 8, torch.Generator().manual_seed(0), strength=0.0, flip=True)
    assert torch.equal(apply(images, how, fill=FILL), images)


def test_data_that_may_not_be_mirrored_is_not() -> None:
    how = draw(1000, 8, 8, torch.Generator().manual_seed(0), strength=1.0, flip=False)
    assert not how.mirror.any()


def test_how_much_and_how_often() -> None:
    """Full strength on 32 pixels: offsets -4..4 equally often, half mirrored, all erased by 12."""
    count = 18_000
    how = draw(count, 32, 32, torch.Generator().manual_seed(0), strength=1.0, flip=True)
    for offsets in (how.down, how.right):
        values, counts = offsets.unique(return_counts=True)
        assert values.tolist() == list(range(-4, 5))
        expected = torch.tensor([1, 1, 1, 1, 2, 1, 1, 1, 1]) / 10 * count
        assert ((counts - expected).abs() < 5 * expected.sqrt()).all()
    assert how.mirror.float().mean().item() == pytest.approx(0.5, abs=0.02)
    assert (how.side == 12).all()
    assert (how.top.min().item(), how.top.max().item()) == (-6, 25)


def test_half_strength_is_half_as_often() -> None:
    how = draw(18_000, 32, 32, torch.Generator().manual_seed(0), strength=0.5, flip=True)
    assert (how.down.min().item(), how.down.max().item()) == (-2, 2)
    assert how.mirror.float().mean().item() == pytest.approx(0.25, abs=0.02)
    assert (how.side > 0).float().mean().item() == pytest.approx(0.5, abs=0.02)
    assert how.side.max().item() == 6


def test_a_fraction_of_a_pixel_moves_a_fraction_of_the_images() -> None:
    how = draw(18_000, 8, 8, torch.Generator().manual_seed(0), strength=0.5, flip=True)
    assert (how.down != 0).float().mean().item() == pytest.approx(1 / 3, abs=0.02)
    assert how.down.abs().max().item() == 1


def test_every_image_has_random_numbers_of_its_own() -> None:
    how = draw(200, 32, 32, torch.Generator().manual_seed(0), strength=1.0, flip=True)
    parts = [getattr(how, field.name).tolist() for field in fields(how)]
    assert len(set(zip(*parts, strict=True))) > 190


def test_the_generator_decides_and_the_global_one_is_left_alone() -> None:
    before = torch.get_rng_state()
    a, b, c = (
        draw(50, 32, 32, torch.Generator().manual_seed(seed), strength=1.0, flip=True)
        for seed in (5, 5, 6)
    )
    assert all(torch.equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    assert not torch.equal(a.down, c.down)
    assert torch.equal(torch.get_rng_state(), before)
