"""Each of RandAugment's operations against Pillow's, image by image."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor

from optunas.training.augment import rand_augment
from optunas.training.augment.rand_augment import OPERATIONS, RandAugment

Make = Callable[..., Tensor]
FILL = torch.tensor([11, 22, 33], dtype=torch.uint8)


def pillow(image: Tensor, name: str, magnitude: float, sign: float) -> Image.Image:
    """torchvision's parameters at the full range, times the magnitude; Pillow does the work."""
    pixels = image.permute(1, 2, 0).numpy()
    picture = Image.fromarray(pixels if len(image) == 3 else pixels[..., 0])
    width, height = picture.size
    fill = tuple(FILL.tolist()) if len(image) == 3 else FILL[0].item()

    def affine(*matrix: float) -> Image.Image:
        return picture.transform((width, height), Image.Transform.AFFINE, matrix, fillcolor=fill)

    shear, factor = 0.3 * magnitude * sign, 1 + 0.9 * magnitude * sign
    across, along = (sign * int(150 / 331 * magnitude * size) for size in (width, height))
    return {
        "identity": lambda: picture,
        "shear_x": lambda: affine(1, shear, 0, 0, 1, 0),
        "shear_y": lambda: affine(1, 0, 0, shear, 1, 0),
        "translate_x": lambda: affine(1, 0, across, 0, 1, 0),
        "translate_y": lambda: affine(1, 0, 0, 0, 1, along),
        "rotate": lambda: picture.rotate(30 * magnitude * sign, fillcolor=fill),
        "brightness": lambda: ImageEnhance.Brightness(picture).enhance(factor),
        "colour": lambda: ImageEnhance.Color(picture).enhance(factor),
        "contrast": lambda: ImageEnhance.Contrast(picture).enhance(factor),
        "sharpness": lambda: ImageEnhance.Sharpness(picture).enhance(factor),
        "posterize": lambda: ImageOps.posterize(picture, 8 - round(4 * magnitude)),
        "solarize": lambda: ImageOps.solarize(picture, 256 * (1 - magnitude)),
        "autocontrast": lambda: ImageOps.autocontrast(picture),
        "equalize": lambda: ImageOps.equalize(picture),
    }[name]()


def photographs(count: int, height: int, width: int, channels: int) -> Tensor:
    """Smooth pictures of different brightness and range, with a little noise."""
    generator = torch.Generator().manual_seed(height)
    coarse = torch.rand(count, channels, 4, 4, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    noise = 20 * torch.rand(count, channels, height, width, generator=generator)
    span = 220 * torch.rand(count, 1, 1, 1, generator=generator)
    return (smooth * span + noise + 5).to(torch.uint8)


def differences(images: Tensor, name: str, magnitude: float) -> Tensor:
    """Ours less Pillow's, in levels, int64; directions alternate."""
    sign = 1.0 - 2.0 * (torch.arange(len(images)) % 2)
    operation = torch.full((len(images),), OPERATIONS.index(name))
    ours = RandAugment(magnitude).applied(images, operation, sign, FILL[: images.shape[1]])
    assert ours.dtype == torch.uint8
    theirs = [
        np.array(pillow(image, name, magnitude, direction.item()))
        for image, direction in zip(images, sign, strict=True)
    ]
    channels_last = torch.from_numpy(np.stack(theirs)).view(len(images), *images.shape[2:], -1)
    return ours.long() - channels_last.permute(0, 3, 1, 2).long()


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("magnitude", [0.3, 0.55, 1.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_an_operation_is_pillows(name: str, magnitude: float, channels: int) -> None:
    """Bit for bit, but for autocontrast.

    Pillow's table there is cut off from doubles, where 62.99999999999999 may stand for 63; ours
    comes from whole numbers. Few pixels differ, and by one level.
    """
    for height, width in ((24, 24), (17, 31), (2, 3), (1, 1)):
        difference = differences(photographs(24, height, width, channels), name, magnitude)
        if name == "autocontrast":
            assert set(difference.unique().tolist()) <= {0, 1}
            assert (difference != 0).float().mean().item() < 0.05
        else:
            assert not difference.any()


@pytest.mark.parametrize("name", ["equalize", "autocontrast"])
def test_images_of_a_single_level_stay_as_they_are(name: str) -> None:
    images = torch.tensor([0, 7, 255], dtype=torch.uint8)[:, None, None, None].expand(3, 3, 9, 9)
    assert not differences(images, name, 1.0).any()
    operation = torch.full((3,), OPERATIONS.index(name))
    assert torch.equal(RandAugment(1.0).applied(images, operation, torch.ones(3), FILL), images)


def test_the_numbers_choose_operations_and_directions_round_by_round() -> None:
    images = photographs(28, 12, 12, 3)
    change = RandAugment(0.5)
    first, second = torch.arange(28) % 14, torch.arange(28) * 5 % 14
    left, right = torch.full((28,), 0.49), torch.full((28,), 0.5)
    u = torch.stack(((first + 0.5) / 14, left, (second + 0.5) / 14, right))
    once = change.applied(images, first, -torch.ones(28), FILL)
    twice = change.applied(once, second, torch.ones(28), FILL)
    assert change.numbers == len(u)
    assert torch.equal(change(images, u, FILL), twice)


def test_all_operations_are_equally_frequent(uniform: Make) -> None:
    """A picture on which each operation leaves a mark of its own, so that they can be counted."""
    count = 2_800
    image = photographs(1, 24, 24, 3)
    change = RandAugment(0.7, rounds=1)
    marks = {}
    for sign in (-1.0, 1.0):
        everything = image.expand(14, 3, 24, 24)
        results = change.applied(everything, torch.arange(14), torch.full((14,), sign), FILL)
        marks |= {result.numpy().tobytes(): (i, sign) for i, result in enumerate(results)}
    assert len(marks) == 9 * 2 + 5  # five have no direction
    results = change(image.expand(count, 3, 24, 24), uniform(2, count), FILL)
    found = [marks[result.numpy().tobytes()] for result in results]
    by_operation = np.bincount([i for i, _ in found], minlength=14)
    assert (np.abs(by_operation - count / 14) < 5 * (count / 14) ** 0.5).all()
    for i in range(1, 10):  # those with a direction
        left = sum(found_one == (i, -1.0) for found_one in found)
        assert abs(left - by_operation[i] / 2) < 5 * (by_operation[i] / 4) ** 0.5


def test_magnitude_zero_leaves_only_what_has_no_magnitude() -> None:
    images = photographs(14, 12, 12, 3)
    result = RandAugment(0.0).applied(images, torch.arange(14), torch.ones(14), FILL)
    assert torch.equal(result[:12], images[:12])
    assert not torch.equal(result[12], images[12])


def test_without_sorting_the_result_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU all images go through all kinds, and each kind leaves the others alone."""

    def unsorted(kind: Tensor, changes: Any, images: Tensor, *numbers: Tensor) -> Tensor:
        for change in changes:
            images = change(images, *numbers)
        return images

    for channels in (1, 3):
        images, change = photographs(56, 12, 11, channels), RandAugment(0.6)
        operation, sign = torch.arange(56) % 14, 1.0 - 2.0 * (torch.arange(56) // 14 % 2)
        expected = change.applied(images, operation, sign, FILL[:channels])
        with monkeypatch.context() as patch:
            patch.setattr(rand_augment, "by_kind", unsorted)
            assert torch.equal(change.applied(images, operation, sign, FILL[:channels]), expected)


def test_images_are_left_alone_that_have_another_operation() -> None:
    """All operations in one batch are what each is alone."""
    images = photographs(14, 12, 12, 3)
    change, sign = RandAugment(0.6), torch.ones(14)
    together = change.applied(images, torch.arange(14), sign, FILL)
    for i in range(14):
        alone = change.applied(images[i : i + 1], torch.tensor([i]), sign[:1], FILL)
        assert torch.equal(together[i], alone[0])
