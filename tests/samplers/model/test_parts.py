"""Encoding, targets, acquisition: small things with exact answers."""

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial
from scipy.integrate import quad
from scipy.stats import norm

from optunas.samplers.model.acquisition import (
    area_gain,
    log_expected_improvement,
    log_feasibility,
)
from optunas.samplers.model.encoding import Encoder
from optunas.samplers.model.memory import remembered
from optunas.samplers.model.table import position
from optunas.samplers.model.targets import Weighting, normal_scores, results, scores
from optunas.spaces.sight import View

MAXIMIZE = [StudyDirection.MAXIMIZE]
OP = CategoricalDistribution(("conv", "pool"))
WIDTH = IntDistribution(8, 32, step=8)


def view(params: dict, features: dict | None = None) -> View:
    kinds = {"op": OP, "width": WIDTH}
    found = {name: kinds[name] for name in params}
    return View(params, found, str(params), describe=lambda: features or {})


def trial(number: int, state: TrialState, value: float | None = None, **steps: float):
    reported = {int(name[1:]): number for name, number in steps.items()}
    made = create_trial(state=state, value=value, intermediate_values=reported)
    made.number = number
    return made


def test_equal_networks_are_nowhere_and_different_ones_1_apart_in_the_middle() -> None:
    views = [view({"op": "conv", "width": 8}), view({"op": "pool", "width": 8})]
    views += [view({"op": "conv", "width": 8}), view({"op": "conv", "width": 32})]
    choices, numbers = Encoder(views)(views)
    assert np.linalg.norm(choices[0] - choices[1]) == pytest.approx(1)
    assert np.linalg.norm(numbers[0] - numbers[3]) == pytest.approx(1)
    assert (choices[0] == choices[2]).all()
    assert (numbers[0] == numbers[2]).all()


def test_features_are_standardised_and_constant_ones_left_out() -> None:
    views = [view({}, {"log2.params": x, "count.Conv": 5.0}) for x in (1.0, 2.0, 3.0)]
    (block,) = Encoder(views)(views)
    assert block.shape == (3, 1)
    gaps = np.abs(block[:, 0, None] - block[None, :, 0])
    assert np.median(gaps[gaps > 0]) == pytest.approx(1)


def test_what_only_others_have_is_a_column_too() -> None:
    known, other = view({"op": "conv"}, {"a": 1.0}), view({"op": "conv"}, {"a": 1.0, "b": 2.0})
    (block,) = Encoder([known], [other])([known, other])
    assert block[0, 0] == 0 != block[1, 0]


def test_conditional_parameters_may_be_missing() -> None:
    views = [view({"op": "conv", "width": 16}), view({"op": "pool"})]
    blocks = Encoder(views)(views)
    assert all(np.isfinite(block).all() for block in blocks)


@pytest.mark.parametrize(
    ("distribution", "value", "wanted"),
    [
        (IntDistribution(8, 32), 20, 0.5),
        (IntDistribution(1, 100, log=True), 10, 0.5),
        (FloatDistribution(1e-4, 1e-2, log=True), 1e-3, 0.5),
        (FloatDistribution(2.0, 2.0), 2.0, 0.5),
    ],
)
def test_where_a_number_lies(distribution, value, wanted) -> None:
    assert position(distribution, value) == pytest.approx(wanted)


def test_targets_are_ranks() -> None:
    few = normal_scores(np.array([10.0, 94.0, 93.9, -np.inf]))
    assert list(np.argsort(few)) == [3, 0, 2, 1]
    assert few.sum() == pytest.approx(0)
    assert normal_scores(np.array([1.0, 1.0]))[0] == normal_scores(np.array([1.0, 1.0]))[1]


def completed() -> list[FrozenTrial]:
    """Ends 10, 20, 30, 40; at epoch 2 they stood at 1, 2, 3, 4."""
    return [
        trial(n, TrialState.COMPLETE, 10.0 * (n + 1), e2=n + 1.0, e5=10.0 * (n + 1))
        for n in range(4)
    ]


def test_a_pruned_trial_counts_as_those_that_stood_where_it_did() -> None:
    found = results([*completed(), trial(4, TrialState.PRUNED, e1=0.0, e2=2.5)], MAXIMIZE)
    assert found[4].merits == (25.0,)
    assert found[4].extra > found[0].extra == 0


def test_a_pruned_trial_at_an_epoch_that_nobody_reported_is_doubtful_and_bad() -> None:
    found = results([*completed(), trial(4, TrialState.PRUNED, e3=99.0)], MAXIMIZE)
    assert found[4].merits == (10.0,)
    assert found[4].extra > 0.25


def test_a_pruned_trial_of_several_objectives_is_estimated_by_its_reports() -> None:
    both = [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE]
    trials = []
    for n in range(4):  # ends 10, 20, 30, 40 at costs 4, 3, 2, 1
        rows = [[2, n + 1.0, 4.0 - n], [5, 10.0 * (n + 1), 4.0 - n]]
        values = [10.0 * (n + 1), 4.0 - n]
        trials.append(create_trial(values=values, user_attrs={"reported": rows}))
    stopped = {"reported": [[2, 2.5, 2.5]]}
    trials.append(create_trial(state=TrialState.PRUNED, values=None, user_attrs=stopped))
    for number, one in enumerate(trials):
        one.number = number
    assert results(trials, both)[4].merits == (25.0, -2.5)


def test_a_report_that_is_no_number_and_nothing_to_compare_with_says_nothing() -> None:
    assert results([trial(0, TrialState.PRUNED, e1=float("nan"))], MAXIMIZE) == {}


def test_rejected_and_failed_trials_say_nothing() -> None:
    rejected, failed = trial(4, TrialState.PRUNED), trial(5, TrialState.FAIL)
    assert set(results([*completed(), rejected, failed], MAXIMIZE)) == {0, 1, 2, 3}


def test_to_minimize_is_to_maximize_the_negative() -> None:
    found = results(completed(), [StudyDirection.MINIMIZE])
    assert found[0].merits == (-10.0,)


def test_weights_of_several_objectives_differ_from_proposal_to_proposal() -> None:
    both = [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE]
    trials = [create_trial(values=[float(n), float(n)]) for n in range(5)]
    for number, one in enumerate(trials):
        one.number = number
    targets = scores(list(results(trials, both).values()))
    weightings = [Weighting.drawn(2, np.random.default_rng(seed)) for seed in range(30)]
    assert {0, 4} <= {int(np.argmax(weighting(targets))) for weighting in weightings}


@pytest.mark.parametrize("mean", [-8.0, -5.01, -4.99, -1.0, 0.0, 2.0])
def test_expected_improvement_is_the_integral(mean: float) -> None:
    found = log_expected_improvement(np.array([mean]), np.array([1.0]), 0.0)[0]
    wanted, _ = quad(lambda x: x * norm.pdf(x, mean), 0, 12, epsabs=0, epsrel=1e-10)
    assert found == pytest.approx(np.log(wanted), rel=1e-5)


def test_expected_improvement_is_finite_where_there_is_none() -> None:
    far = log_expected_improvement(np.array([-1e3, -1e4]), np.array([1.0, 1.0]), 0.0)
    assert np.isfinite(far).all()
    assert far[0] > far[1]


def test_feasibility_is_a_probability() -> None:
    found = np.exp(log_feasibility(np.array([0.0, -3.0, 3.0]), np.ones(3)))
    np.testing.assert_allclose(found, norm.cdf([0.0, 3.0, -3.0]))


def test_a_point_gains_the_area_that_the_front_did_not_dominate() -> None:
    front = np.array([[1.0, 3.0], [2.0, 2.0], [0.5, 0.5]])  # the last one is dominated
    points = np.array([[2.0, 3.0], [0.5, 4.0], [3.0, 1.0], [1.0, 1.0], [-1.0, 9.0]])
    gains = area_gain(points, front, 0.0)
    np.testing.assert_allclose(gains, [1.0, 0.5, 1.0, 0.0, 0.0])


def test_a_long_study_is_remembered_by_its_best_its_newest_and_some_between() -> None:
    trials = [trial(n, TrialState.COMPLETE, float(-abs(n - 30))) for n in range(100)]
    kept = [t.number for t in remembered(trials, MAXIMIZE, most=40)]
    assert 30 <= len(kept) <= 40
    assert kept == sorted(kept)
    assert set(range(26, 35)) | set(range(90, 100)) <= set(kept)
    assert min(kept) == 0
    assert remembered(trials[:40], MAXIMIZE, most=40) == trials[:40]
