"""The hyperparameters of the Gaussian process: maximum a posteriori.

With ten results the priors, which scikit-learn's process does not have, keep the lengths sensible.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_solve, cholesky
from scipy.optimize import minimize

from optunas.ranks import Array
from optunas.samplers.model.gaussian import (
    CORRELATION,
    JITTER,
    LENGTH,
    NOISE,
    VARIANCE,
    Hyperparameters,
    Points,
    matern,
    sigmoid,
    squares,
)

FITTED_ON = 160
"""How many results the hyperparameters are fitted on; the posterior always takes all."""
STEPS = 25
FAR = 5.0  # no number goes further, in standard deviations of its prior


def fitted(
    points: Points,
    targets: Array,
    extra: Array,
    start: Hyperparameters,
) -> Hyperparameters:
    """The most probable hyperparameters.

    `targets` are standardised; `extra` (n,) is the variance that a result has beyond the others';
    `start`: where to begin, the prior's means or what similar data gave.
    """
    chosen = _representative(len(points))
    problem = _Problem(start, points[chosen], targets[chosen], extra[chosen])
    found = minimize(
        problem.loss,
        start.vector,
        jac=True,
        method="L-BFGS-B",
        bounds=[(mean - FAR * spread, mean + FAR * spread) for mean, spread in problem.priors],
        options={"maxiter": STEPS},
    )
    return start.with_vector(found.x)


def _representative(n: int) -> NDArray[np.int64]:
    """All, or evenly spread over the order in which they came."""
    return np.unique(np.linspace(0, n - 1, min(n, FITTED_ON)).round().astype(np.int64))


class _Problem:
    """Minus the log of the posterior density of the hyperparameters, with its gradient."""

    def __init__(
        self, shape: Hyperparameters, points: Points, targets: Array, extra: Array
    ) -> None:
        self.shape, self.points, self.targets, self.extra = shape, points, targets, extra
        self.squares = [squares(block, block) for block in points.blocks]

    def loss(self, vector: Array) -> tuple[float, Array]:
        numbers = self.shape.with_vector(vector)
        together = numbers.between(self.points.tasks, self.points.tasks)
        kernels, slopes = zip(
            *(matern(s, length) for s, length in zip(self.squares, numbers.lengths, strict=True)),
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
        loadings = np.concatenate([[1.0], sigmoid(numbers.correlations)])
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
