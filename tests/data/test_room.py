"""Memory or files: the choice, the line that says it, and how it is forced."""

from pathlib import Path

import pytest
import torch

from optunas.data import ImageFiles, cache, cache_folder, image_folder, load, room
from optunas.data.reading import read_files
from optunas.data.room import stay_note
from optunas.errors import DataError

BYTES = 60 * 3 * 8 * 8


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """free(bytes): so much may be used."""
    return lambda count: monkeypatch.setattr(room, "_room", lambda: count)


def files_of(folder: Path) -> list[str]:
    return sorted(map(str, folder.rglob("*.png")))


def test_the_line_says_what_and_why(free) -> None:  # type: ignore[no-untyped-def]
    free(14e9)
    shape = (3, 224, 224)
    assert stay_note("auto", 93_000, shape, 1) == ""
    assert stay_note("memory", 93_000, shape, 1) == ""
    assert stay_note("auto", 1_230_000, shape, 1) == (
        "1,230,000 images of 3x224x224 (185 GB) stay in their files: "
        "60 % of the free memory is 14 GB"
    )
    assert stay_note("auto", 93_000, shape, 2).endswith(
        "is 14 GB, and without a cache on the disk they are held twice"
    )
    assert stay_note("files", 50_000, (3, 32, 32), 1) == (
        "50,000 images of 3x32x32 (154 MB) stay in their files: as asked"
    )


def test_what_fits_is_read_and_what_does_not_stays(photos: Path, free) -> None:  # type: ignore[no-untyped-def]
    for cached in (False, True):
        free(BYTES - 1)
        assert isinstance(read_files(files_of(photos), cached=cached).images, ImageFiles)
        free(BYTES)
        assert isinstance(read_files(files_of(photos), cached=cached).images, torch.Tensor)


def test_what_is_mapped_needs_room_for_a_copy_only(photos: Path, free) -> None:  # type: ignore[no-untyped-def]
    read_files(files_of(photos))
    free(BYTES - 1)
    for keep in ("auto", "memory"):
        assert isinstance(read_files(files_of(photos), keep=keep).images, torch.Tensor)
    assert isinstance(read_files(files_of(photos), copied=True).images, ImageFiles)
    with pytest.raises(DataError, match="may be used"):
        read_files(files_of(photos), copied=True, keep="memory")
    free(BYTES)
    assert isinstance(read_files(files_of(photos), copied=True).images, torch.Tensor)


def test_a_second_copy_counts_where_the_disk_keeps_none(
    photos: Path,
    free,  # type: ignore[no-untyped-def]
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free(BYTES * 1.5)
    kept = {c: read_files(files_of(photos), cached=c, copied=True).images for c in (True, False)}
    assert isinstance(kept[True], torch.Tensor)
    assert isinstance(kept[False], ImageFiles)
    for file in cache_folder().iterdir():
        file.unlink()
    monkeypatch.setattr(cache, "no_room", lambda file, nbytes: "the disk is full")
    assert isinstance(read_files(files_of(photos), copied=True).images, ImageFiles)


@pytest.mark.parametrize("cached", [True, False])
def test_forced_both_ways(photos: Path, free, cached: bool) -> None:  # type: ignore[no-untyped-def]
    free(1e9)
    memory = read_files(files_of(photos), keep="memory", cached=cached)
    files = read_files(files_of(photos), keep="files", cached=cached)
    assert isinstance(files.images, ImageFiles)
    assert torch.equal(files.images.read(range(60)), memory.images)
    assert memory.notes == ()
    assert files.notes == ("60 images of 3x8x8 (12 kB) stay in their files: as asked",)
    free(BYTES - 1)
    with pytest.raises(
        DataError, match=r"60 images of 3x8x8 need \d\d kB and 12 kB may .*, or keep=\"files\"$"
    ):
        read_files(files_of(photos), keep="memory", cached=cached, copied=True)


@pytest.mark.parametrize("keep", ["ram", "", "Auto", True])
def test_other_words_are_refused(photos: Path, keep: object) -> None:
    with pytest.raises(DataError, match=r'kept in "memory".*got keep='):
        image_folder(photos, keep=keep)  # type: ignore[arg-type]


def test_a_folder_in_memory_and_in_files_is_the_same_data(photos: Path, free) -> None:  # type: ignore[no-untyped-def]
    (photos / "bee" / "00.png").write_text("no image")
    memory = image_folder(photos, seed=3)
    free(BYTES / 2)
    files = image_folder(photos, seed=3)
    for part in ("train", "validation", "test"):
        held, stays = getattr(memory, part), getattr(files, part)
        assert isinstance(stays.images, ImageFiles)
        assert torch.equal(stays.images.read(range(len(stays))), held.images)
        assert torch.equal(stays.labels, held.labels)
    assert (files.mean, files.std) == (memory.mean, memory.std)
    assert files.describe() == memory.describe()
    assert files.notes[0] == memory.notes[0]
    assert files.notes[1].startswith("59 images of 3x8x8 (11 kB) stay in their files: 60 % of")
    assert files.fingerprint == image_folder(photos, seed=3, keep="files").fingerprint
    assert files.fingerprint != image_folder(photos, seed=4, keep="files").fingerprint
    photos.rename(photos.parent / "moved")
    assert files.fingerprint == image_folder(photos.parent / "moved", seed=3).fingerprint
    with pytest.raises(DataError, match="may be used"):
        load(photos.parent / "moved", keep="memory")
