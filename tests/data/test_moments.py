import numpy as np
import pytest
import torch

from optunas.data import mean_and_std, moments


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
