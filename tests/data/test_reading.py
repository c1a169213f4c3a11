from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from optunas.data import children, decode
from optunas.data.reading import read_files
from optunas.errors import DataError


@pytest.fixture
def always_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "_FEW_FILES", 0)


def some_files(folder: Path, sizes: list[tuple[int, int]]) -> list[str]:
    rng = np.random.default_rng(0)
    for i, size in enumerate(sizes):
        noise = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{i:02}.png")
    return sorted(map(str, folder.glob("*.png")))


@pytest.mark.parametrize("sizes", [[(9, 7)] * 11, [(9, 7), (30, 40)] * 6])
def test_children_read_what_this_process_reads(
    tmp_path: Path, sizes: list[tuple[int, int]], always_children: None
) -> None:
    files = some_files(tmp_path, sizes)
    Path(files[3]).write_bytes(Path(files[3]).read_bytes()[:60])
    Path(files[5]).write_text("no image")
    alone = read_files(files, workers=1, cached=False)
    shared = read_files(files, workers=2, cached=False)
    assert np.array_equal(alone.images.numpy(), shared.images.numpy())
    assert alone.failures == shared.failures
    assert [place for place, _ in alone.failures] == [3, 5]
    assert alone.kept.tolist() == [i for i in range(len(files)) if i not in (3, 5)]
    for row, place in enumerate(alone.kept.tolist()):
        expected = decode.read(files[place], *alone.images.shape[1:])
        assert np.array_equal(alone.images[row].numpy(), expected)


def test_where_images_in_memory_came_from_is_known(tmp_path: Path) -> None:
    alike = some_files(tmp_path, [(9, 7)] * 4)
    mixed = some_files(tmp_path, [(9, 7), (30, 40), (300, 200), (8, 8)])
    Path(mixed[1]).write_text("no image")
    expected = [[9, 7, 0], [300, 200, 0], [8, 8, 0]]
    for cached in (False, True, True):  # from the cache at last
        found = read_files(mixed, cached=cached)
        assert found.files.paths == [mixed[i] for i in (0, 2, 3)]
        assert found.files.sizes.tolist() == [Path(f).stat().st_size for f in found.files.paths]
        assert found.files.headers.tolist() == expected
    some_files(tmp_path, [(9, 7)] * 4)
    assert read_files(alike, cached=False).files.headers.tolist() == [[9, 7, 0]] * 4


def test_the_default_size(tmp_path: Path) -> None:
    same = some_files(tmp_path, [(33, 21)] * 3)
    assert read_files(same, cached=False).images.shape == (3, 3, 33, 21)
    mixed = some_files(tmp_path, [(45, 90), (50, 37), (47, 300)])  # shorter sides 37, 45, 47
    assert read_files(mixed, cached=False).images.shape == (3, 3, 48, 48)
    tiny = some_files(tmp_path, [(3, 2), (2, 3), (2, 2)])
    assert read_files(tiny, cached=False).images.shape == (3, 3, 8, 8)
    large = some_files(tmp_path, [(300, 200), (250, 260), (199, 280)])
    assert read_files(large, cached=False).images.shape == (3, 3, 128, 128)
    assert read_files(large, (20, 30), cached=False).images.shape == (3, 3, 20, 30)


def test_gray_only_where_all_are(tmp_path: Path, draw: object) -> None:
    gray = np.arange(64, dtype=np.uint8).reshape(8, 8)
    Image.fromarray(gray).save(tmp_path / "a.png")
    Image.fromarray(gray).convert("RGB").save(tmp_path / "b.png")  # stored in colour
    files = [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    for order in (files, files[::-1]):
        images = read_files(order, cached=False).images
        assert images.shape == (2, 1, 8, 8)
        assert (images == images[0]).all()
    Image.new("RGB", (8, 8), "red").save(tmp_path / "c.png")
    images = read_files([*files, str(tmp_path / "c.png")], cached=False).images
    assert images.shape == (3, 3, 8, 8)
    assert (images[0, 0].numpy() == gray).all()


def test_more_than_fits_is_refused_with_a_size_that_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = some_files(tmp_path, [(150, 150)] * 4)

    def free_memory() -> object:
        return type("Memory", (), {"available": 4 * 3 * 64 * 64 / 0.6})()

    monkeypatch.setattr(psutil, "virtual_memory", free_memory)
    with pytest.raises(DataError, match=r"4 images of 3x150x150 need .*: try size=64, or keep"):
        read_files(files, cached=False, keep="memory")
    assert len(read_files(files, (64, 64), cached=False).images) == 4
    with pytest.raises(DataError, match="try size=40"):  # twice the memory, side 64 / sqrt(2)
        read_files(files, (64, 64), cached=False, copied=True, keep="memory")


def test_a_decoder_that_crashes_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, always_children: None
) -> None:
    files = some_files(tmp_path, [(9, 9)] * 6)
    crash = tmp_path / "crash.py"
    crash.write_text("import os, sys; sys.stdin.read(); os.abort()")
    monkeypatch.setattr(decode, "__file__", str(crash))
    with pytest.raises(DataError, match=r"reading .*0[01]\.png ended the process"):
        read_files(files, workers=2, cached=False)


def test_no_workers_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="workers=0"):
        read_files(some_files(tmp_path, [(9, 9)] * 2), workers=0, cached=False)


def test_nothing_readable_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("text")
    decoded = read_files([str(tmp_path / "a.png"), str(tmp_path / "b.png")])
    assert len(decoded.images) == len(decoded.kept) == 0
    assert decoded.failures == ((0, "not an image"), (1, "no such file"))
