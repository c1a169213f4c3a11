"""How well proxies ranked the networks of a study."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial
from scipy.stats import spearmanr

from optunas.attributes import Outcome
from optunas.proxies import Correlation, correlations, spearman


def trained(value: float | tuple[float, ...], key: str = "", **attributes: Any) -> FrozenTrial:
    """A completed trial; a name like `proxy_swap` stands for `proxy.swap`."""
    attrs: dict[str, Any] = {"outcome": Outcome.TRAINED, "key": key} if key else {}
    attrs |= {name.replace("proxy_", "proxy."): given for name, given in attributes.items()}
    values = value if isinstance(value, tuple) else (value,)
    return create_trial(state=TrialState.COMPLETE, values=list(values), user_attrs=attrs)


def study_of(*trials: FrozenTrial, direction: str = "maximize") -> optuna.Study:
    study = optuna.create_study(directions=[direction] * max(1, len(trials[0].values or [0])))
    study.add_trials(trials)
    return study


def found(study: optuna.Study) -> Mapping[str, Correlation]:
    return {one.proxy: one for one in correlations(study)}


def test_spearman_is_that_of_scipy_with_ties_too() -> None:
    rng = np.random.default_rng(0)
    for n in (3, 7, 40):
        one, other = rng.integers(0, 6, n).astype(float), rng.normal(size=n)
        assert spearman(one, other) == pytest.approx(spearmanr(one, other)[0], abs=1e-12)
        assert spearman(one, one) == pytest.approx(1)


@pytest.mark.parametrize("rows", [([], []), ([1.0, 2.0], [3.0, 4.0]), ([5.0] * 4, [1.0, 2, 3, 4])])
def test_spearman_of_too_little_is_not_defined(rows: tuple[list[float], list[float]]) -> None:
    assert math.isnan(spearman(*rows))


def test_each_proxy_is_ranked_best_first_beside_the_sizes() -> None:
    values = [0.3, 0.5, 0.4, 0.8, 0.7, 0.6]
    noise = [2, 1, 4, 3, 6, 5]
    study = study_of(
        *(
            trained(value, str(i), proxy_swap=10 * value, proxy_synflow=-value, params=noise[i])
            for i, value in enumerate(values)
        )
    )
    rows = correlations(study)
    assert [row.proxy for row in rows] == ["swap", "params", "synflow"]
    assert [row.networks for row in rows] == [6, 6, 6]
    assert [row.rho for row in rows] == pytest.approx([1, spearmanr(noise, values)[0], -1])


def test_a_smaller_loss_is_better() -> None:
    trials = [trained(1 / n, str(n), proxy_swap=n) for n in range(1, 8)]
    assert found(study_of(*trials, direction="minimize"))["swap"].rho == pytest.approx(1)
    assert found(study_of(*trials))["swap"].rho == pytest.approx(-1)


def test_the_first_of_several_objectives_counts() -> None:
    trials = [trained((float(n), float(n % 3)), str(n), proxy_swap=n) for n in range(8)]
    assert found(study_of(*trials))["swap"].rho == pytest.approx(1)


def test_what_counts_are_networks_trained_to_the_end_each_once() -> None:
    good = [trained(float(n), str(n), proxy_swap=n) for n in range(5)]
    others = [
        trained(-100.0, "4", proxy_swap=4),  # a twin, by its key
        trained(-100.0, "6", proxy_swap=60, outcome=Outcome.REUSED),
        trained(-100.0, "7", proxy_swap=math.nan),
        trained(-100.0, "8", proxy_swap="high"),
        trained(math.inf, "9", proxy_swap=-90),
        trained(-100.0, "10"),
        create_trial(
            state=TrialState.PRUNED,
            intermediate_values={1: -100.0},
            user_attrs={"proxy.swap": 70, "outcome": Outcome.PRUNED},
        ),
        create_trial(state=TrialState.FAIL, user_attrs={"proxy.swap": 80}),
    ]
    swap = found(study_of(*good, *others))["swap"]
    assert swap.networks == 5
    assert swap.rho == pytest.approx(1)


def test_studies_of_other_tools_have_trials_without_keys() -> None:
    assert found(study_of(*(trained(float(n), params=n) for n in range(4))))["params"].networks == 4


def test_sizes_may_be_proxies_too() -> None:
    trials = [trained(float(n), str(n), params=-n, proxy_params=n) for n in range(4)]
    assert found(study_of(*trials))["params"].rho == pytest.approx(1)


def test_a_proxy_that_is_the_same_for_all_comes_last() -> None:
    trials = [trained(float(n), str(n), proxy_swap=3, params=-n, macs=n) for n in range(5)]
    rows = correlations(study_of(*trials))
    assert [row.proxy for row in rows] == ["macs", "params", "swap"]
    assert math.isnan(rows[-1].rho)
    assert math.isnan(rows[-1].low)


def test_without_networks_there_is_nothing_to_say() -> None:
    assert correlations(optuna.create_study()) == []
    assert correlations(study_of(trained(1.0, "0", proxy_swap="?"))) == []


def test_the_interval_holds_the_truth_nineteen_times_in_twenty() -> None:
    """Normal pairs with a correlation r have the rank correlation 6/pi asin(r/2)."""
    r, n, times = 0.7, 30, 300
    truth = 6 / math.pi * math.asin(r / 2)
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(times):
        one, noise = rng.normal(size=(2, n))
        other = r * one + math.sqrt(1 - r * r) * noise
        trials = [
            trained(float(b), str(i), proxy_swap=float(a))
            for i, (a, b) in enumerate(zip(one, other, strict=True))
        ]
        row = found(study_of(*trials))["swap"]
        held += row.low <= truth <= row.high
    assert 0.91 < held / times < 0.985


def test_the_interval_narrows_with_more_networks() -> None:
    def width(n: int) -> float:
        trials = [trained(float(i + 3 * (i % 2)), str(i), proxy_swap=i) for i in range(n)]
        row = found(study_of(*trials))["swap"]
        assert -1 <= row.low < row.rho < row.high <= 1
        return row.high - row.low

    assert width(40) < width(10)
