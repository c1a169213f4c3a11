"""The learning curve as a table and as a picture: the numbers are those of the trial."""

import csv
import io
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from optunas.report.curve import HEIGHT, TOP, curve_csv, curve_rows, curve_svg

CURVE = [[2.0, 1.5, 0.25, 0.2, 0.5], [1.0, 0.75, 0.5, 0.45, 0.5], [0.5, 0.5, 0.75, 0.7, 0.5]]
SVG = "{http://www.w3.org/2000/svg}"


def points(drawn: str, name: str) -> list[tuple[float, float]]:
    (group,) = (
        g
        for g in ElementTree.fromstring(drawn).iter(f"{SVG}g")
        if g.get("class") == name and g.find(f"{SVG}polyline") is not None
    )
    line = group.find(f"{SVG}polyline")
    assert line is not None
    return [tuple(map(float, p.split(","))) for p in line.get("points", "").split()]  # type: ignore[misc]


def test_the_table_holds_every_number() -> None:
    head, *rows = csv.reader(io.StringIO(curve_csv(CURVE)))
    assert head == ["epoch", "train_loss", "loss", "accuracy", "f1", "seconds"]
    assert [[float(value) for value in row[1:]] for row in rows] == CURVE
    assert [row[0] for row in rows] == ["1", "2", "3"]


def test_points_stand_where_the_numbers_say() -> None:
    drawn = curve_svg(CURVE)
    (x1, y1), (x2, y2), (x3, y3) = points(drawn, "acc")
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.11)
    assert y1 - y2 == pytest.approx(y2 - y3, abs=0.11)  # 25, 50, 75 %: equal steps upwards
    assert TOP <= y3 < y1 <= HEIGHT
    (_, a), (_, b), (_, c) = points(drawn, "val")
    assert (b - a) / (c - b) == pytest.approx(0.75 / 0.25, abs=0.02)  # 1.5, 0.75, 0.5 downwards
    assert "accuracy 75.00 %" in drawn
    assert "validation loss 0.5<" in drawn


def test_one_epoch_and_a_thousand_find_room() -> None:
    assert len(points(curve_svg(CURVE[:1]), "acc")) == 1
    long = curve_svg([[1 / e, 1 / e, 1 - 1 / e, 1 - 1 / e, 1.0] for e in range(1, 1001)])
    assert len(long) < 30_000
    assert len(re.findall("<circle", long)) == 0
    ElementTree.fromstring(long)


@pytest.mark.parametrize(
    "stored",
    [None, "x", [], [[1, 2]], [[1, 2, 3, 4, "5"]], [[1, 2, 3, 4, float("nan")]], [None], {"a": 1}],
)
def test_what_is_no_curve_gives_no_rows(stored: Any) -> None:
    assert curve_rows(stored) == []


def test_a_curve_is_taken_as_it_is() -> None:
    assert curve_rows(CURVE) == CURVE
