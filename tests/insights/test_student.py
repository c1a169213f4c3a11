"""Student's t against scipy.stats."""

import numpy as np
import pytest
from scipy.stats import t

from optunas.insights.student import half_width, two_sided


@pytest.mark.parametrize("freedom", [1.0, 3.7, 30.0, 2000.0])
def test_it_is_that_of_scipy_stats(freedom: float):
    at = np.array([-40.0, -2.0, 0.0, 0.3, 5.0])
    assert two_sided(at, freedom) == pytest.approx(2 * t.sf(np.abs(at), freedom))
    assert half_width(freedom) == pytest.approx(t.ppf(0.975, freedom))
    assert half_width(freedom, 0.5) == pytest.approx(t.ppf(0.75, freedom))
