import numpy as np
import pytest
from scipy.stats import rankdata

from optunas.ranks import ranks


@pytest.mark.parametrize("numbers", [[], [3.0], [2.0, 2.0], [0.5, -1.0, 0.5, np.inf, 0.5, -np.inf]])
def test_ranks_are_those_of_scipy(numbers: list[float]) -> None:
    assert ranks(np.array(numbers)).tolist() == rankdata(numbers).tolist()


def test_many_ranks_with_ties_are_those_of_scipy() -> None:
    numbers = np.random.default_rng(0).integers(0, 40, 300) / 7
    assert ranks(numbers).tolist() == rankdata(numbers).tolist()
