"""Numbers as people read them."""

from __future__ import annotations

import pytest

from optunas.wording import COUNT, SHARE, amount, by, change, plain, setting, title


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.98331, SHARE, "98.33 %"), (4482, "", "4,482"), (1.23456, "", "1.235"),
        (0.9656, "s", "0.966 s"), (1234.5, "s", "1,234 s"), (89_600, COUNT, "89.6 k"),
        (1e300, "", "1e+300"), (-3.0, "", "-3"),
        (None, "ms", ""), (float("nan"), "ms", ""), (float("inf"), "", ""),
    ],
)  # fmt: skip
def test_amounts(value: float | None, unit: str, said: str) -> None:
    assert amount(value, unit) == said


@pytest.mark.parametrize(
    ("one", "other", "unit", "said"),
    [
        (0.97772, 0.98886, SHARE, "+1.11 points"), (0.5, 0.25, SHARE, "−25.00 points"),
        (0.5, 0.5, SHARE, "0.00 points"), (100, 60, "", "−40 (−40 %)"), (100, 100, "", "0"),
        (10, 215, "", "+205 (22 times)"), (1.2, 1.5, "ms", "+0.3 ms (+25 %)"),
        (105_528, 89_600, COUNT, "−15.9 k (−15.1 %)"), (0, 5, "", "+5"), (None, 5, "", ""),
        (-2.0, -1.5, "", "+0.5"), (float("inf"), 1.0, "", ""),
    ],
)  # fmt: skip
def test_changes(one: float | None, other: float | None, unit: str, said: str) -> None:
    assert change(one, other, unit) == said


def test_texts_of_others_are_cut_and_cleaned() -> None:
    assert plain("\x1b[31mred\n", 6) == " [31m…"
    assert plain("\x1b[31mred") == " [31mred"
    assert len(plain("x" * 10_000)) == 2000
    assert plain(["a"]) == "['a']"


def test_settings_shapes_and_titles() -> None:
    assert [setting(v) for v in (None, 0.1234567, 3, "a", True)] == [
        "–",
        "0.123457",
        "3",
        "a",
        "True",
    ]
    assert by((8, 32, 32)) == "8x32x32"
    assert (title("macs"), title("my cost")) == ("MACs", "my cost")
