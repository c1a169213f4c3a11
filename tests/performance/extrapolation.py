"""Learning-curve extrapolation as a pruner, to be compared in `pruning.py`; no part of optunas.

A prediction takes whole curves (networks, epochs), the beginning of one more and the number of
epochs, and says how that one ends: the mean and the standard deviation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import erf, sqrt

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState
from scipy.optimize import least_squares

Array = NDArray[np.float64]
Predict = Callable[[Array, Array, int], tuple[float, float]]


@dataclass(frozen=True)
class Extrapolation(BasePruner):
    """Stops what will probably not end better than the best so far (Domhan et al. 2015)."""

    predict: Predict
    epochs: int
    warmup: float
    confidence: float
    startup: int = 6

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        mine = np.array(list(trial.intermediate_values.values()))
        done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(mine) < round(self.warmup * self.epochs) or len(done) < self.startup:
            return False
        whole = np.array([list(t.intermediate_values.values()) for t in done])
        mean, deviation = self.predict(whole, mine, self.epochs)
        best = whole[:, -1].max()
        return (1 + erf((best - mean) / max(deviation, 1e-5) / sqrt(2))) / 2 > self.confidence


def by_gain(whole: Array, mine: Array, epochs: int) -> tuple[float, float]:
    """From here on it gains what the others gained."""
    gains = whole[:, -1] - whole[:, len(mine) - 1]
    return mine[-1] + gains.mean(), float(gains.std(ddof=1))


def by_regression(whole: Array, mine: Array, epochs: int) -> tuple[float, float]:
    """A ridge regression of the gain on the last epochs (after Baker et al. 2017)."""
    columns = [max(0, len(mine) - 1 - back * max(1, len(mine) // 3)) for back in range(3)]
    x, centre, scale = whole[:, columns], whole[:, columns].mean(0), whole[:, columns].std(0) + 1e-3
    x, at = (x - centre) / scale, (mine[columns] - centre) / scale
    gains = whole[:, -1] - whole[:, len(mine) - 1]
    inverse = np.linalg.inv(x.T @ x + 0.01 * len(x) * np.eye(3))
    weights = inverse @ x.T @ (gains - gains.mean())
    leverage = np.einsum("ij,jk,ik->i", x, inverse, x) + 1 / len(x)
    left_out = (gains - gains.mean() - x @ weights) / (1 - np.minimum(leverage, 0.9))
    deviation = sqrt((left_out**2).mean() * (1 + at @ inverse @ at))
    return float(mine[-1] + gains.mean() + at @ weights), deviation


def by_form(whole: Array, mine: Array, epochs: int) -> tuple[float, float]:
    """A power law, an exponential and a logistic curve, fitted to this trial alone and weighted by
    how well they fit (a least-squares stand-in for the sampling of Domhan et al. 2015)."""
    return _continued(tuple(mine), epochs)


@cache  # the same beginnings come back in every study
def _continued(mine: tuple[float, ...], epochs: int) -> tuple[float, float]:
    t, y, answers = np.arange(1, len(mine) + 1), np.array(mine), []
    for form, start in _FORMS:

        def wrong(p: Array, form: Callable[..., Array] = form) -> Array:
            return np.append(form(p, t) - y, 0.05 * (p[0] - 0.95))  # and ends near 95 %

        fit = least_squares(wrong, start, max_nfev=60).x
        answers.append((form(fit, epochs), ((form(fit, t) - y) ** 2).mean() + 1e-5))
    means, errors = np.array(answers).T
    weights = 1 / errors / (1 / errors).sum()
    mean = float(weights @ means)
    return min(mean, 1.0), sqrt(weights @ ((means - mean) ** 2 + errors))


_FORMS: list[tuple[Callable[..., Array], tuple[float, float, float]]] = [
    (lambda p, t: p[0] - np.exp(p[1]) * t ** -np.exp(p[2]), (0.9, -0.5, -0.5)),
    (lambda p, t: p[0] - np.exp(p[1] - np.exp(p[2]) * t), (0.9, -0.3, -1.0)),
    (lambda p, t: p[0] / (1 + np.exp(-np.exp(p[1]) * (t - p[2]))), (0.9, -1.0, 3.0)),
]
