import numpy as np
import torch
from sklearn.datasets import load_digits

from optunas.data import digits


def test_the_real_digits_once_each() -> None:
    data = digits()
    assert data.describe() == "digits: 10 classes, 1x8x8, 1,078 train / 359 validation / 360 test"
    assert not data.flip
    pixels, labels = load_digits(return_X_y=True)
    source = sorted(zip(pixels.tolist(), labels.tolist(), strict=True))
    splits = (data.train, data.validation, data.test)
    images = torch.cat([s.images for s in splits]).flatten(1).double() * 16 / 255
    found = np.rint(images.numpy()).tolist()
    held = torch.cat([s.labels for s in splits]).tolist()
    assert sorted(zip(found, held, strict=True)) == source
    assert int(data.train.images.max()) == 255


def test_the_seed_decides_the_split() -> None:
    assert digits(3).fingerprint == digits(3).fingerprint
    assert digits(3).fingerprint != digits(4).fingerprint
    for split in (digits(3).train, digits(3).validation, digits(3).test):
        counts = torch.bincount(split.labels) / len(split)
        assert counts.min() > 0.09
        assert counts.max() < 0.11
