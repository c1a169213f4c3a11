"""The sheet of mistakes: pixels as they were stored, at their places, and not too many bytes."""

import io

import numpy as np
import pytest
from PIL import Image

from optunas.report.mistakes import GAP, HEAD, contact_sheet, pixels
from optunas.training.results import Mistake


def mistake(image: np.ndarray, confidence: float = 0.9) -> Mistake:
    return Mistake(image, 0, 1, confidence)


def test_a_grey_image_is_enlarged_and_not_changed() -> None:
    image = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    shown = np.asarray(pixels(image))
    assert shown.shape == (96, 96)
    assert (shown[::12, ::12] == image[:, :, 0]).all()


def test_colours_stand_on_the_sheet_as_they_were_stored() -> None:
    red = np.zeros((32, 32, 3), dtype=np.uint8)
    red[:, :] = (250, 20, 10)
    sheet = Image.open(io.BytesIO(contact_sheet([mistake(red)] * 2, ["cat", "dog"])))
    assert sheet.format == "PNG"
    assert sheet.getpixel((GAP + 40, HEAD + 40)) == (250, 20, 10)
    assert sheet.size[0] > sheet.size[1]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_any_number_of_channels_can_be_shown(channels: int) -> None:
    image = np.zeros((5, 9, channels), dtype=np.uint8)
    assert contact_sheet([mistake(image)], ["a", "名前 <b>"])[:4] == b"\x89PNG"


def test_it_keeps_below_its_bytes_with_the_surest_mistakes() -> None:
    rng = np.random.default_rng(0)
    noise = [mistake(rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)) for _ in range(24)]
    assert len(contact_sheet(noise, ["a", "b"])) <= 200_000
