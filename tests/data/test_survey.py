from pathlib import Path

import pytest
import torch

from optunas.data import ImageFiles, cache_folder, reading
from optunas.data.disk import remember
from optunas.data.reading import read_files
from optunas.data.survey import Survey, packed, survey, unpacked


@pytest.fixture
def files(photos: Path) -> list[str]:
    (photos / "bee" / "03.png").write_text("no image")
    return sorted(map(str, photos.rglob("*.png")))


@pytest.fixture
def surveys(monkeypatch: pytest.MonkeyPatch) -> list[Survey]:
    """Every survey that is made."""
    made: list[Survey] = []

    def kept(*args: object) -> Survey:
        made.append(survey(*args))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(reading, "survey", kept)
    return made


def test_headers_are_read_once(files: list[str], surveys: list[Survey]) -> None:
    first, second = (read_files(files, keep="files") for _ in range(2))
    assert surveys == [Survey((3, 8, 8), {23: "not an image"}, surveys[0].headers)]
    for found in (first, second):
        assert isinstance(found.images, ImageFiles)
        assert found.failures == ((23, "not an image"),)
        assert found.images.paths == files[:23] + files[24:]
        assert found.kept.tolist() == [i for i in range(60) if i != 23]
        assert found.images.headers.tolist() == [[8, 8, 0]] * 59
    assert [p.suffix for p in cache_folder().iterdir()] == [".headers"]
    read_files(files, keep="files", cached=False)
    read_files(files, (4, 4), keep="files")
    assert len(surveys) == 3


def test_an_older_record_without_headers_is_made_anew(
    files: list[str], surveys: list[Survey]
) -> None:
    read_files(files, keep="files")
    (place,) = cache_folder().iterdir()
    remember(place, [[3, 8, 8], [[23, "not an image"]]])
    found = read_files(files, keep="files").images
    assert len(surveys) == 2
    assert found.headers.tolist() == [[8, 8, 0]] * 59


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_headers_are_packed_and_unpacked(count: int) -> None:
    rows = torch.randint(0, 70_000, (count, 3), dtype=torch.int32)
    assert torch.equal(unpacked(packed(rows)), rows)
    assert len(packed(rows[:1].repeat(100_000, 1))) < 10_000


def test_a_changed_folder_is_surveyed_again(files: list[str], surveys: list[Survey], draw) -> None:  # type: ignore[no-untyped-def]
    read_files(files, keep="files")
    draw(Path(files[0]), size=(9, 9))
    assert read_files(files, keep="files").images.shape == (59, 3, 8, 8)  # of the median side
    draw(Path(files[23]))
    assert read_files(files, keep="files").failures == ()
    assert len(surveys) == 3


def test_damaged_records_are_made_anew(files: list[str], surveys: list[Survey]) -> None:
    read_files(files, keep="files")
    (place,) = cache_folder().iterdir()
    content = place.read_bytes()
    for cut in (0, 1, len(content) // 2, len(content) - 1):
        place.write_bytes(content[:cut])
        assert read_files(files, keep="files").failures == ((23, "not an image"),)
    assert len(surveys) == 5


def test_nothing_readable_has_no_shape(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("text")
    for keep in ("files", "memory"):
        for cached in (True, True, False):
            found = read_files([str(tmp_path / "a.png")], keep=keep, cached=cached)
            assert isinstance(found.images, torch.Tensor)
            assert len(found.images) == len(found.kept) == 0
            assert found.failures == ((0, "not an image"),)
