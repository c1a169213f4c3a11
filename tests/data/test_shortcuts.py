import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from optunas.data import Data, Split, findings, image_folder
from optunas.data.finding import Whole
from optunas.data.shortcuts import rates

CLASSES = ("ant", "bee", "cat")


def folder(root: Path, **odd: object) -> Path:
    """Three classes of 40 images of noise; those of cat are made as `odd` says."""
    rng = np.random.default_rng(0)
    for name in CLASSES:
        (root / name).mkdir(parents=True)
        mine = odd if name == "cat" else {}
        for i in range(40):
            size = mine.get("size", lambda i: (16 + i, 20))(i)  # type: ignore[operator]
            image = Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8))
            if mine.get("gray") and i >= 2:
                image = image.convert("L")
            image.save(root / name / f"{i:02}.{mine.get('suffix', 'png')}")
    return root


def warned(root: Path, keep: str = "memory") -> list[str]:
    found = findings(image_folder(root, keep=keep, validation=0.3))
    words = ("tells the class", "names that")
    return [x.text for x in found if x.level == "warning" and any(w in x.text for w in words)]


@pytest.mark.parametrize("keep", ["memory", "files"])
def test_nothing_is_told_where_classes_are_alike(tmp_path: Path, keep: str) -> None:
    assert warned(folder(tmp_path / "x"), keep) == []


@pytest.mark.parametrize("keep", ["memory", "files"])
def test_a_class_of_another_size(tmp_path: Path, keep: str) -> None:
    root = folder(tmp_path / "x", size=lambda i: (64, 64))
    for _ in range(2):  # the second time from the cache
        (found,) = warned(root, keep)
        assert found == (
            "the size of an image tells the class, without what is on it: right for cat (100 %) "
            "of validation"
        )


@pytest.mark.parametrize("keep", ["memory", "files"])
def test_a_class_of_another_file_type(tmp_path: Path, keep: str) -> None:
    (found,) = warned(folder(tmp_path / "x", suffix="jpg"), keep)
    assert found == (
        "the type of a file tells the class, without what is on it: right for cat (100 %) of "
        "validation"
    )


def test_jpg_and_jpeg_are_one_type(tmp_path: Path) -> None:
    root = folder(tmp_path / "x", suffix="JPEG")
    for file in [*(root / "ant").iterdir(), *(root / "bee").iterdir()]:
        Image.open(file).save(file.with_suffix(".jpg"))
        file.unlink()
    assert warned(root) == []


@pytest.mark.parametrize("keep", ["memory", "files"])
def test_a_class_that_is_gray_among_colours(tmp_path: Path, keep: str) -> None:
    (found,) = warned(folder(tmp_path / "x", gray=True), keep)
    assert re.fullmatch(
        r"whether an image is gray tells the class, without what is on it: right for cat "
        r"\((9|100).*%\) of validation",
        found,
    )


def test_names_that_differ_in_case_only(tmp_path: Path) -> None:
    root = folder(tmp_path / "x")
    (root / "ant").rename(root / "Big [b]_cat")
    (root / "bee").rename(root / "big [B] cat")
    (found,) = warned(root)
    assert found == (
        "names that differ in case or blanks only are classes of their own: 'Big [b]_cat' / "
        "'big [B] cat'"
    )
    for old, new in (("Big [b]_cat", "A"), ("big [B] cat", "a"), ("cat", "-1")):
        (root / old).rename(root / new)
    (root / "A").rename(root / "1")
    assert warned(root) == []
    (root / "1").rename(root / "A")
    assert warned(root) == []  # letters


def test_the_rates_of_a_feature() -> None:
    labels = [[0, 0, 1, 1, 1], [0, 1, 1, 0], [0]]
    splits = [
        Split(torch.zeros(len(part), 1, 1, 1, dtype=torch.uint8), torch.tensor(part))
        for part in labels
    ]
    whole = Whole(Data.from_splits("x", (splits[0], splits[1], splits[2]), ("a", "b")))
    feature = np.array([5, 5, 5, 9, 9, 5, 9, 7, 7, 5])
    right, wrong = rates(feature, whole)
    # 5 -> class 0, 9 -> class 1; 7 is unknown: the commonest train class, 1
    assert right.tolist() == [0.5, 1.0]
    assert wrong.tolist() == [0.0, 0.5]
