"""Colour jitter against torchvision's functions, image by image, and Python's colorsys."""

import colorsys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional

from optunas.training.augment.colour import Colour, grayscale, levels, mean_level, turned

Make = Callable[..., Tensor]
FILL = torch.zeros(3, dtype=torch.uint8)


def reference(image: Tensor, u: list[float], strength: float) -> Tensor:
    """torchvision's adjustments of a float image in 0..1, in our order."""
    amount = [(2 * number - 1) * strength for number in u]
    result = functional.adjust_brightness(image.float() / 255, 1 + 0.8 * amount[0])
    result = functional.adjust_contrast(result, 1 + 0.8 * amount[1])
    result = functional.adjust_saturation(result, 1 + 0.8 * amount[2])
    return 255 * functional.adjust_hue(result, 0.2 * amount[3])


@pytest.mark.parametrize("size", [(8, 8), (9, 5), (1, 1), (2, 3)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_batches_change_like_single_images(
    size: tuple[int, int], channels: int, strength: float, make_images: Make, uniform: Make
) -> None:
    """Within one and a half levels: ours are rounded at the end, and so is the mean gray."""
    images, u = make_images(60, *size, channels), uniform(4, 60)
    before = images.clone()
    result = Colour(strength)(images, u, FILL)
    assert result.dtype == torch.uint8
    for i in range(60):
        difference = result[i].float() - reference(images[i], u[:, i].tolist(), strength)
        assert difference.abs().max().item() < 1.5
    assert torch.equal(images, before)


def test_each_number_has_its_own_effect() -> None:
    """0.5 is in the middle; only one number at a time goes to the end of its range."""
    images = torch.tensor([[200, 100, 50], [40, 40, 40]], dtype=torch.uint8).T.reshape(1, 3, 1, 2)
    u = torch.full((4, 5), 0.5)
    for i in range(4):
        u[i, i] = 1.0
    result = Colour(0.5)(images.expand(5, 3, 1, 2), u, FILL)
    colours, grays = result[..., 0].flatten(1).tolist(), result[..., 1].flatten(1).tolist()
    assert colours[4] == [200, 100, 50]
    assert grays[4] == [40, 40, 40]
    assert (colours[0], grays[0]) == ([255, 140, 70], [56, 56, 56])  # 1.4 times as bright
    mean = round((0.299 * 200 + 0.587 * 100 + 0.114 * 50 + 40) / 2)
    assert grays[1] == [round(mean + 1.4 * (40 - mean))] * 3
    assert grays[2] == grays[3] == [40, 40, 40]  # neither saturation nor hue
    assert colours[2] == pytest.approx([124 + 1.4 * (c - 124) for c in (200, 100, 50)], abs=1)
    hue, saturation, value = colorsys.rgb_to_hsv(200, 100, 50)
    assert colours[3] == pytest.approx(colorsys.hsv_to_rgb(hue + 0.1, saturation, value), abs=0.6)


def test_the_hue_turns_as_in_colorsys() -> None:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (300, 3, 1, 1), generator=generator).float()
    pixels[:20] = pixels[:20, :1]  # grays have no hue
    pixels[20:60, 1:] = pixels[20:60, :1] // 2  # two channels are equal
    turn = torch.rand(300, 1, 1, 1, generator=generator) - 0.5
    result = turned(pixels, turn)
    for i in range(300):
        hue, saturation, value = colorsys.rgb_to_hsv(*pixels[i].flatten().tolist())
        expected = colorsys.hsv_to_rgb((hue + turn[i].item()) % 1, saturation, value)
        assert result[i].flatten().tolist() == pytest.approx(expected, abs=1e-2)


def test_strength_zero_is_the_identity(make_images: Make, uniform: Make) -> None:
    for channels in (1, 3):
        images = make_images(64, 8, 8, channels)
        assert torch.equal(Colour(0.0)(images, uniform(4, 64), FILL), images)


def test_images_without_three_channels_have_brightness_and_contrast_alone(
    make_images: Make, uniform: Make
) -> None:
    images, u = make_images(30, 6, 6, 2), uniform(4, 30)
    other = u.clone()
    other[2:] = 1 - u[2:]
    change = Colour(1.0)
    assert torch.equal(change(images, u, FILL), change(images, other, FILL))
    other[0] = 1 - u[0]
    assert not torch.equal(change(images, u, FILL), change(images, other, FILL))


def test_gray_is_pillows(make_images: Make) -> None:
    from PIL import Image, ImageStat

    images = make_images(20, 7, 9)
    gray = levels(grayscale(images.float()))
    mean = mean_level(gray).flatten().tolist()
    for i in range(20):
        pillow = Image.fromarray(images[i].permute(1, 2, 0).numpy()).convert("L")
        assert gray[i].flatten().tolist() == list(pillow.tobytes())
        assert mean[i] == int(ImageStat.Stat(pillow).mean[0] + 0.5)
