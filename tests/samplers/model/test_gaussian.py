import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

from optunas.samplers.model.fitting import _Problem, fitted
from optunas.samplers.model.gaussian import (
    JITTER,
    Hyperparameters,
    Points,
    Posterior,
    factored,
)

RNG = np.random.default_rng(0)


def fit(points: Points, targets: np.ndarray, tasks: int = 1) -> Posterior:
    start, extra = Hyperparameters.prior(len(points.blocks), tasks), np.zeros(len(points))
    return Posterior(fitted(points, targets, extra, start), points, targets, extra)


def points(n: int, tasks: int = 1, seed: int = 0) -> Points:
    rng = np.random.default_rng(seed)
    blocks = (rng.normal(size=(n, 4)), rng.normal(size=(n, 3)))
    return Points(blocks, rng.integers(0, tasks, n))


def test_one_block_is_what_scikit_learn_says() -> None:
    known, new = points(30), points(10, seed=1)
    targets = np.sin(known.blocks[0][:, 0])
    one, other = Points(known.blocks[:1], known.tasks), Points(new.blocks[:1], new.tasks)
    numbers = Hyperparameters(np.array([0.0]), np.array([0.5]), -6.0, np.zeros(0))
    mean, deviation = Posterior(numbers, one, targets, np.zeros(30)).at(other)
    theirs = GaussianProcessRegressor(
        Matern(length_scale=np.exp(0.5), nu=2.5), alpha=np.exp(-6.0) + JITTER, optimizer=None
    ).fit(one.blocks[0], targets)
    wanted, spread = theirs.predict(other.blocks[0], return_std=True)
    np.testing.assert_allclose(mean, wanted, atol=1e-8)
    np.testing.assert_allclose(deviation, spread, atol=1e-6)


@pytest.mark.parametrize("tasks", [1, 3])
def test_the_gradient_is_that_of_the_loss(tasks: int) -> None:
    shape = Hyperparameters.prior(2, tasks)
    problem = _Problem(shape, points(40, tasks), RNG.normal(size=40), np.zeros(40))
    at = shape.vector + RNG.normal(size=len(shape.vector)) * 0.3
    numeric = approx_fprime(at, lambda v: problem.loss(v)[0], 1e-6)
    np.testing.assert_allclose(problem.loss(at)[1], numeric, rtol=1e-3, atol=1e-4)


def test_it_learns_which_block_matters() -> None:
    known = points(80)
    numbers = fit(known, known.blocks[1][:, 0]).numbers
    assert numbers.variances[1] > numbers.variances[0] + 2


def test_results_of_a_like_task_help_and_those_of_an_unlike_one_don_t() -> None:
    rng = np.random.default_rng(1)
    block = rng.normal(size=(110, 2))
    truth = block[:, 0] - 0.5 * block[:, 1]
    tasks = np.array([0] * 5 + [1] * 100 + [0] * 5)
    known = np.arange(105)
    like = fit(Points((block[known],), tasks[known]), truth[known], 2)
    junk = np.concatenate([truth[:5], rng.normal(size=100)])
    unlike = fit(Points((block[known],), tasks[known]), junk, 2)
    new = Points((block[105:],), tasks[105:])
    error = [np.abs(p.at(new)[0] - truth[105:]).mean() for p in (like, unlike)]
    assert error[0] < 0.15 < error[1]
    assert like.numbers.correlations[0] > unlike.numbers.correlations[0]


def test_a_result_with_more_variance_counts_less() -> None:
    known = Points((np.array([[0.0], [0.0]]),), np.zeros(2, dtype=np.int64))
    numbers = Hyperparameters.prior(1, 1)
    mean, _ = Posterior(numbers, known, np.array([1.0, -1.0]), np.array([0.0, 1.0])).at(known)
    assert mean[0] > 0.5


def test_more_results_with_the_same_numbers() -> None:
    known, more = points(20), points(5, seed=2)
    before = fit(known, known.blocks[0][:, 0])
    after = before.knowing(more, before.at(more)[0])
    np.testing.assert_allclose(after.at(more)[0], before.at(more)[0], atol=1e-2)
    assert (after.at(more)[1] < before.at(more)[1]).all()


def test_a_factor_that_is_known_in_part_is_the_whole_one() -> None:
    known, extra = points(30, tasks=2), RNG.uniform(size=30)
    numbers = Hyperparameters.prior(2, 2)
    part = factored(numbers, known[:20], extra[:20])
    whole = factored(numbers, known, extra)
    np.testing.assert_allclose(factored(numbers, known, extra, part), whole, atol=1e-10)
    assert factored(numbers, known, extra, whole) is whole


def test_what_is_believed_of_the_results_themselves_is_the_mean_there() -> None:
    known, extra = points(25), RNG.uniform(size=25)
    posterior = Posterior(Hyperparameters.prior(2, 1), known, RNG.normal(size=25), extra)
    np.testing.assert_allclose(posterior.believed, posterior.at(known)[0], atol=1e-8)
