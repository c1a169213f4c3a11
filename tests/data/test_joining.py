"""Two splits as one."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from optunas.data import Split, digits, image_folder
from optunas.data.joining import joined
from optunas.errors import DataError


def test_in_memory() -> None:
    data = digits()
    both = joined(data.train, data.validation)
    assert isinstance(both.images, torch.Tensor)
    assert isinstance(data.validation.images, torch.Tensor)
    assert len(both) == len(data.train) + len(data.validation)
    assert torch.equal(both.images[len(data.train) :], data.validation.images)
    assert torch.equal(both.labels[: len(data.train)], data.train.labels)


def folder(path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (path / name).mkdir(parents=True)
        for number in range(12):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path / name / f"{number}.png")
    return path


def test_in_their_files(tmp_path: Path) -> None:
    data = image_folder(folder(tmp_path / "one"), keep="files", cache=False)
    both = joined(data.train, data.validation)
    rows = torch.tensor([0, len(both) - 1])
    wanted = torch.cat([data.train.pixels(rows[:1]), data.validation.pixels(torch.tensor([-1]))])
    assert torch.equal(both.pixels(rows), wanted)
    other = image_folder(folder(tmp_path / "two"), keep="files", cache=False)
    with pytest.raises(DataError, match="come from one folder"):
        joined(data.train, other.train)


def test_one_here_and_one_there_is_refused(tmp_path: Path) -> None:
    data = image_folder(folder(tmp_path / "one"), keep="files", cache=False)
    decoded = Split(data.validation.pixels(torch.arange(2)), data.validation.labels[:2])
    with pytest.raises(DataError, match="both in memory, or both in their files"):
        joined(data.train, decoded)
