import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

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
    real = reading._decode

    def counted(*args: object, **kwargs: object) -> Decoded:
        calls.append(1)
        return real(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "_decode", counted)
    return calls


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
    assert [p.suffix for p in cache_folder().iterdir()] == [".safetensors"]


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
    (place,) = cache_folder().iterdir()
    content = place.read_bytes()
    for cut in (0, 1, 7, 8, 60, len(content) // 2, len(content) - 1):
        place.write_bytes(content[:cut])
        assert cache.load(place) is None
        assert same(read_files(files), whole)
        mended = cache.load(place)
        assert mended
        assert same(mended, whole)
    for spot in (3, 40, len(content) // 2, len(content) - 1):  # one bit of rot
        rotten = bytearray(content)
        rotten[spot] ^= 4
        place.write_bytes(rotten)
        assert same(read_files(files), whole)
    assert len(decoding) >= 11


def test_a_mapped_tensor_outlives_its_file(files: list[str]) -> None:
    read_files(files)
    mapped = read_files(files)
    copy = mapped.images.clone()
    (place,) = cache_folder().iterdir()
    cache.save(place, Decoded(torch.zeros_like(copy), mapped.kept))  # another process's new file
    assert torch.equal(mapped.images, copy)
    mapped.images[0] = 7  # writing is private: the file does not change
    assert int(load_file(place)["images"].max()) == 0


def test_no_place_to_write_is_no_error(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    monkeypatch.setenv("OPTUNAS_CACHE", str(tmp_path / "taken"))
    assert same(read_files(files), read_files(files, cached=False))


def test_drafts_of_killed_writers_are_swept(files: list[str]) -> None:
    cache_folder().mkdir(parents=True)
    old, new = cache_folder() / "images-a.tmp", cache_folder() / "images-b.tmp"
    for draft in (old, new):
        draft.write_text("half")
    os.utime(old, (0, 0))
    read_files(files)
    assert not old.exists()
    assert new.exists()


def test_the_place_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("OPTUNAS_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "optunas"
