"""Partialling out, on its own: tables in, estimates out."""

import numpy as np
import pytest

from optunas.insights.adjusted import UNKNOWN, differences
from optunas.insights.choices import ABSENT, Column


def column(name: str, codes) -> Column:
    codes = np.asarray(codes, dtype=np.int64)
    return Column(name, tuple(map(str, range(codes.max() + 1))), codes)


def test_without_anything_else_it_is_the_difference_of_two_means():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, 50)
    values = rng.normal(0, 1, 50) + codes
    ((zero, one),) = differences([column("a", codes)], values[:, None])
    apart = values[codes == 1].mean() - values[codes == 0].mean()
    # each is compared with a mean that leaves it out
    assert one.difference == pytest.approx(apart, rel=0.05)
    assert zero.difference == pytest.approx(-one.difference)
    assert one.low < apart < one.high
    assert (one.high - one.low) / 2 == pytest.approx(2.01 * one.error, rel=0.01)


def test_the_doubt_of_imputed_values_is_added():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, 60)
    known = np.repeat((rng.normal(0, 1, 60) + codes)[:, None], 10, 1)
    guessed = known.copy()
    guessed[:30] += rng.normal(0, 2, (30, 10))
    ((_, sure),) = differences([column("a", codes)], known)
    ((_, unsure),) = differences([column("a", codes)], guessed)
    assert unsure.error > 1.3 * sure.error


def test_rows_without_the_parameter_or_without_a_value_do_not_count():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, 60)
    values = rng.normal(0, 1, 60) + codes
    ((_, expected),) = differences([column("a", codes)], values[:, None])
    more = np.concatenate([codes, [ABSENT] * 5, [1] * 5])
    others = np.concatenate([values, [99.0] * 5, [np.nan] * 5])
    ((_, found),) = differences([column("a", more)], others[:, None])
    assert found == expected


def test_what_follows_from_a_choice_is_not_held_equal():
    """With two stages there is a second kernel, whose worth belongs to having it."""
    rng = np.random.default_rng(0)
    stages = rng.integers(0, 2, 400)
    kernel = np.where(stages == 1, rng.integers(0, 2, 400), ABSENT)
    values = 1.0 * (kernel == 1) + rng.normal(0, 0.1, 400)
    found = differences([column("stages", stages), column("kernel", kernel)], values[:, None])
    assert found[0][1].difference == pytest.approx(0.5, abs=0.08)
    assert found[1][1].difference == pytest.approx(1.0, abs=0.05)


def test_what_can_t_be_told_is_unknown():
    codes = [0] * 30 + [1] * 4
    assert differences([column("a", codes)], np.arange(34.0)[:, None]) == [[UNKNOWN] * 2]
    equal = differences([column("a", [0, 1] * 20)], np.full((40, 1), 0.5))
    assert equal == [[UNKNOWN] * 2]
    assert differences([], np.zeros((5, 1))) == []
