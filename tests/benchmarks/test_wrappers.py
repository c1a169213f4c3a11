"""Noise, costs and failures around a table."""

import math
from statistics import fmean, stdev

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from optunas.benchmarks import (
    Benchmark,
    Costly,
    Failing,
    Noisy,
    Result,
    Table,
    TabularBenchmark,
    simulate,
)
from optunas.errors import OptunasError


def space(trial):
    return trial.suggest_int("n", 0, 9)


def table():
    rows = [[n, n / 2, 10 * n + 1] for n in range(10)]
    return Table(("value", "early", "seconds"), {n: n for n in range(10)}, np.array(rows))


def number(params):
    return params["n"]


PLAIN = TabularBenchmark(space, table(), number, "value")
CURVED = TabularBenchmark(space, table(), number, "value", curve={5: "early"}, step=10)
PAIR = TabularBenchmark(space, table(), number, ("value", "seconds"), ("maximize", "minimize"))


def trials(benchmark, n_trials=40, n=None):
    sampler = optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(
        directions=benchmark.directions, sampler=sampler, pruner=optuna.pruners.NopPruner()
    )
    for _ in range(n_trials if n is not None else 0):
        study.enqueue_trial({"n": n})
    study.optimize(benchmark, n_trials=n_trials)
    return study.trials


def test_each_is_a_benchmark_and_they_nest():
    nested = Costly(Failing(Noisy(CURVED, 0.1), 0.2), "seconds")
    for benchmark in (PLAIN, Noisy(PLAIN, 1.0), Costly(PLAIN, 2.0), Failing(PLAIN, 0.5), nested):
        assert isinstance(benchmark, Benchmark)
        assert benchmark.space is space
        assert benchmark.directions == ["maximize"]
        assert benchmark.row({"n": 3}) == {"value": 3.0, "early": 1.5, "seconds": 31.0}
        assert benchmark.columns == ("value", "early", "seconds")


def test_noise_is_gaussian_and_follows_from_the_trials_number():
    values = [trial.value for trial in trials(Noisy(PLAIN, 0.5, seed=1), 300, n=4)]
    assert fmean(values) == pytest.approx(4, abs=0.1)
    assert stdev(values) == pytest.approx(0.5, rel=0.15)
    assert len(set(values)) == 300
    assert values[:30] == [t.value for t in trials(Noisy(PLAIN, 0.5, seed=1), 30, n=4)]
    assert values[0] != trials(Noisy(PLAIN, 0.5, seed=2), 1, n=4)[0].value


def test_reports_have_noise_of_their_own():
    trial = trials(Noisy(CURVED, 0.5), 1, n=4)[0]
    assert trial.intermediate_values[10] == trial.value != 4
    assert trial.intermediate_values[5] - 2 != trial.value - 4


def test_no_noise_changes_nothing():
    assert [t.value for t in trials(Noisy(PLAIN, 0.0))] == [t.value for t in trials(PLAIN)]


def test_noise_for_each_objective():
    values = [trial.values for trial in trials(Noisy(PAIR, (0.0, 2.0)), 50, n=4)]
    assert {first for first, _ in values} == {4.0}
    assert stdev(second for _, second in values) == pytest.approx(2.0, rel=0.3)


@pytest.mark.parametrize("seconds", ["seconds", lambda params: 10 * params["n"] + 1])
def test_costs_from_a_column_or_a_function(seconds):
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.NopPruner())
    study.enqueue_trial({"n": 4})
    done = simulate(study, Costly(CURVED, seconds), n_trials=1)
    assert done.seconds == 41.0
    study.enqueue_trial({"n": 4})
    reports = Costly(CURVED, seconds).look_up(study.ask()).curve
    assert [(report.step, report.seconds) for report in reports] == [(5, 20.5)]


def test_a_share_fails_each_with_a_reason():
    found = trials(Failing(PLAIN, 0.3, seed=3), 400)
    failed = [trial for trial in found if trial.state is TrialState.FAIL]
    assert len(failed) / 400 == pytest.approx(0.3, abs=0.06)
    assert {trial.user_attrs["outcome"] for trial in failed} == {"failed"}
    assert "30% of the trials" in failed[0].user_attrs["reason"]
    again = trials(Failing(PLAIN, 0.3, seed=3), 400)
    assert [t.state for t in found] == [t.state for t in again]


def test_failures_and_noise_of_one_seed_are_independent():
    found = trials(Failing(Noisy(PLAIN, 1.0), 0.5), 300, n=4)
    noise = [t.value for t in trials(Noisy(PLAIN, 1.0), 300, n=4)]
    pairs = zip(found, noise, strict=True)
    failed = [value for trial, value in pairs if trial.state is TrialState.FAIL]
    assert fmean(failed) == pytest.approx(4, abs=0.25)


def test_a_failure_comes_on_the_way():
    results = []
    study = optuna.create_study(direction="maximize")
    for _ in range(100):
        results.append(Failing(CURVED, 1.0).look_up(study.ask()))
    assert all(result.values == () and 0 < result.seconds < 1 for result in results)
    assert {len(result.curve) for result in results} == {0, 1}  # some before the report, some after
    assert all(result.curve == () for result in results if result.seconds <= 0.5)


def test_several_objectives_may_fail():
    assert {t.state for t in trials(Failing(PAIR, 1.0), 3)} == {TrialState.FAIL}


def test_a_network_that_does_not_exist_stays_so():
    few = TabularBenchmark(space, table(), lambda params: params["n"] + 100, "value")
    for benchmark in (Noisy(few, 1.0), Costly(few, "seconds"), Failing(few, 1.0)):
        result = benchmark.look_up(optuna.create_study(direction="maximize").ask())
        assert isinstance(result, Result)
        assert (result.end, result.seconds, result.values) == ("rejected", 0.0, ())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Noisy(PLAIN, -1.0), "std is 0 or more, .*; got -1.0"),
        (lambda: Noisy(PLAIN, math.nan), "std is 0 or more"),
        (lambda: Noisy(PLAIN, (1.0, 1.0)), "one number or one for each objective"),
        (lambda: Costly(PLAIN, "second"), "no column is called 'second'. Did you mean 'seconds'"),
        (lambda: Costly(PLAIN, -2), "0 seconds or more; got -2"),
        (lambda: Costly(PLAIN, math.inf), "0 seconds or more; got inf"),
        (lambda: Failing(PLAIN, 1.5), "0 to 1; got 1.5"),
    ],
)
def test_wrong_arguments_are_refused_at_once(make, message):
    with pytest.raises(OptunasError, match=message):
        make()


def test_a_cost_that_is_none_is_said_when_it_comes():
    study = optuna.create_study(direction="maximize")
    with pytest.raises(OptunasError, match=r"0 seconds or more; got -1 for {'n': "):
        study.optimize(Costly(PLAIN, lambda params: -1), n_trials=1)
