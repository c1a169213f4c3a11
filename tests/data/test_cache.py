import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from optunas.data import cache, cache_folder, reading
from optunas.data.cache import Decoded
from optunas.data.reading import read_files


@pytest.fixture
def files(photos: Path) -> list[str]:
    (photos / "ant" / "00.png").write_text("no image")
    return sorted(map(str, photos.rglob("*.png")))


@pytest.fixture
def decoding(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one each time that files are decoded."""
    calls: list[int] = []
    real = reading._made

    def counted(*args: object) -> Decoded:
        calls.append(1)
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "_made", counted)
    return calls


@pytest.fixture
def checking(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one each time that all pixels are read for their checksum."""
    calls: list[int] = []
    real = cache._checksum

    def counted(*args: torch.Tensor) -> str:
        calls.append(1)
        return real(*args)

    monkeypatch.setattr(cache, "_checksum", counted)
    return calls


def images_file() -> Path:
    (place,) = cache_folder().glob("*.safetensors")
    return place


def same(a: Decoded, b: Decoded) -> bool:
    return (
        torch.equal(a.images, b.images) and torch.equal(a.kept, b.kept) and a.failures == b.failures
    )


def test_decoded_once(files: list[str], decoding: list[int]) -> None:
    first, second = read_files(files), read_files(files)
    assert same(first, second)
    assert second.failures == ((0, "not an image"),)
    assert same(first, read_files(files, cached=False))
    assert len(decoding) == 2  # once for the cache, once without it
    assert sorted(p.suffix for p in cache_folder().iterdir()) == [".checked", ".safetensors"]


def test_a_size_has_a_file_of_its_own(files: list[str], decoding: list[int]) -> None:
    assert read_files(files).images.shape[2:] == (8, 8)
    assert read_files(files, (4, 6)).images.shape[2:] == (4, 6)
    assert read_files(files, (4, 6)).images.shape[2:] == (4, 6)
    assert len(decoding) == 2


def test_a_changed_file_is_seen(files: list[str]) -> None:
    before = read_files(files).images
    facts = os.stat(files[1])
    Image.fromarray(255 - np.asarray(Image.open(files[1]))).save(files[1])
    os.utime(files[1], ns=(facts.st_atime_ns, facts.st_mtime_ns))  # as unpacking sets it
    after = read_files(files).images
    assert torch.equal(after[0], 255 - before[0])
    assert torch.equal(after[1:], before[1:])


def test_damage_is_mended(files: list[str], decoding: list[int]) -> None:
    whole = read_files(files, cached=False)  # not mapped: the file is cut below
    read_files(files)
    place = images_file()
    content = place.read_bytes()
    for cut in (0, 1, 7, 8, 60, len(content) // 2, len(content) - 1):
        place.write_bytes(content[:cut])
        assert isinstance(cache.load(place), str)
        mended = read_files(files)
        assert same(mended, whole)
        (note,) = mended.notes
        assert note.startswith("the cached images were damaged (")
        assert "\n" not in note
        found = cache.load(place)
        assert isinstance(found, Decoded)
        assert same(found, whole)
    for spot in (3, 40, len(content) // 2, len(content) - 1):  # one bit of rot
        rotten = bytearray(content)
        rotten[spot] ^= 4
        place.write_bytes(rotten)
        assert same(read_files(files), whole)
        assert read_files(files).notes == ()
    assert len(decoding) == 13  # without the cache, for the cache, and once for each damage


def test_what_is_no_cache_is_replaced(files: list[str]) -> None:
    whole = read_files(files, cached=False)
    read_files(files)
    place = images_file()
    save_file({"images": torch.zeros(2, 3, 8, 8, dtype=torch.uint8)}, place)  # someone else's
    (note,) = read_files(files).notes
    assert "damaged" in note
    assert same(read_files(files), whole)
    place.unlink()
    place.mkdir()  # can't be replaced
    for _ in range(2):
        found = read_files(files)
        assert same(found, whole)
        assert "damaged" in found.notes[0]
        assert "can't be kept" in found.notes[1]


def test_the_checksum_is_read_once(files: list[str], checking: list[int]) -> None:
    read_files(files)
    assert len(checking) == 2  # written, and read back
    for _ in range(3):
        read_files(files)
    assert len(checking) == 2
    place = images_file()
    shutil.copy(place, place.with_suffix(".copy"))
    os.replace(place.with_suffix(".copy"), place)  # another inode: it might be anything
    read_files(files)
    assert len(checking) == 3
    rotten = bytearray(place.read_bytes())
    rotten[-1] ^= 1
    facts = place.stat()
    place.write_bytes(rotten)
    os.utime(place, ns=(facts.st_atime_ns, facts.st_mtime_ns))  # the time is set back
    assert cache.load(place) == "its checksum is another"


@pytest.mark.parametrize("record", [b"", b"{", b'{"checksum": 1, "facts": [1, 2, 3, 4]}', None])
def test_without_its_record_the_checksum_is_read_again(
    files: list[str], checking: list[int], record: bytes | None
) -> None:
    whole = read_files(files)
    place = images_file().with_suffix(".checked")
    if record is None:
        place.unlink()
    else:
        place.write_bytes(record)
    assert same(read_files(files), whole)
    assert len(checking) == 3
    read_files(files)
    assert len(checking) == 3


def test_a_mapped_tensor_outlives_its_file(files: list[str]) -> None:
    read_files(files)
    mapped = read_files(files)
    copy = mapped.images.clone()
    place = images_file()
    cache.save(place, Decoded(torch.zeros_like(copy), mapped.kept))  # another process's new file
    assert torch.equal(mapped.images, copy)
    mapped.images[0] = 7  # writing is private: the file does not change
    assert int(load_file(place)["images"].max()) == 0


def test_no_place_to_write_is_no_error(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    monkeypatch.setenv("OPTUNAS_CACHE", str(tmp_path / "taken"))
    found = read_files(files)
    assert same(found, read_files(files, cached=False))
    (note,) = found.notes
    assert "can't be kept in" in note


@pytest.mark.parametrize("moment", ["before", "in the middle", "at the end"])
def test_a_full_disk_is_said(
    files: list[str], monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        if moment == "in the middle":
            Path(str(args[1])).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    usage = type("Usage", (), {"free": 1000})()
    target, name, fault = {
        "before": (cache.shutil, "disk_usage", lambda folder: usage),
        "in the middle": (cache, "save_file", full),
        "at the end": (os, "fsync", full),
    }[moment]
    whole = read_files(files, cached=False)
    with monkeypatch.context() as broken:
        broken.setattr(target, name, fault)
        found = read_files(files)
    assert same(found, whole)
    (note,) = found.notes
    assert note.endswith(
        ": only 1e-06 GB of the disk are free"
        if moment == "before"
        else ": No space left on device"
    )
    assert list(cache_folder().iterdir()) == []
    assert read_files(files).notes == ()  # there is room again
    assert same(read_files(files), whole)


def test_drafts_of_killed_writers_are_swept(files: list[str]) -> None:
    cache_folder().mkdir(parents=True)
    old, lock, new = (cache_folder() / f"images-{x}" for x in ("a.tmp", "b.lock", "c.tmp"))
    for draft in (old, lock, new):
        draft.write_text("half")
    for left in (old, lock):
        os.utime(left, (0, 0))
    read_files(files)
    assert not old.exists()
    assert not lock.exists()
    assert new.exists()


def test_the_place_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("OPTUNAS_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "optunas"
