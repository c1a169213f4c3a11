"""Holm's procedure, against its definition and statsmodels' documented example."""

import numpy as np

from optunas.insights.holm import holm


def test_the_smallest_must_pass_the_hardest():
    assert holm([0.01, 0.04, 0.03, 0.005]) == [True, False, False, True]
    assert holm([0.02, 0.03]) == [True, True]
    assert holm([0.03, 0.04]) == [False, False]
    assert holm([]) == []
    assert holm([float("nan"), 0.001]) == [False, True]


def test_of_studies_without_any_effect_one_in_twenty_has_one():
    rng = np.random.default_rng(0)
    wrong = [any(holm(list(row))) for row in rng.random((4000, 25))]
    assert 0.04 < np.mean(wrong) < 0.06
