"""scikit-learn's digits: 1,797 scanned digits that ship with a dependency."""

from __future__ import annotations

import numpy as np
import torch

from optunas.data.dataset import Data, Split
from optunas.data.split import divide

CLASSES = tuple("0123456789")


def digits(seed: int = 0) -> Data:
    """Real scanned digits, 8x8 pixels, split 60 / 20 / 20 (stratified, seeded).

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998,
    as shipped by scikit-learn. Its 17 grey levels (0..16) are spread over 0..255.
    """
    from sklearn.datasets import load_digits  # a second to import: only who asks pays

    bunch = load_digits()
    pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    images = torch.from_numpy(pixels).unsqueeze(1)
    everything = Split(images, torch.from_numpy(bunch.target.astype(np.int64)))
    train, validation, test = divide(everything, (0.6, 0.2, 0.2), seed=seed, classes=CLASSES)
    return Data.from_splits("digits", (train, validation, test), CLASSES)
