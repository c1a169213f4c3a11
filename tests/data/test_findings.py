"""Copies, contradictions and empty images that a test has hidden in folders, and in digits none."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from optunas.data import Data, ImageFiles, Split, cache_folder, digits, findings, overlap
from optunas.data import image_folder as read_folder
from optunas.data.findings import Copy, copies

CLASSES = ("ant", "bee", "cat")
KEEP = pytest.mark.parametrize("keep", ["memory", "files"])


@pytest.fixture(params=["png", "jpg"])
def photos(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """photos/<split>/<class>/NN.png or .jpg: 30, 20 and 20 images of noise, all different."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 30), ("val", 20), ("test", 20)):
        for name in CLASSES:
            (tmp_path / "photos" / part / name).mkdir(parents=True)
            for i in range(count):
                noise = rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)
                file = tmp_path / "photos" / part / name / f"{i:02}.{request.param}"
                Image.fromarray(noise).save(file)
    return tmp_path / "photos"


@pytest.fixture
def copied(photos: Path) -> Callable[[str, str], None]:
    """copied("train/ant/00", "test/bee/05"): the second is the first from now on."""
    (suffix,) = {path.suffix for path in photos.rglob("*.*")}

    def copy(old: str, new: str) -> None:
        shutil.copyfile(photos / f"{old}{suffix}", photos / f"{new}{suffix}")

    return copy


def told(data: Data, level: str = "warning") -> list[str]:
    """What is said of copies."""
    words = ("too", "copies", "label", "the same", "single")
    found = [one.text for one in findings(data) if one.level == level]
    return [text for text in found if any(word in text for word in words)]


@KEEP
def test_nothing_is_found_where_nothing_is(photos: Path, keep: str) -> None:
    data = read_folder(photos, keep=keep)
    assert told(data) == []
    things = "images are" if keep == "memory" else "files hold"
    assert told(data, "fact") == [f"no two {things} the same"]
    assert overlap(data) == 0
    assert copies(data) == ([], [])


@KEEP
def test_copies_between_splits_are_counted_and_named(
    photos: Path, copied: Callable[[str, str], None], keep: str
) -> None:
    for i in range(3):
        copied(f"train/cat/0{i}", f"test/cat/1{i}")
    copied("val/ant/07", "test/ant/09")
    copied("train/bee/11", "val/bee/00")
    copied("train/bee/11", "val/bee/01")
    data = read_folder(photos, keep=keep)
    (suffix,) = {path.suffix for path in photos.rglob("*.*")}
    expected = [
        "test images that are in train too: 3 of 60 (5.0 %), such as test/cat/10 = train/cat/00",
        "test images that are in validation too: 1 of 60 (1.7 %), such as test/ant/09 = val/ant/07",
        "validation images that are in train too: 2 of 60 (3.3 %), such as val/bee/00 = "
        "train/bee/11",
        "images that are copies of others in their split: 1 of 60 (1.7 %) in validation, such as "
        "val/bee/01 = val/bee/00",
    ]
    assert [text.replace(suffix, "") for text in told(data)] == expected
    assert told(data, "fact") == []
    assert overlap(data) == 4
    groups, _ = copies(data)
    assert len(groups) == 5
    named = Copy("validation", "ant", f"{photos}/val/ant/07{suffix}")
    assert [named, Copy("test", "ant", f"{photos}/test/ant/09{suffix}")] in groups


@KEEP
def test_equal_images_with_different_labels_are_named(
    photos: Path, copied: Callable[[str, str], None], keep: str
) -> None:
    copied("train/ant/00", "train/bee/05")
    copied("train/ant/01", "train/bee/06")
    copied("train/ant/02", "train/cat/06")
    found = told(read_folder(photos, keep=keep))
    (suffix,) = {path.suffix for path in photos.rglob("*.*")}
    assert [text.replace(suffix, "") for text in found] == [
        "images that are copies of others in their split: 3 of 90 (3.3 %) in train, such as "
        "train/bee/05 = train/ant/00",
        "3 images with more than one label: ant / bee (2), ant / cat (1), such as train/ant/00 = "
        "train/bee/05",
    ]


def test_images_of_one_colour(photos: Path) -> None:
    for i, colour in enumerate(("red", "blue", "black")):
        Image.new("RGB", (12, 12), colour).save(photos / "train" / "bee" / f"0{i}.png")
    Image.new("RGB", (12, 12), "white").save(photos / "test" / "cat" / "00.png")
    assert told(read_folder(photos)) == [
        "4 images of a single colour: bee (3), cat (1), the first is train/bee/00.png"
    ]


def test_one_copy_among_thousands_is_a_fact() -> None:
    def noise(count: int) -> Split:
        images = torch.randint(0, 256, (count, 1, 6, 6), generator=drawn, dtype=torch.uint8)
        return Split(images, torch.arange(count) % 2)

    drawn = torch.Generator().manual_seed(0)
    train, validation, test = noise(3000), noise(2000), noise(2000)
    test.images[17] = train.images[5]
    train.images[2000] = train.images[1000]
    data = Data.from_splits("noise", (train, validation, test), ("a", "b"))
    assert told(data) == []
    assert told(data, "fact") == [
        "test images that are in train too: 1 of 2,000 (0.050 %), such as test[17] = train[5]",
        "images that are copies of others in their split: 1 of 3,000 (0.033 %) in train, such as "
        "train[2000] = train[1000]",
    ]
    assert copies(data)[0][0] == [Copy("train", "b", "train[5]"), Copy("test", "b", "test[17]")]
    assert overlap(data) == 1


def test_digits_have_nothing_to_warn_of() -> None:
    found = findings(digits())
    assert {one.level for one in found} == {"fact"}
    assert "no two images are the same" in [one.text for one in found]


def test_files_are_compared_once(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = read_folder(photos, keep="files")
    assert isinstance(data.test.images, ImageFiles)
    monkeypatch.setattr(ImageFiles, "read", None)  # nothing is decoded
    limited = [one.text for one in findings(data, most=0)]
    assert "210 files were not compared with each other" in limited
    assert not list(cache_folder().glob("equal-*"))
    full = findings(data, most=None)
    assert list(cache_folder().glob("equal-*"))
    assert findings(data, most=0) == full  # remembered


@KEEP
def test_names_that_would_colour_or_turn_a_terminal(
    photos: Path, copied: Callable[[str, str], None], keep: str
) -> None:
    copied("train/ant/00", "test/ant/00")
    (suffix,) = {path.suffix for path in photos.rglob("*.*")}
    evil = f"\x1b[31m[red]\n\u202e\udcff{suffix}"
    (photos / "test" / "ant" / f"00{suffix}").rename(photos / "test" / "ant" / evil)
    data = read_folder(photos, keep=keep)
    (text,) = told(data)
    assert f"test/ant/\\x1b[31m[red]\\n\\u202e?{suffix} = train/ant/00" in text
    assert text.isprintable()
    assert copies(data)[0][0][1].file == f"{photos}/test/ant/{evil}"
