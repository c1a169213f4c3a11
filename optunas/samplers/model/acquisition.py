"""How much a network promises: how far it may be above the best, and within the constraints."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

from optunas.ranks import Array

SAMPLES = 64
TINY = 1e-300


def log_expected_improvement(mean: Array, deviation: Array, best: float) -> Array:
    """log E[max(f - best, 0)] for f ~ N(mean, deviation^2).

    Stable far below the best, where the improvement itself is 0 in floating point (Ament et al.
    2023, arXiv:2310.20708).
    """
    z = (mean - best) / deviation
    near = z > -5
    close = np.where(near, z, 0.0)
    far = np.where(near, -5.0, z)
    density = np.exp(-0.5 * close**2) / np.sqrt(2 * np.pi)
    improvement = np.log(density + close * ndtr(close))
    # for z -> -inf: log(phi(z)) + log(1 + z Phi(z)/phi(z)), and Phi/phi is a scaled erfc
    ratio = np.sqrt(np.pi / 2) * erfcx(-far / np.sqrt(2))
    tail = -0.5 * far**2 - 0.5 * np.log(2 * np.pi) + np.log1p(far * ratio)
    return np.asarray(np.log(deviation) + np.where(near, improvement, tail))


def log_sampled_improvement(
    means: Array, deviations: Array, gain: Callable[[Array], Array]
) -> Array:
    """The same for the `gain` of k independent normals, means (n, k), over the same samples."""
    normals = np.random.default_rng(0).normal(size=(SAMPLES, 1, means.shape[1]))
    gains = gain(means + deviations * normals)
    return np.asarray(np.log(np.maximum(gains, 0.0).mean(axis=0) + TINY))


def area_gain(points: Array, front: Array, reference: float) -> Array:
    """How much more area is dominated with each of the points (..., 2) than by the front (m, 2).

    Both coordinates the greater the better; the area begins at `reference` in both (Emmerich 2005).
    """
    # the front's outline as steps: up to x[i] the height y[i] is reached
    order = np.argsort(front[:, 0])
    x, y = front[order, 0], np.maximum.accumulate(front[order, 1][::-1])[::-1]
    left = np.concatenate([[reference], x])
    height = np.concatenate([y, [reference]])
    right = np.concatenate([x, [np.inf]])
    width = np.clip(np.minimum(points[..., :1], right) - left, 0, None)
    return np.asarray((width * np.clip(points[..., 1:] - height, 0, None)).sum(-1))


def log_feasibility(mean: Array, deviation: Array) -> Array:
    """log P[c <= 0] for c ~ N(mean, deviation^2)."""
    return np.asarray(log_ndtr(-mean / deviation))
