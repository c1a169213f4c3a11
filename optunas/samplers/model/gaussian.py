"""A Gaussian process over blocks of numbers: what samplers believe about networks not yet trained.

The covariance is a sum of Matern 5/2 kernels, one for each block (what the network consists of,
which choices made it, which numbers), each with a variance and a length of its own: the data say
which block tells networks apart. Results of other studies are further *tasks*, each correlated with
this study's by a factor that is learned too (Bonilla et al. 2007, "Multi-task Gaussian process
prediction"). The numbers are maximum a posteriori: with ten results the priors, which
scikit-learn's process does not have, keep the lengths sensible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

from optunas.ranks import Array

Tasks = NDArray[np.int64]

FITTED_ON = 160
"""How many results the hyperparameters are fitted on; the posterior always takes all."""
STEPS = 25
JITTER = 1e-6
FAR = 5.0  # no number goes further, in standard deviations of its prior
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
        loadings = np.concatenate([[1.0], _sigmoid(self.correlations)])
        together = loadings[one][:, None] * loadings[other][None]
        return np.where(one[:, None] == other[None], 1.0, together)


class Posterior:
    """What follows from results: `targets` (n,) at `points`, each with its own `extra` variance."""

    def __init__(
        self, numbers: Hyperparameters, points: Points, targets: Array, extra: Array
    ) -> None:
        self.numbers, self.points, self.targets, self.extra = numbers, points, targets, extra
        covariance = _covariance(numbers, points, points)
        covariance[np.diag_indices_from(covariance)] += np.exp(numbers.noise) + JITTER + extra
        self._factor = cholesky(covariance, lower=True)
        self._weights = cho_solve((self._factor, True), targets)

    def knowing(self, points: Points, targets: Array) -> Posterior:
        """The posterior with more results and the same hyperparameters."""
        return Posterior(
            self.numbers,
            joined([self.points, points]),
            np.concatenate([self.targets, targets]),
            np.concatenate([self.extra, np.zeros(len(points))]),
        )

    def at(self, points: Points) -> tuple[Array, Array]:
        """Mean and standard deviation (m,) of the noise-free result."""
        cross = _covariance(self.numbers, points, self.points)
        spread = solve_triangular(self._factor, cross.T, lower=True)
        variance = np.exp(self.numbers.variances).sum() - np.square(spread).sum(0)
        return cross @ self._weights, np.sqrt(np.maximum(variance, 1e-9))


def fit(
    points: Points,
    targets: Array,
    extra: Array,
    tasks: int = 1,
    start: Hyperparameters | None = None,
) -> Posterior:
    """The posterior with the most probable hyperparameters.

    `targets` are standardised; `extra` (n,) is the variance that a result has beyond the others';
    `start` saves steps where similar data were fitted before.
    """
    numbers = start or Hyperparameters.prior(len(points.blocks), tasks)
    chosen = _representative(len(points))
    problem = _Problem(numbers, points[chosen], targets[chosen], extra[chosen])
    found = minimize(
        problem.loss,
        numbers.vector,
        jac=True,
        method="L-BFGS-B",
        bounds=[(mean - FAR * spread, mean + FAR * spread) for mean, spread in problem.priors],
        options={"maxiter": STEPS},
    )
    return Posterior(numbers.with_vector(found.x), points, targets, extra)


def _representative(n: int) -> NDArray[np.int64]:
    """All, or evenly spread over the order in which they came."""
    return np.unique(np.linspace(0, n - 1, min(n, FITTED_ON)).round().astype(np.int64))


class _Problem:
    """Minus the log of the posterior density of the hyperparameters, with its gradient."""

    def __init__(
        self, shape: Hyperparameters, points: Points, targets: Array, extra: Array
    ) -> None:
        self.shape, self.points, self.targets, self.extra = shape, points, targets, extra
        self.squares = [_squares(block, block) for block in points.blocks]

    def loss(self, vector: Array) -> tuple[float, Array]:
        numbers = self.shape.with_vector(vector)
        together = numbers.between(self.points.tasks, self.points.tasks)
        kernels, slopes = zip(
            *(_matern(s, length) for s, length in zip(self.squares, numbers.lengths, strict=True)),
            strict=True,
        )
        variances = np.exp(numbers.variances)
        alone = sum(v * k for v, k in zip(variances, kernels, strict=True))
        covariance = np.asarray(alone * together)
        noise = np.exp(numbers.noise)
        covariance[np.diag_indices_from(covariance)] += noise + JITTER + self.extra
        try:
            factor = cholesky(covariance, lower=True)
        except LinAlgError:
            return 1e10, np.zeros_like(vector)
        weights = cho_solve((factor, True), self.targets)
        pull = cho_solve((factor, True), np.eye(len(self.targets))) - np.outer(weights, weights)
        shared = pull * together
        gradient = [v * (shared * k).sum() for v, k in zip(variances, kernels, strict=True)]
        gradient += [v * (shared * s).sum() for v, s in zip(variances, slopes, strict=True)]
        gradient += [noise * np.trace(pull)]
        gradient += self._correlation_slopes(numbers, pull * alone)
        prior, prior_gradient = self._prior(vector)
        fitted = 0.5 * self.targets @ weights + np.log(np.diag(factor)).sum()
        return float(fitted + prior), 0.5 * np.asarray(gradient) + prior_gradient

    def _correlation_slopes(self, numbers: Hyperparameters, pull: Array) -> list[float]:
        """The derivatives after each further task's logit."""
        loadings = np.concatenate([[1.0], _sigmoid(numbers.correlations)])
        tasks, slopes = self.points.tasks, []
        for task in range(1, len(loadings)):
            rows, others = tasks == task, tasks != task
            change = loadings[task] * (1 - loadings[task])
            slopes.append(2 * change * (pull[np.ix_(rows, others)] @ loadings[tasks[others]]).sum())
        return slopes

    @property
    def priors(self) -> list[tuple[float, float]]:
        """Mean and standard deviation of each number's prior."""
        blocks, tasks = len(self.shape.variances), len(self.shape.correlations)
        return [VARIANCE] * blocks + [LENGTH] * blocks + [NOISE] + [CORRELATION] * tasks

    def _prior(self, vector: Array) -> tuple[float, Array]:
        mean, spread = np.array(self.priors).T
        away = (vector - mean) / spread
        return 0.5 * float(away @ away), away / spread


def _covariance(numbers: Hyperparameters, one: Points, other: Points) -> Array:
    alone = sum(
        np.exp(variance) * _matern(_squares(a, b), length)[0]
        for variance, length, a, b in zip(
            numbers.variances, numbers.lengths, one.blocks, other.blocks, strict=True
        )
    )
    return np.asarray(alone * numbers.between(one.tasks, other.tasks))


def _matern(squares: Array, length: float) -> tuple[Array, Array]:
    """The Matern 5/2 kernel of squared distances, and its derivative after the log length."""
    scaled = 5 * squares * np.exp(-2 * length)
    distance = np.sqrt(scaled)
    decay = np.exp(-distance)
    return (1 + distance + scaled / 3) * decay, scaled * (1 + distance) * decay / 3


def _squares(one: Array, other: Array) -> Array:
    """Squared distances (n, m) of rows."""
    both = np.square(one).sum(1)[:, None] + np.square(other).sum(1)[None]
    return np.asarray(np.maximum(both - 2 * one @ other.T, 0))


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))
