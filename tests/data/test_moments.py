from pathlib import Path

import numpy as np
import pytest
import torch

from optunas.data import ImageFiles, children, mean_and_std, moments
from optunas.data.moments import remembered_moments
from optunas.data.reading import read_files
from optunas.errors import DataError


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (7, 3, 5, 4), (50, 2, 9, 9)])
def test_equal_to_numpy(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "_BLOCK", 100)  # many blocks, the last one shorter
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    mean, std = mean_and_std(torch.from_numpy(pixels))
    reference = (pixels / 255).std(axis=(0, 2, 3))
    assert mean == pytest.approx((pixels / 255).mean(axis=(0, 2, 3)))
    assert std == pytest.approx(np.where(reference == 0, 1, reference))


def test_a_constant_channel_divides_by_one() -> None:
    images = torch.full((10, 1, 3, 3), 200, dtype=torch.uint8)
    assert mean_and_std(images) == ((pytest.approx(200 / 255),), (1.0,))


@pytest.fixture
def files(photos: Path) -> ImageFiles:
    images = read_files(sorted(map(str, photos.rglob("*.png"))), keep="files").images
    assert isinstance(images, ImageFiles)
    return images


def test_few_files_are_all_read(files: ImageFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = mean_and_std(files.read(range(60)))
    assert mean_and_std(files) == everything
    monkeypatch.setattr(children, "_FEW_FILES", 0)
    assert mean_and_std(files, workers=2) == everything


@pytest.mark.parametrize(("limit", "value"), [("_SAMPLE", 10), ("_SAMPLE_BYTES", 2000)])
def test_of_many_files_a_sample_is_read(
    files: ImageFiles, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(moments, limit, value)  # 10 images of 192 bytes
    chosen = np.sort(np.random.default_rng(0).choice(60, 10, replace=False))
    assert mean_and_std(files) == mean_and_std(files.read(chosen.tolist()))


def test_damaged_files_are_not_counted(files: ImageFiles) -> None:
    expected = mean_and_std(files.read(range(1, 60)))
    Path(files.paths[0]).write_text("no image")
    assert mean_and_std(files) == expected
    for path in files.paths:
        Path(path).write_text("no image")
    with pytest.raises(DataError, match=r"of 60 files not one can be decoded \(not an image\)"):
        mean_and_std(files)


def test_what_a_sample_gave_is_remembered(
    files: ImageFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    real = moments.pixels_of

    def counted(*args: object) -> object:
        reads.append(1)
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(moments, "pixels_of", counted)
    first, second = (remembered_moments(files, workers=1, cached=True) for _ in range(2))
    assert first == second == mean_and_std(files)
    assert len(reads) == 2
    remembered_moments(files, workers=1, cached=False)
    assert len(reads) == 3
    Path(files.paths[0]).write_bytes(Path(files.paths[1]).read_bytes())  # a changed folder
    assert remembered_moments(files, workers=1, cached=True) != first
    assert len(reads) == 4
