import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from optunas.data import ImageFiles, cache_folder, equal_files
from optunas.data.equal_files import equal_files as groups_of
from optunas.data.reading import read_files
from optunas.data.stamps import stamped as real

Files = Callable[..., ImageFiles]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """files(b"..", b"..", ...): files of these contents."""

    def write(*contents: bytes, folder: str = "files") -> ImageFiles:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        paths = [str(place / f"{i:03}") for i in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            Path(path).write_bytes(content)
        return ImageFiles.of(paths, [len(c) for c in contents], (1, 1, 1))

    return write


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The names of the files that are read in part, and whole."""
    seen: dict[str, list[str]] = {"_part": [], "_all": []}
    for name, names in seen.items():
        real = getattr(equal_files, name)

        def noted(path: str, real: object = real, names: list[str] = names) -> object:
            names.append(os.path.basename(path))
            return real(path)  # type: ignore[operator]

        monkeypatch.setattr(equal_files, name, noted)
    return seen


def test_only_files_of_one_size_are_read_and_only_likely_ones_whole(
    files: Files, reads: dict[str, list[str]]
) -> None:
    long = bytes(range(256)) * 100
    other_middle = long[:12_800] + b"!" + long[12_801:]
    other_end = long[:-1] + b"!"
    found = groups_of([files(long, b"x", long, other_middle, b"yy", other_end, b"zz", b"yy")])
    assert found == [[0, 2], [4, 7]]
    assert sorted(reads["_part"]) == ["000", "002", "003", "004", "005", "006", "007"]
    assert sorted(reads["_all"]) == ["000", "002", "004", "005", "007"]


def test_images_of_several_splits_are_numbered_through(files: Files) -> None:
    one, two = files(b"a", b"b"), files(b"c", b"a", b"b", folder="other")
    assert groups_of([one, two]) == [[0, 3], [1, 4]]
    assert groups_of([two[1:], one]) == [[0, 2], [1, 3]]


def test_what_was_found_is_remembered_until_a_file_changes(
    files: Files, reads: dict[str, list[str]]
) -> None:
    images = files(b"same", b"same", b"else")
    for _ in range(3):
        assert groups_of([images]) == [[0, 1]]
    assert len(reads["_part"]) == 3
    Path(images.paths[2]).write_bytes(b"same")
    assert groups_of([images]) == [[0, 1, 2]]
    (record, _) = cache_folder().glob("equal-*.json")
    for left in cache_folder().glob("equal-*.json"):
        left.write_bytes(record.read_bytes()[:-5])  # damaged: found out anew
    assert groups_of([images]) == [[0, 1, 2]]


def test_too_many_are_not_read_but_remembered_groups_are_told(
    files: Files, reads: dict[str, list[str]]
) -> None:
    images = files(b"same", b"same", b"else", b"longer")
    assert groups_of([images], most=2) is None
    assert reads["_part"] == []
    assert groups_of([images], most=3) == [[0, 1]]
    assert groups_of([images], most=2) == [[0, 1]]


def test_a_file_that_is_gone_equals_none(files: Files) -> None:
    images = files(b"a", b"a", b"a", b"a")
    os.remove(images.paths[1])
    os.remove(images.paths[3])
    assert groups_of([images]) == [[0, 2]]
    assert groups_of([files(b"")]) == []


def test_many_files_are_read_by_several_threads(files: Files) -> None:
    contents = [f"{i % 400:04}".encode() for i in range(1000)]
    expected = [list(range(i, 1000, 400)) for i in range(400)]
    assert groups_of([files(*contents)]) == expected


def test_files_that_were_read_with_their_version_are_not_asked_again(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> tuple[ImageFiles, list[list[int]]]:
        images = read_files(sorted(map(str, photos.rglob("*.png"))), keep="files").images
        assert isinstance(images, ImageFiles)
        groups = groups_of([images[:30], images[30:]])
        assert groups is not None
        return images, groups

    shutil.copyfile(photos / "ant" / "03.png", photos / "cat" / "01.png")
    images, groups = found()
    assert groups == [[3, 41]]
    shutil.copyfile(photos / "ant" / "04.png", photos / "cat" / "02.png")
    _, groups = found()
    assert groups == [[3, 41], [4, 42]]
    monkeypatch.setattr(equal_files, "stamped", lambda paths: real(paths) if not paths else None)
    assert found()[1] == groups
    assert images[:30].version != images[:31].version != images[1:31].version
