"""A Gaussian process over blocks of numbers: what samplers believe about networks not yet trained.

The covariance is a sum of Matern 5/2 kernels, one for each block (what the network consists of,
which choices made it, which numbers), each with a variance and a length of its own: the data say
which block tells networks apart. Results of other studies are further *tasks*, each correlated with
this study's by a factor that is learned too (Bonilla et al. 2007, "Multi-task Gaussian process
prediction"). `fitting.py` finds the hyperparameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular

from optunas.ranks import Array

Tasks = NDArray[np.int64]

JITTER = 1e-6
# mean and standard deviation of the logarithms' normal priors
VARIANCE, LENGTH, NOISE, CORRELATION = (0.0, 1.5), (0.0, 1.0), (-4.0, 1.5), (2.0, 1.0)


@dataclass(frozen=True)
class Points:
    """n networks: a matrix (n, columns) for each block, and the task (n,) that each belongs to.

    Task 0 is the study itself.
    """

    blocks: tuple[Array, ...]
    tasks: Tasks

    def __len__(self) -> int:
        return len(self.tasks)

    def __getitem__(self, chosen: NDArray[np.int64] | slice) -> Points:
        return Points(tuple(block[chosen] for block in self.blocks), self.tasks[chosen])


def joined(points: Sequence[Points]) -> Points:
    """All of them, one after another."""
    blocks = zip(*(some.blocks for some in points), strict=True)
    return Points(
        tuple(np.concatenate(block) for block in blocks),
        np.concatenate([some.tasks for some in points]),
    )


@dataclass(frozen=True)
class Hyperparameters:
    """Hyperparameters: logarithms of variance and length by block, of the noise, and the logit of
    the correlation of every further task."""

    variances: Array
    lengths: Array
    noise: float
    correlations: Array

    @classmethod
    def prior(cls, blocks: int, tasks: int) -> Hyperparameters:
        """The priors' means."""
        return cls(
            np.full(blocks, VARIANCE[0]),
            np.full(blocks, LENGTH[0]),
            NOISE[0],
            np.full(tasks - 1, CORRELATION[0]),
        )

    @property
    def vector(self) -> Array:
        return np.concatenate([self.variances, self.lengths, [self.noise], self.correlations])

    def with_vector(self, vector: Array) -> Hyperparameters:
        """The same shape with other numbers."""
        n = len(self.variances)
        return Hyperparameters(
            vector[:n], vector[n : 2 * n], float(vector[2 * n]), vector[2 * n + 1 :]
        )

    def between(self, one: Tasks, other: Tasks) -> Array:
        """The correlation of tasks: 1 within a task, else the product of both loadings."""
        loadings = np.concatenate([[1.0], sigmoid(self.correlations)])
        together = loadings[one][:, None] * loadings[other][None]
        return np.where(one[:, None] == other[None], 1.0, together)


class Posterior:
    """What follows from results: `targets` (n,) at `points`, each with its own `extra` variance.

    `factor`: that of the covariance of the first of the points (`factored`), where it is known.
    """

    def __init__(
        self,
        numbers: Hyperparameters,
        points: Points,
        targets: Array,
        extra: Array,
        factor: Array | None = None,
    ) -> None:
        self.numbers, self.points, self.targets, self.extra = numbers, points, targets, extra
        known = np.zeros((0, 0)) if factor is None else factor
        self._factor = factored(numbers, points, extra, known)
        self._weights = cho_solve((self._factor, True), targets, check_finite=False)

    def knowing(self, points: Points, targets: Array) -> Posterior:
        """The posterior with more results and the same hyperparameters."""
        return Posterior(
            self.numbers,
            joined([self.points, points]),
            np.concatenate([self.targets, targets]),
            np.concatenate([self.extra, np.zeros(len(points))]),
            self._factor,
        )

    @property
    def believed(self) -> Array:
        """(n,): the mean of the noise-free results at the points themselves."""
        return np.asarray(self.targets - _doubt(self.numbers, self.extra) * self._weights)

    def at(self, points: Points) -> tuple[Array, Array]:
        """Mean and standard deviation (m,) of the noise-free result."""
        cross = _covariance(self.numbers, points, self.points)
        spread = solve_triangular(self._factor, cross.T, lower=True, check_finite=False)
        variance = np.exp(self.numbers.variances).sum() - np.einsum("ij,ij->j", spread, spread)
        return cross @ self._weights, np.sqrt(np.maximum(variance, 1e-9))


def factored(
    numbers: Hyperparameters, points: Points, extra: Array, known: Array | None = None
) -> Array:
    """Cholesky's factor (n, n) of the covariance of results; `known` is that of the first ones."""
    old = 0 if known is None else len(known)
    if known is not None and old == len(points):
        return known
    first, new = points[:old], points[old:]
    corner = _covariance(numbers, new, new)
    corner[np.diag_indices_from(corner)] += _doubt(numbers, extra[old:])
    if known is None or not old:
        return np.asarray(cholesky(corner, lower=True, overwrite_a=True))
    cross = solve_triangular(
        known, _covariance(numbers, first, new), lower=True, check_finite=False
    )
    factor = np.zeros((len(points), len(points)), order="F")
    factor[:old, :old], factor[old:, :old] = known, cross.T
    factor[old:, old:] = cholesky(corner - cross.T @ cross, lower=True)
    return factor


def _doubt(numbers: Hyperparameters, extra: Array) -> Array:
    """(n,): the variance of results beyond that of what they measure."""
    return np.asarray(np.exp(numbers.noise) + JITTER + extra)


def _covariance(numbers: Hyperparameters, one: Points, other: Points) -> Array:
    total = np.zeros((len(one), len(other)))
    for variance, length, a, b in zip(
        numbers.variances, numbers.lengths, one.blocks, other.blocks, strict=True
    ):
        scale = np.sqrt(5) * np.exp(-length)
        kernel = squares(a * scale, b * scale)  # in place: these matrices are large
        distance = np.sqrt(kernel)
        kernel *= 1 / 3
        kernel += distance
        kernel += 1
        np.exp(np.negative(distance, out=distance), out=distance)
        distance *= np.exp(variance)
        kernel *= distance
        total += kernel
    if one.tasks.any() or other.tasks.any():
        total *= numbers.between(one.tasks, other.tasks)
    return total


def matern(squares: Array, length: float) -> tuple[Array, Array]:
    """The Matern 5/2 kernel of squared distances, and its derivative after the log length."""
    scaled = 5 * squares * np.exp(-2 * length)
    distance = np.sqrt(scaled)
    decay = np.exp(-distance)
    return (1 + distance + scaled / 3) * decay, scaled * (1 + distance) * decay / 3


def squares(one: Array, other: Array) -> Array:
    """Squared distances (n, m) of rows."""
    found = -2 * one @ other.T
    found += np.square(one).sum(1)[:, None]
    found += np.square(other).sum(1)
    return np.asarray(np.maximum(found, 0, out=found))


def sigmoid(x: Array) -> Array:
    """The logistic function, from 0 to 1."""
    return np.asarray(1 / (1 + np.exp(-x)))
