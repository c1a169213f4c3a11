"""Early epochs against the last: rho is scipy's, and `SAFE` what it is said to be."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from optunas.insights import agreement
from optunas.insights.agreement import FEWEST, SAFE

from .made import a_trial, study_of


def learned(networks: int, noise: float, seed: int = 0, epochs: int = 6) -> list[list[float]]:
    rng = np.random.default_rng(seed)
    ends = rng.normal(0, 1, networks)
    return [
        [float(end + rng.normal(0, noise * (epochs - e))) for e in range(1, epochs)] + [float(end)]
        for end in ends
    ]


def trials_of(rows: list[list[float]]) -> list:
    return [a_trial(n, value=row[-1], values=row) for n, row in enumerate(rows)]


def test_rho_is_that_of_scipy():
    rows = np.array(learned(40, 0.3))
    found = agreement(study_of(trials_of(rows.tolist())))
    assert [row.epoch for row in found.rows] == [1, 2, 3, 4, 5]
    for place, row in enumerate(found.rows):
        assert row.rho == pytest.approx(spearmanr(rows[:, place], rows[:, -1]).statistic)
        assert row.low < row.rho < row.high
        assert row.networks == 40
    assert (found.epochs, found.networks) == (6, 40)


def test_safe_means_a_tenth_of_the_best_tenth_in_the_worse_half():
    rng = np.random.default_rng(0)
    end = rng.standard_normal(1_000_000)
    rank = 2 * np.sin(np.pi * SAFE / 6)  # Pearson's correlation of normal values for Spearman's rho
    early = rank * end + np.sqrt(1 - rank**2) * rng.standard_normal(len(end))
    best = end > np.quantile(end, 0.9)
    lost = (early[best] < np.median(early)).mean()
    assert 0.07 < lost < 0.11


def test_pruning_that_ranks_well_is_safe():
    trials = trials_of(learned(60, 0.05))
    trials.append(a_trial(60, "pruned", None, values=[-3.0, -3.0]))
    found = agreement(study_of(trials))
    assert found.is_safe is True
    assert (found.pruned_from, found.safe_from) == (2, 1)
    assert found.verdict.startswith(
        "Pruning after epoch 2 was safe: it ranks the networks as epoch 6"
    )
    assert "60 networks" in found.verdict


def test_pruning_that_ranks_badly_is_not():
    found = agreement(study_of(trials_of(learned(80, 2.0))))
    assert found.is_safe is False
    assert found.verdict.startswith("Pruning after epoch 1 would not be safe")
    assert found.safe_from is None or found.safe_from > 1


def test_a_dozen_networks_are_not_sure():
    found = agreement(study_of(trials_of(learned(12, 0.2, seed=3))))
    assert found.is_safe is None
    assert "is not sure" in found.verdict


def test_too_few_networks_say_nothing():
    found = agreement(study_of(trials_of(learned(FEWEST - 1, 0.01))))
    assert (found.is_safe, found.judged, found.safe_from) == (None, None, None)
    assert f"there are {FEWEST - 1}" in found.verdict


def test_a_study_that_minimises_agrees_as_well():
    rows = learned(40, 0.1)
    up = agreement(study_of(trials_of(rows)))
    down = agreement(study_of(trials_of(rows), ("minimize",)))
    assert up.rows == down.rows


def test_only_networks_of_the_most_common_length_count():
    trials = trials_of(learned(20, 0.1))
    trials += [a_trial(20 + n, value=0.1, values=[0.5, 0.1]) for n in range(5)]
    found = agreement(study_of(trials))
    assert (found.epochs, found.networks) == (6, 20)


def test_reused_and_pruned_results_do_not_count():
    trials = trials_of(learned(20, 0.1))
    trials.append(a_trial(20, "reused", 0.1, values=[0.1] * 6))
    trials.append(a_trial(21, "pruned", None, values=[0.1] * 5))
    assert agreement(study_of(trials)).networks == 20


def test_several_objectives_are_read_from_what_was_reported():
    rows = learned(30, 0.2)
    trials = [
        a_trial(n, value=(9.0, row[-1]),
                attributes={"reported": [[e, 9.0, v] for e, v in enumerate(row, 1)]})
        for n, row in enumerate(rows)
    ]  # fmt: skip
    study = study_of(trials, ("minimize", "maximize"), ("params", "accuracy"))
    assert agreement(study).rows == agreement(study_of(trials_of(rows))).rows


def test_nothing_and_what_is_no_number_say_so():
    assert agreement(study_of([])).rows == ()
    bad = [a_trial(n, value=0.5, values=[float("nan"), 0.5]) for n in range(20)]
    assert agreement(study_of(bad)).is_safe is None
    same = [a_trial(n, value=0.5, values=[0.5, 0.5]) for n in range(20)]
    assert agreement(study_of(same)).is_safe is None
    assert agreement(study_of(same)).verdict == (
        "Whether pruning is safe here can't be said: after an early epoch the networks do not "
        "differ, or were not reported."
    )
