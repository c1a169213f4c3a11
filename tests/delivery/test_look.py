"""Figures of one look, held against scikit-learn and plain counting."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss

from optunas.delivery.look import BINS, Array, Labels, fitted_temperature, look

CLASSES = ("ant", "bee", "cat")


def made(images: int, seed: int = 0, sharpness: float = 1.0) -> tuple[Array, Labels]:
    """Logits that say the truth of themselves, but for their sharpness, and labels drawn so."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(images, len(CLASSES))) * 2
    shares = softmax(logits, axis=1).cumsum(1)
    labels = (rng.uniform(size=(images, 1)) > shares).sum(1).clip(0, 2)
    return logits * sharpness, labels


def test_figures_are_scikit_learns() -> None:
    logits, labels = made(500)
    found, answers = look(logits, labels, CLASSES, 1.0), logits.argmax(1)
    assert found.images == 500
    assert found.accuracy.value == pytest.approx(accuracy_score(labels, answers))
    assert found.f1.value == pytest.approx(f1_score(labels, answers, average="macro"))
    by_class = [one.value for one in found.f1_by_class.values()]
    assert by_class == pytest.approx(f1_score(labels, answers, average=None).tolist())
    assert found.confusion == tuple(map(tuple, confusion_matrix(labels, answers).tolist()))
    assert found.loss == pytest.approx(log_loss(labels, softmax(logits, axis=1)))


def test_the_calibration_error_is_that_of_its_definition() -> None:
    logits, labels = made(400, sharpness=3.0)
    shares = softmax(logits, axis=1)
    sure, right = shares.max(1), shares.argmax(1) == labels
    wanted = 0.0
    for first in range(BINS):
        inside = (sure >= first / BINS) & (sure < (first + 1) / BINS)
        if inside.any():
            wanted += inside.mean() * abs(right[inside].mean() - sure[inside].mean())
    assert look(logits, labels, CLASSES, 1.0).calibration_error.value == pytest.approx(wanted)


def test_the_temperature_undoes_what_is_too_sure() -> None:
    logits, labels = made(5000, sharpness=3.0)
    temperature = fitted_temperature(logits, labels)
    assert temperature == pytest.approx(3.0, rel=0.1)
    other = made(3000, seed=1, sharpness=3.0)
    found = look(*other, CLASSES, temperature)
    assert found.calibration_error.value > 0.1
    assert found.calibration_error_scaled.high < found.calibration_error.low


def test_one_class_fits_no_temperature() -> None:
    assert fitted_temperature(np.ones((4, 3)), np.zeros(4, dtype=np.int64)) == 1.0


def test_intervals_hold_what_they_promise() -> None:
    """The accuracy of such logits in the long run lies in 19 of 20 intervals."""
    logits, labels = made(200_000, seed=99)
    truth = float((logits.argmax(1) == labels).mean())
    intervals = [look(*made(300, seed), CLASSES, 1.0).accuracy for seed in range(40)]
    held = sum(one.low <= truth <= one.high for one in intervals)
    assert 34 <= held <= 40
    assert all(one.low < one.value < one.high for one in intervals)


def test_a_class_that_does_not_occur_costs_nothing() -> None:
    logits = np.array([[5.0, 0.0, 0.0], [0.0, 5.0, 0.0]] * 10)
    found = look(logits, np.array([0, 1] * 10), CLASSES, 1.0)
    assert found.f1.value == 1.0
    assert found.f1_by_class["cat"].value == 0.0


def test_the_same_look_says_the_same() -> None:
    assert look(*made(100), CLASSES, 1.0) == look(*made(100), CLASSES, 1.0)
