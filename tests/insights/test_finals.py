"""What pruned networks would have come to: estimated without bias, and with its doubt."""

import numpy as np
import pytest

from optunas.insights.finals import DRAWS, with_finals
from optunas.insights.reading import aim_of

from .made import a_trial, choices_of, drawn, study_of


def searched(trials: int, seed: int = 0):
    """A third of the networks, the worst by epoch 2, were stopped; gives study and true ends."""
    rng = np.random.default_rng(seed)
    space = choices_of(3)
    rows = []
    for _ in range(trials):
        params = drawn(space, rng)
        end = 0.05 * (params["p0"] == "a") + rng.normal(0, 0.02)
        rows.append(
            (params, [float(end - 0.1 + rng.normal(0, 0.01)) for _ in range(2)], float(end))
        )
    edge = np.quantile([early[1] for _, early, _ in rows], 1 / 3)
    made = [
        a_trial(n, "pruned", None, params=p, distributions=space, values=early)
        if early[1] < edge
        else a_trial(n, value=end, params=p, distributions=space, values=[*early, end])
        for n, (p, early, end) in enumerate(rows)
    ]
    return study_of(made), np.array([end for *_, end in rows])


def test_trained_values_stay_and_pruned_ones_are_near_the_truth():
    study, ends = searched(300)
    trials, values = with_finals(study.trials, aim_of(study))
    assert [trial.number for trial in trials] == list(range(300))
    assert values.shape == (300, DRAWS)
    pruned = np.array([not trial.values for trial in trials])
    assert pruned.sum() == 100
    assert values[~pruned] == pytest.approx(np.repeat(ends[~pruned, None], DRAWS, 1))
    missed = values[pruned].mean(1) - ends[pruned]
    assert abs(missed.mean()) < 0.003
    # an epoch's noise is 0.01 and a network's own 0.02: more is not to be known
    assert missed.std() < 0.012


def test_draws_differ_as_much_as_the_truth_is_unknown():
    study, ends = searched(300)
    trials, values = with_finals(study.trials, aim_of(study))
    pruned = np.array([not trial.values for trial in trials])
    inside = (values[pruned].min(1) < ends[pruned]) & (ends[pruned] < values[pruned].max(1))
    assert inside.mean() == pytest.approx(9 / 11, abs=0.1)  # an eleventh draw is the least, or most


def test_it_is_the_same_every_time():
    study, _ = searched(90)
    first, again = (with_finals(study.trials, aim_of(study))[1] for _ in range(2))
    assert np.array_equal(first, again)


def test_ten_trained_networks_are_enough():
    study, _ = searched(15)
    trials, values = with_finals(study.trials, aim_of(study))
    assert len(trials) == 15
    assert np.isfinite(values).all()


def test_without_them_there_is_nothing_since_the_trained_alone_would_mislead():
    study, _ = searched(14)  # 9 were trained
    trials, values = with_finals(study.trials, aim_of(study))
    assert (trials, values.shape) == ([], (0, DRAWS))


def test_a_few_pruned_networks_can_be_left_out():
    study, _ = searched(14)
    trained = [trial for trial in study.trials if trial.values]
    pruned = [trial for trial in study.trials if not trial.values]
    assert len(with_finals([*trained, *pruned[:2]], aim_of(study))[0]) == 9


def test_an_epoch_that_no_trained_network_reported_tells_nothing():
    study, _ = searched(90)
    odd = a_trial(90, "pruned", None, params=study.trials[0].params,
                  distributions=study.trials[0].distributions)  # fmt: skip
    odd.intermediate_values = {7: 0.5}
    trials, _ = with_finals([*study.trials, odd], aim_of(study))
    assert 90 not in [trial.number for trial in trials]


def test_none():
    trials, values = with_finals([], aim_of(study_of([])))
    assert (trials, values.shape) == ([], (0, DRAWS))
