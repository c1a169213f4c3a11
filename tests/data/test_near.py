"""Copies in another quality, size and format are told from images that are merely alike."""

import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image

from optunas.data import Data, Split, digits, findings
from optunas.data import near as module
from optunas.data.finding import Whole
from optunas.data.findings import copies
from optunas.data.near import near_pairs, sketch

Pixels = np.ndarray


def pictures(count: int, seed: int, side: int = 48) -> list[Pixels]:
    """Clouds of colour with some grain, as photos have."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        coarse = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        cloud = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
        grain = rng.normal(0, 4, (side, side, 3))
        found.append((np.asarray(cloud) + grain).clip(0, 255).astype(np.uint8))
    return found


def split(images: list[Pixels]) -> Split:
    stacked = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
    return Split(stacked, torch.arange(len(images)) % 2)


def data(train: list[Pixels], validation: list[Pixels], test: list[Pixels]) -> Data:
    splits = split(train), split(validation), split(test)
    return Data.from_splits("photos", splits, ("a", "b"))


def jpeg(image: Pixels, quality: int = 75) -> Pixels:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def smaller(image: Pixels) -> Pixels:
    side = len(image)
    small = Image.fromarray(image).resize((side * 3 // 4, side * 3 // 4))
    return np.asarray(small.resize((side, side), Image.Resampling.BILINEAR))


def brighter(image: Pixels) -> Pixels:
    return (image.astype(int) + 3).clip(0, 255).astype(np.uint8)


def mirrored(image: Pixels) -> Pixels:
    return image[:, ::-1]


TRAIN, VALIDATION, TEST = pictures(60, 0), pictures(30, 1), pictures(30, 2)


def test_images_that_are_merely_alike_are_none() -> None:
    whole = Whole(data(TRAIN, VALIDATION, TEST))
    assert near_pairs(whole, []) == []
    assert near_pairs(Whole(digits()), []) == []


@pytest.mark.parametrize("way", [jpeg, smaller])
@pytest.mark.parametrize("side", [48, 200])
def test_a_picture_that_is_stored_twice(way: Callable[[Pixels], Pixels], side: int) -> None:
    train, test = pictures(20, 0, side), pictures(20, 2, side)
    test[4], test[7] = way(train[3]), way(train[19])
    found = near_pairs(Whole(data(train, pictures(20, 1, side), test)), [])
    assert found == [(40 + 4, 3), (40 + 7, 19)]


def test_each_split_is_held_against_the_earlier_ones() -> None:
    validation, test = [*VALIDATION], [*TEST]
    validation[2], test[3], test[5] = jpeg(TRAIN[1]), jpeg(VALIDATION[9]), smaller(TRAIN[1])
    test[6] = mirrored(TRAIN[8])  # not the same
    searched = data(TRAIN, validation, test)
    texts = [one.text for one in findings(searched) if "nearly" in one.text]
    assert texts == [
        "test images that are nearly the same as one of train or validation: 2 of 30 (6.7 %), such "
        "as test[3] ~ validation[9]",
        "validation images that are nearly the same as one of train: 1 of 30 (3.3 %), such as "
        "validation[2] ~ train[1]",
    ]
    equal, pairs = copies(searched)
    assert equal == []
    assert [one.file for one in pairs[0]] == ["test[3]", "validation[9]"]


def test_equal_images_are_told_elsewhere() -> None:
    test = [TRAIN[5], *TEST[1:]]
    searched = data(TRAIN, VALIDATION, test)
    assert not [one for one in findings(searched) if "nearly" in one.text]
    assert near_pairs(Whole(searched), []) == [(90, 5)]


def test_copies_within_a_split_are_held_against_the_others_still() -> None:
    again = jpeg(TRAIN[5])
    texts = [one.text for one in findings(data(TRAIN, VALIDATION, [again, again, *TEST]))]
    assert any(
        "test images that are nearly" in text and "2 of 32 (6.2 %)" in text for text in texts
    )


def test_frames_of_a_film_are_many_and_found_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 2**16)
    rng = np.random.default_rng(0)
    frames = [
        (pictures(1, 9)[0] + rng.normal(0, 3, (48, 48, 3))).clip(0, 255).astype(np.uint8)
        for _ in range(60)
    ]
    found = near_pairs(Whole(data(frames[:30], frames[30:45], frames[45:])), [])
    assert sorted(place for place, _ in found) == list(range(30, 60))


def test_dark_images_with_grain_are_not_the_same() -> None:
    def dark(count: int, seed: int) -> list[Pixels]:
        rng = np.random.default_rng(seed)
        return [rng.integers(0, 6, (32, 32, 3), dtype=np.uint8) for _ in range(count)]

    assert near_pairs(Whole(data(dark(20, 0), dark(20, 1), dark(20, 2))), []) == []


def test_a_sketch_is_the_mean_of_blocks() -> None:
    images = torch.zeros(2, 3, 10, 9, dtype=torch.uint8)
    images[1, 1, :3, :3] = 90  # the first block, in green: rows 0..2, columns 0..2
    assert sketch(images)[1].tolist() == [90.0, *[0.0] * 15]
    large = torch.arange(256, dtype=torch.uint8).repeat(1, 1, 256, 1)
    assert sketch(large)[0, :4] == pytest.approx([31.5, 95.5, 159.5, 223.5], abs=2)
