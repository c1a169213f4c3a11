"""Real photos of CIFAR-10, as JPEG files, from the data beside the repository."""

import tarfile
from collections import Counter
from pathlib import Path

import pytest
import torch

from optunas.data import cifar10, image_folder

ARCHIVE = Path(__file__).parents[2] / ".." / "shared" / "data" / "cifar10-jpeg.tar.xz"
PER_CLASS = 60
CLASSES = ("airplane", "automobile", "bird")  # the archive's first: the rest is not unpacked


@pytest.fixture(scope="module")
def real_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not ARCHIVE.exists():
        pytest.skip("the shared CIFAR-10 images are not beside this repository")
    root, taken = tmp_path_factory.mktemp("cifar10"), Counter[str]()
    with tarfile.open(ARCHIVE, "r|xz") as archive:
        for member in archive:
            name = Path(member.name).parent.name
            if member.isfile() and taken[name] < PER_CLASS:
                taken[name] += 1
                archive.extract(member, root, filter="data")
            if sum(taken.values()) == PER_CLASS * len(CLASSES):
                return root
    pytest.fail("the archive holds fewer images than expected")


def test_real_photos_split_for_you(real_photos: Path) -> None:
    data = image_folder(real_photos / "train", validation=0.25, test=0.25)
    assert data.describe() == "train: 3 classes, 3x32x32, 90 train / 45 validation / 45 test"
    assert data.classes == CLASSES
    assert data.notes == ()
    assert all(0.35 < mean < 0.65 for mean in data.mean)
    assert all(0.15 < std < 0.35 for std in data.std)


def test_real_photos_by_the_name_of_the_set(real_photos: Path) -> None:
    for name in CLASSES:
        files = sorted((real_photos / "train" / name).iterdir())
        (real_photos / "test" / name).mkdir(parents=True)
        for file in files[::3]:
            file.rename(real_photos / "test" / name / file.name)
    data = cifar10(real_photos, validation=0.25)
    assert data.describe() == "cifar10: 3 classes, 3x32x32, 90 train / 30 validation / 60 test"
    assert torch.bincount(data.test.labels).tolist() == [20] * 3
    assert data.flip
    assert cifar10(real_photos, validation=0.25).fingerprint == data.fingerprint
