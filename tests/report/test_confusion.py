"""The confusion matrix: its picture holds each count, and the F1 is scikit-learn's."""

from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score

from optunas.report.confusion import confusion_svg, f1_by_class, most_confused

SVG = "{http://www.w3.org/2000/svg}"


def test_f1_by_class_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    true, answered = rng.integers(0, 5, 200), rng.integers(0, 5, 200)
    matrix = confusion_matrix(true, answered, labels=range(6)).tolist()
    expected = f1_score(true, answered, labels=range(5), average=None)
    assert f1_by_class(matrix)[:5] == pytest.approx(list(expected))
    assert f1_by_class(matrix)[5] is None


def test_the_picture_holds_each_count_and_name() -> None:
    drawn = confusion_svg([[38, 2], [7, 11]], ["<cat>", "dog"])
    texts = [t.text for t in ElementTree.fromstring(drawn).iter(f"{SVG}text")]
    assert texts == [
        "row: image, column: answer",
        *["<cat>"] * 2,
        *["dog"] * 2,
        "38",
        "2",
        "7",
        "11",
    ]


def test_of_many_classes_the_most_confused_are_shown() -> None:
    matrix = np.eye(100, dtype=int) * 50
    matrix[90, 3] = 9
    matrix[40, 41] = 5
    assert most_confused(matrix.tolist(), 4) == [3, 40, 41, 90]
    drawn = confusion_svg(matrix.tolist(), [f"class {i}" for i in range(100)])
    assert "(20 of 100 classes)" in drawn
    assert len(drawn) < 200_000
