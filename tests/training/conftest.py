"""Small real data and small networks."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

import optunas.data
from optunas.data import Data, Split

MakeNetwork = Callable[..., nn.Module]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits() -> Data:
    return optunas.data.digits()


@pytest.fixture(scope="session")
def few(digits: Data) -> Data:
    """220 of the digits' training images, for tests that need not learn much."""
    train = Split(digits.train.images[:220], digits.train.labels[:220])
    validation = Split(digits.validation.images[:60], digits.validation.labels[:60])
    return Data.from_splits("few", (train, validation, digits.test), digits.classes)


@pytest.fixture
def make_network() -> MakeNetwork:
    """make_network(seed=0, width=16, dropout=0.0): a small convolutional network for digits."""

    def make(seed: int = 0, width: int = 16, dropout: float = 0.0) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return nn.Sequential(
                nn.Conv2d(1, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Conv2d(width, 2 * width, 3, padding=1, bias=False),
                nn.BatchNorm2d(2 * width),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Dropout(dropout),
                nn.Linear(2 * width, 10),
            )

    return make
