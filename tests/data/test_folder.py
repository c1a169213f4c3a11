import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from optunas.data import Data, image_folder
from optunas.errors import DataError


def parts(data: Data) -> dict[str, set[bytes]]:
    return {
        part: {image.numpy().tobytes() for image in getattr(data, part).images}
        for part in ("train", "validation", "test")
    }


def test_class_folders_are_split(photos: Path) -> None:
    data = image_folder(photos, validation=0.2, test=0.3)
    assert data.describe() == "photos: 3 classes, 3x8x8, 30 train / 12 validation / 18 test"
    assert data.classes == ("ant", "bee", "cat")
    assert data.notes == ()
    assert torch.bincount(data.test.labels).tolist() == [6, 6, 6]
    found = parts(data)
    assert [len(p) for p in found.values()] == [30, 12, 18]
    assert len(set.union(*found.values())) == 60  # nothing of the test split in train
    for image, label in zip(data.test.images, data.test.labels, strict=True):
        files = (photos / data.classes[label]).iterdir()
        arrays = [np.asarray(Image.open(file)).transpose(2, 0, 1) for file in files]
        assert any(np.array_equal(image.numpy(), array) for array in arrays)


def test_the_seed_decides(photos: Path) -> None:
    prints = [image_folder(photos, seed=seed).fingerprint for seed in (1, 1, 2)]
    assert prints[0] == prints[1] != prints[2]
    shutil.copytree(photos, photos.parent / "copy")
    assert image_folder(photos.parent / "copy", seed=1).fingerprint == prints[0]


def split_photos(photos: Path, parts: dict[str, range]) -> Path:
    root = photos.parent / "split"
    for part, numbers in parts.items():
        for name in ("ant", "bee", "cat"):
            (root / part / name).mkdir(parents=True)
            for i in numbers:
                shutil.copy(photos / name / f"{i:02}.png", root / part / name)
    return root


@pytest.mark.parametrize("name", ["val", "valid", "validation", "Val"])
def test_splits_of_the_folder_stay(photos: Path, name: str) -> None:
    root = split_photos(photos, {"train": range(12), name: range(12, 15), "test": range(15, 20)})
    data = image_folder(root)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [36, 9, 15]
    held = [np.asarray(Image.open(f)).transpose(2, 0, 1) for f in (root / "test").rglob("*.png")]
    assert {a.tobytes() for a in held} == parts(data)["test"]
    assert data.fingerprint == image_folder(root, seed=5, validation=0.4).fingerprint


def test_missing_splits_are_taken_from_train(photos: Path) -> None:
    root = split_photos(photos, {"train": range(15), "test": range(15, 20)})
    data = image_folder(root, validation=0.2)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [36, 9, 15]
    assert len(set.union(*parts(data).values())) == 60
    shutil.rmtree(root / "test")
    data = image_folder(root, validation=0.2, test=0.4)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [18, 9, 18]


def test_a_class_may_be_called_train(photos: Path, draw) -> None:  # type: ignore[no-untyped-def]
    shutil.copytree(photos / "ant", photos / "train")
    assert image_folder(photos).classes == ("ant", "bee", "cat", "train")
    shutil.copytree(photos / "bee", photos / "train" / "steam")
    assert image_folder(photos).classes == ("ant", "bee", "cat", "train")


def test_nested_hidden_and_stray(photos: Path, draw) -> None:  # type: ignore[no-untyped-def]
    draw(photos / "ant" / "red" / "deep" / "x.png", seed=999)
    draw(photos / "ant" / ".hidden" / "x.png")
    draw(photos / ".hidden" / "x.png")
    draw(photos / "__MACOSX" / "x.png")
    (photos / "bee" / ".DS_Store").write_text("x")
    (photos / "readme.txt").write_text("x")
    (photos / "empty").mkdir()
    (photos / "ant" / "loop").symlink_to(photos / "ant")
    data = image_folder(photos)
    assert sum(map(len, parts(data).values())) == 61
    assert data.classes == ("ant", "bee", "cat")
    assert data.notes == (
        "left out 1 file outside class folders: readme.txt",
        "left out 1 empty class folder: empty",
    )


@pytest.mark.parametrize("cache", [True, False])
def test_bad_files_are_left_out_and_named(photos: Path, cache: bool) -> None:
    clean = image_folder(photos, cache=False)
    whole = (photos / "ant" / "00.png").read_bytes()
    (photos / "ant" / "a.jpg").write_bytes(b"")
    (photos / "ant" / "b.png").write_bytes(whole[: len(whole) - 40])
    (photos / "bee" / "labels.csv").write_text("a,b")
    (photos / "bee" / "gone.png").symlink_to(photos / "nowhere.png")
    for i in range(4):
        (photos / "cat" / f"x{i}.png").write_text("words")
    for _ in range(2):  # decoded, then from the cache
        data = image_folder(photos, cache=cache)
        (note,) = data.notes
        assert note.startswith("left out 8 files that can't be read as an image: ant/a.jpg (")
        assert "ant/b.png (" in note
        assert "bee/gone.png (no such file), bee/labels.csv (not an image)" in note
        assert note.endswith(" and 3 more")
        assert set.union(*parts(data).values()) == set.union(*parts(clean).values())


def test_too_few_images_are_named(photos: Path) -> None:
    for i in range(2, 20):
        (photos / "bee" / f"{i:02}.png").unlink()
        (photos / "cat" / f"{i:02}.png").write_text("no image")
    with pytest.raises(DataError, match=r"at least 3 .*bee \(2\), cat \(2 of 20 files readable\)"):
        image_folder(photos)
    shutil.rmtree(photos / "cat")
    (photos / "cat").mkdir()
    (photos / "cat" / "only.png").write_text("no image")
    with pytest.raises(DataError, match=r"bee \(2\), cat \(0 of 1 files readable\)"):
        image_folder(photos)


def test_a_test_class_that_train_lacks(photos: Path) -> None:
    root = split_photos(photos, {"train": range(10), "test": range(10, 20)})
    shutil.rmtree(root / "train" / "bee")
    with pytest.raises(DataError, match="test has classes without training images: bee"):
        image_folder(root)
    shutil.rmtree(root / "test" / "bee")
    shutil.rmtree(root / "test" / "cat")
    assert image_folder(root).notes == ("no images in test/ of 1 class: cat",)


def make(root: Path, files: list[str]) -> None:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(root / file)


@pytest.mark.parametrize(
    ("files", "target", "words"),
    [
        ([], "absent", "no folder .*absent: check the path"),
        (["x/a.png"], "x/a.png", "is a file: name its folder"),
        ([], "", "is empty: put images there"),
        (["a.png", "b.png"], "", "no class folder .*move the files that lie in"),
        (["one/a.png"], "", "only one class, one: give every class"),
        (["all/a/1.png", "all/b/1.png"], "", r"only one class, all: did you mean .*all\?"),
        (["test/a/1.png", "test/b/1.png"], "", "did you mean"),
        (["train/a/1.png", "test/a/1.png"], "", "train has only one class, a"),
        (["train/a/1.png", "train/b/1.png", "val/a/1.png", "valid/a/1.png"], "", "both val/ and"),
    ],
)
def test_a_folder_that_is_no_data(
    tmp_path: Path, files: list[str], target: str, words: str
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    make(root, files)
    with pytest.raises(DataError, match=words) as caught:
        image_folder(root / target)
    assert "\n" not in str(caught.value)


def test_an_archive_must_be_unpacked(tmp_path: Path) -> None:
    (tmp_path / "photos.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match="unpack it first"):
        image_folder(tmp_path / "photos.zip")


@pytest.mark.parametrize("size", [0, -3, (8,), (8, 0), (8, 8, 8), 2.5, "32"])
def test_sizes_that_are_none(photos: Path, size: object) -> None:
    with pytest.raises(DataError, match="a size is"):
        image_folder(photos, size=size)  # type: ignore[arg-type]


@pytest.mark.parametrize(("validation", "test"), [(0.5, 0.5), (0, 0.2), (-0.1, 0.2), (0.2, 1.0)])
def test_shares_that_leave_nothing(photos: Path, validation: float, test: float) -> None:
    with pytest.raises(DataError, match="shares"):
        image_folder(photos, validation=validation, test=test)


def test_size_flip_and_name(photos: Path) -> None:
    data = image_folder(photos, size=(6, 4), flip=True, name="zoo")
    assert (data.input_shape, data.flip, data.name) == ((3, 6, 4), True, "zoo")
    assert image_folder(photos, size=16).input_shape == (3, 16, 16)


def test_gray_folder(photos: Path) -> None:
    for file in photos.rglob("*.png"):
        Image.open(file).convert("L").save(file)
    assert image_folder(photos).input_shape == (1, 8, 8)


def test_memory_counts_the_copy_that_splitting_makes(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = split_photos(photos, {"train": range(10), "val": range(10, 15), "test": range(15, 20)})
    free = 1.5 * 60 * 3 * 8 * 8 / 0.6  # once, not twice
    memory = type("Memory", (), {"available": free})
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    assert len(image_folder(root, cache=False).train) == 30
    with pytest.raises(DataError, match="try size="):
        image_folder(photos, cache=False, keep="memory")
