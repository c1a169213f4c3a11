from pathlib import Path

import numpy as np
import pytest

from optunas.data import digits, image_folder
from optunas.data.sheet import contact_sheet


def test_small_images_are_enlarged_by_a_whole_number() -> None:
    data = digits()
    sheet = contact_sheet(data, per_class=3)
    assert sheet.size == (160 + 3 * 68, 10 * 68)
    shown = np.asarray(sheet)[68 : 68 + 64, 160 : 160 + 64, 0][::8, ::8]  # the first of class 1
    ones = data.train.images[data.train.labels == 1][:, 0].numpy()
    assert any(np.array_equal(shown, one) for one in ones)


@pytest.mark.parametrize("keep", ["memory", "files"])
def test_files_are_read_and_large_images_shrunk(photos: Path, keep: str) -> None:
    (photos / "bee").rename(photos / "蜂\n[b]")
    data = image_folder(photos, keep=keep, size=400)
    assert contact_sheet(data, per_class=2).size == (160 + 2 * 164, 3 * 164)
