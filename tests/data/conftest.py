"""Fixtures that draw real image files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

Draw = Callable[..., Path]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setenv("OPTUNAS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def draw() -> Draw:
    """draw(path, size=(H, W), mode="RGB", seed=0): write one image of noise and return its path."""

    def write(path: Path, size: tuple[int, int] = (8, 8), mode: str = "RGB", seed: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(noise).convert(mode).save(path)
        return path

    return write


@pytest.fixture
def photos(tmp_path: Path, draw: Draw) -> Path:
    """Three classes of 20 8x8 PNG files each, every image different."""
    for label, name in enumerate(("ant", "bee", "cat")):
        for i in range(20):
            draw(tmp_path / "photos" / name / f"{i:02}.png", seed=100 * label + i)
    return tmp_path / "photos"
