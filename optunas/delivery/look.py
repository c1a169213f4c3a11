"""One look at the test split: how good the winner is, and how sure that is.

Intervals are percentiles of 1,000 bootstrap samples of the images (Efron 1979), 95 %: what another
test split of as many images might have said. They do not tell what another seed of the training
would have said.

Calibration is the expected calibration error (Naeini et al. 2015) over 15 bins of equal width:
by how much the probabilities that a network gives differ from the share of answers that are right.
The temperature by which logits are to be divided (Guo et al. 2017) is fitted on the validation
split; the test split only tells what it brings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

SAMPLES = 1000
BINS = 15
TEMPERATURES = (0.05, 20.0)


@dataclass(frozen=True)
class Measured:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f})"


@dataclass(frozen=True)
class Look:
    """What a split says of a network. Shares are from 0 to 1."""

    images: int
    accuracy: Measured
    f1: Measured
    """macro: the mean over the classes"""
    f1_by_class: dict[str, Measured]
    confusion: tuple[tuple[int, ...], ...]
    """confusion[true class][answer] = images"""
    loss: float
    """mean cross-entropy"""
    calibration_error: Measured
    temperature: float
    """fitted on the validation split"""
    calibration_error_scaled: Measured
    """with logits divided by the temperature"""

    def to_json(self) -> dict[str, Any]:
        """Plain lists, numbers and names."""
        return asdict(self)


def look(
    logits: Array, labels: Labels, classes: tuple[str, ...], temperature: float, seed: int = 0
) -> Look:
    """logits (N, classes), labels (N,): what they say, with intervals from bootstrap samples."""
    answers, count = logits.argmax(1), len(classes)
    cells, right = labels * count + answers, answers == labels
    plain, scaled = _sureness(logits), _sureness(logits / temperature)

    def figures(counts: Labels) -> list[float]:
        """All of them, where the images count so often."""
        matrix = np.bincount(cells, counts, count**2).reshape(count, count)
        by_class = _f1(matrix)
        occurs = matrix.sum(0) + matrix.sum(1) > 0
        errors = [_calibration_error(sure, right, counts) for sure in (plain, scaled)]
        accuracy = matrix.trace() / counts.sum()
        return [accuracy, by_class[occurs].mean(), *errors, *by_class]

    once = np.ones(len(labels), dtype=np.int64)
    low, high = _intervals(figures, len(labels), np.random.default_rng(seed))
    rows = zip(figures(once), low, high, strict=True)
    accuracy, f1, error, error_scaled, *by_class = [Measured(*map(float, row)) for row in rows]
    matrix = np.bincount(cells, minlength=count**2).reshape(count, count)
    return Look(
        images=len(labels),
        accuracy=accuracy,
        f1=f1,
        f1_by_class=dict(zip(classes, by_class, strict=True)),
        confusion=tuple(tuple(int(n) for n in row) for row in matrix),
        loss=float(-log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean()),
        calibration_error=error,
        temperature=temperature,
        calibration_error_scaled=error_scaled,
    )


def _intervals(
    figures: Callable[[Labels], list[float]], images: int, rng: np.random.Generator
) -> Array:
    """(2, figures): the lower and the upper end of the 95 % interval of each."""
    samples = (rng.integers(images, size=images) for _ in range(SAMPLES))
    drawn = [figures(np.bincount(sample, minlength=images)) for sample in samples]
    return np.asarray(np.quantile(drawn, (0.025, 0.975), axis=0))


def fitted_temperature(logits: Array, labels: Labels) -> float:
    """The temperature that makes these labels likeliest; 1 where the split has one class only."""
    if len(set(labels.tolist())) < 2:
        return 1.0
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-scaled[rows, labels].mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(TEMPERATURES)), method="bounded")
    return float(np.exp(found.x))


def _f1(matrix: NDArray[Any]) -> Array:
    """(classes,) F1 of each class; 0 for one that neither occurs nor is answered."""
    occurs = matrix.sum(0) + matrix.sum(1)
    return np.asarray(2 * matrix.diagonal() / np.maximum(occurs, 1))


def _sureness(logits: Array) -> Array:
    """(N,) the probability of each answer."""
    return np.asarray(np.exp(log_softmax(logits, axis=1).max(1)))


def _calibration_error(sure: Array, right: NDArray[np.bool_], counts: Labels) -> float:
    bins = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    gap = np.bincount(bins, counts * (right - sure), BINS)
    return float(np.abs(gap).sum() / counts.sum())
