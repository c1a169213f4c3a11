"""Limits: what a network may cost."""

import math

import pytest

from optunas.errors import OptunasError
from optunas.limits import Limits


def test_limits_that_are_set_are_listed():
    assert list(Limits()) == []
    assert list(Limits(params=10, latency_ms=2.5)) == [("params", 10), ("latency_ms", 2.5)]
    assert str(Limits()) == "none"
    assert str(Limits(params=1_000_000, latency_ms=2)) == "params <= 1,000,000, latency_ms <= 2"


def test_margins_are_shares_of_the_limit():
    limits = Limits(params=100, macs=1000)
    assert limits.margins(params=150, macs=500, latency_ms=9.0) == {"params": 0.5, "macs": -0.5}
    assert limits.margins(params=100) == {"params": 0.0}
    assert Limits().margins(params=5) == {}


@pytest.mark.parametrize(
    "name", ["params", "macs", "latency_ms", "memory_mb", "inference_memory_mb"]
)
@pytest.mark.parametrize("limit", [0, -1, True, "2M", math.nan, [1]])
def test_what_is_no_limit_is_named(name, limit):
    with pytest.raises(OptunasError, match=rf"Limits\.{name} must be a number above 0; got"):
        Limits(**{name: limit})
