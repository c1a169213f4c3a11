"""Quantities as people type them."""

from collections.abc import Callable

import pytest

from optunas.errors import OptunasError
from optunas.quantities import count, mebibytes, milliseconds


@pytest.mark.parametrize(
    ("parse", "typed", "value"),
    [
        (count, "2M", 2_000_000), (count, "250k", 250_000), (count, "1,000,000", 1_000_000),
        (count, "1_000", 1000), (count, "1.5M", 1_500_000), (count, ".5m", 500_000),
        (count, " 2 M ", 2_000_000), (count, "1e6", 1_000_000), (count, "3B", 3 * 10**9),
        (milliseconds, "5ms", 5.0), (milliseconds, "5", 5.0), (milliseconds, "0.01s", 10.0),
        (milliseconds, "300us", 0.3), (mebibytes, "512", 512), (mebibytes, "512MB", 512),
        (mebibytes, "1.5G", 1536),
    ],
)  # fmt: skip
def test_what_is_meant(parse: Callable[[str], float], typed: str, value: float) -> None:
    assert parse(typed) == pytest.approx(value)


def test_counts_are_whole_numbers() -> None:
    assert type(count("1.5k")) is int


@pytest.mark.parametrize("parse", [count, milliseconds, mebibytes])
@pytest.mark.parametrize(
    "typed",
    ["", "2X", "M", "-3", "0", "1,5", "1,50,000", "1.2.3", "nan", "inf", "1e999", "1 2", "_"],
)
def test_what_is_none_is_refused_and_quoted(parse: Callable[[str], float], typed: str) -> None:
    with pytest.raises(OptunasError, match="expected a") as refused:
        parse(typed)
    assert repr(typed) in str(refused.value)
