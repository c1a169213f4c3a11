"""Numbers in words."""

import pytest

from optunas.insights.adjusted import Estimate
from optunas.insights.words import amount, duration, quantity, unit_of, worth


@pytest.mark.parametrize(
    ("name", "middle", "margin", "said"),
    [
        ("accuracy", 0.0081, 0.0019, "+0.81 ± 0.19 points of validation accuracy"),
        ("accuracy", -0.0081, 0.0019, "-0.81 ± 0.19 points of validation accuracy"),
        ("accuracy", 0.081, 0.029, "+8.1 ± 2.9 points of validation accuracy"),
        ("latency_ms", 0.3, 0.02, "+0.300 ± 0.020 ms of latency"),
        ("params", 12345.0, 1234.0, "+12,345 ± 1,234 parameters"),
        ("value", 1e-5, 1e-6, "+0.0000100 ± 0.0000010 of value"),
    ],
)
def test_a_difference_has_two_digits_of_its_margin(name, middle, margin, said):
    estimate = Estimate(middle, margin / 2, middle - margin, middle + margin, 0.01)
    assert worth(name, estimate) == said


def test_an_amount_has_no_sign():
    assert amount("latency_ms", Estimate(0.3, 0.05, 0.2, 0.4, 0.01)) == "0.30 ± 0.10 ms of latency"
    assert (
        amount("latency_ms", Estimate(-0.3, 0.05, -0.4, -0.2, 0.01)) == "0.30 ± 0.10 ms of latency"
    )


def test_times_and_quantities():
    assert [duration(s) for s in (0.4, 12, 90, 7560)] == ["0.4 s", "12 s", "1.5 min", "2.1 h"]
    assert quantity("params", 100_000) == "100 k"
    assert quantity("latency_ms", 2.5) == "2.5 ms"
    assert quantity("accuracy", 0.881) == "88.1 %"


def test_an_unknown_name_stands_for_itself():
    assert unit_of("mine").title == "mine"
    assert unit_of("latency_ms").title == "latency (ms)"
