"""Virtual time: who runs when, what a sampler sees, what comes back."""

import math
import time

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from optunas.benchmarks import Costly, Failing, Table, TabularBenchmark, simulate
from optunas.errors import OptunasError


def space(trial):
    return trial.suggest_int("n", 1, 9)


def number(params):
    return params["n"]


TABLE = Table(
    ("value", "early"), {n: n for n in range(1, 10)}, np.array([[n, n / 2] for n in range(10)])
)
BENCHMARK = TabularBenchmark(space, TABLE, number, "value")
CURVED = TabularBenchmark(space, TABLE, number, "value", curve={5: "early"}, step=10)


class Watching(optuna.samplers.RandomSampler):
    """Notes at each proposal how many trials run, and how many have ended."""

    def __init__(self):
        super().__init__(seed=0)
        self.running, self.ended = [], []

    def before_trial(self, study, trial):
        states = [t.state for t in study.get_trials(deepcopy=False) if t.number != trial.number]
        self.running.append(states.count(TrialState.RUNNING))
        self.ended.append(len(states) - self.running[-1])


def study_of(*numbers, sampler=None, pruner=None):
    study = optuna.create_study(
        direction="maximize",
        sampler=sampler or optuna.samplers.RandomSampler(seed=0),
        pruner=pruner or optuna.pruners.NopPruner(),
    )
    for n in numbers:
        study.enqueue_trial({"n": n})
    return study


def test_one_worker_is_plain_optuna():
    study, plain = study_of(), study_of()
    result = simulate(study, BENCHMARK, n_trials=20)
    plain.optimize(BENCHMARK, n_trials=20)
    assert [t.params for t in study.trials] == [t.params for t in plain.trials]
    assert [t.value for t in study.trials] == [t.value for t in plain.trials]
    assert [(t.start, t.end) for t in result.trials] == [(i, i + 1) for i in range(20)]
    assert result.seconds == 20


def test_workers_take_the_next_trial_when_they_are_free():
    study = study_of(5, 1, 1, 3, 2)
    result = simulate(study, Costly(BENCHMARK, lambda params: params["n"]), n_trials=5, workers=2)
    assert [(t.number, t.worker, t.start, t.end) for t in result.trials] == [
        (1, 1, 0, 1),
        (2, 1, 1, 2),
        (0, 0, 0, 5),
        (3, 1, 2, 5),
        (4, 0, 5, 7),
    ]
    assert result.best_by_evaluation == [1, 1, 5, 5, 5]
    assert result.best_by_time == [(1, 1), (5, 5)]
    assert {t.state for t in study.trials} == {TrialState.COMPLETE}


def test_a_sampler_sees_the_other_workers_trials_running():
    sampler = Watching()
    simulate(study_of(sampler=sampler), BENCHMARK, n_trials=20, workers=4)
    assert sampler.running == [0, 1, 2] + [3] * 17
    assert sampler.ended == [0, 0, 0, 0, *range(1, 17)]


def test_a_trial_is_pruned_in_the_middle_of_its_time():
    pruner = optuna.pruners.ThresholdPruner(lower=2)
    study = study_of(3, 9, pruner=pruner)
    result = simulate(study, CURVED, n_trials=2, seconds=8.0)
    assert [(t.end, t.state) for t in result.trials] == [
        (4, TrialState.PRUNED),
        (12, TrialState.COMPLETE),
    ]
    assert study.trials[0].intermediate_values == {5: 1.5}
    assert study.trials[1].intermediate_values == {5: 4.5, 10: 9.0}
    assert math.isnan(result.best_by_evaluation[0])
    assert result.best_by_time == [(12, 9)]


def test_a_pruner_sees_the_reports_of_trials_that_run():
    seen = []

    class Spy(optuna.pruners.BasePruner):
        def prune(self, study, trial):
            trials = study.get_trials(deepcopy=False)
            seen.append((trial.number, [len(t.intermediate_values) for t in trials]))
            return False

    simulate(study_of(1, 2, pruner=Spy()), CURVED, n_trials=2, workers=2)
    assert seen == [(0, [1, 0]), (1, [1, 1])]


def test_failures_take_an_evaluation_rejections_none():
    holes = TabularBenchmark(space, TABLE, lambda params: params["n"] * 2, "value")
    result = simulate(study_of(9, 2, 8, 1), holes, n_trials=4)
    assert [t.rejected for t in result.trials] == [True, False, True, False]
    assert result.best_by_evaluation == [4, 4]
    assert result.seconds == 2
    failed = simulate(study_of(), Failing(BENCHMARK, 1.0), n_trials=3)
    assert {t.state for t in failed.trials} == {TrialState.FAIL}
    assert len(failed.evaluations) == len(failed.incumbents) == 3
    assert failed.best_by_time == []


def test_how_many_evaluations_it_took():
    result = simulate(study_of(3, 5, 9, 4), BENCHMARK, n_trials=4)
    assert [result.evaluations_to(value) for value in (1, 4, 5, 9, 10)] == [1, 2, 2, 3, None]
    assert [best.params for best in result.incumbents] == [{"n": n} for n in (3, 5, 9, 9)]


def test_to_minimise():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for n in (4, 6, 2):
        study.enqueue_trial({"n": n})
    benchmark = TabularBenchmark(space, TABLE, number, "value", "minimize")
    result = simulate(study, benchmark, n_trials=3)
    assert result.best_by_evaluation == [4, 4, 2]
    assert result.evaluations_to(3) == 3


def test_no_trial_begins_after_the_end():
    result = simulate(study_of(), BENCHMARK, n_trials=100, workers=3, until=2.5)
    assert len(result.trials) == 9
    assert result.seconds == 3


def test_no_trial_begins_after_the_goal():
    result = simulate(study_of(3, 7, 9, 8), BENCHMARK, n_trials=100, goal=8)
    assert [t.values for t in result.trials] == [(3,), (7,), (9,)]
    result = simulate(study_of(3, 7, 9, 1), BENCHMARK, n_trials=100, workers=2, goal=9)
    assert [t.number for t in result.trials] == [0, 1, 2, 3]  # what runs comes to its end
    study = optuna.create_study(directions=["minimize"])
    for n in (3, 2, 1):
        study.enqueue_trial({"n": n})
    assert len(simulate(study, space, n_trials=3, goal=2).trials) == 2


def test_any_function_of_a_trial():
    def function(trial):
        n = trial.suggest_int("n", 1, 9)
        if n == 1:
            raise optuna.TrialPruned
        return math.nan if n == 2 else n

    result = simulate(study_of(1, 2, 7), function, n_trials=3, seconds=lambda params: params["n"])
    assert [(t.end, t.state) for t in result.trials] == [
        (1, TrialState.PRUNED),
        (3, TrialState.FAIL),
        (10, TrialState.COMPLETE),
    ]


def test_an_error_of_the_function_is_an_error():
    study = study_of()
    with pytest.raises(ZeroDivisionError):
        simulate(study, lambda trial: 1 / 0, n_trials=3)
    assert [t.state for t in study.trials] == [TrialState.FAIL]


def test_a_cost_that_is_none_leaves_no_trial_running():
    study = study_of()
    with pytest.raises(OptunasError, match="0 seconds or more; got -1 for"):
        simulate(study, BENCHMARK, n_trials=3, seconds=lambda params: -1)
    assert [t.state for t in study.trials] == [TrialState.FAIL]


def test_proposals_are_timed():
    class Slow(optuna.samplers.RandomSampler):
        def sample_independent(self, *arguments):
            time.sleep(0.02)
            return super().sample_independent(*arguments)

    result = simulate(study_of(sampler=Slow(seed=0)), BENCHMARK, n_trials=3, workers=2)
    assert all(0.02 <= t.proposal_s < 1 for t in result.trials)


def test_several_objectives():
    benchmark = TabularBenchmark(space, TABLE, number, ("value", "early"), ("maximize", "minimize"))
    study = optuna.create_study(directions=benchmark.directions)
    result = simulate(study, benchmark, n_trials=5, workers=2)
    assert all(t.values == (t.params["n"], t.params["n"] / 2) for t in result.trials)
    with pytest.raises(OptunasError, match="a goal is for one objective; the study has 2"):
        simulate(study, benchmark, n_trials=5, goal=1.0)
    with pytest.raises(OptunasError, match="for one objective; this study has 2"):
        result.best_by_evaluation  # noqa: B018


def test_a_grid_that_is_done_ends_the_simulation():
    grid = optuna.samplers.GridSampler({"n": list(range(1, 10))}, seed=0)
    result = simulate(study_of(sampler=grid), BENCHMARK, n_trials=50)
    assert sorted(t.params["n"] for t in result.trials) == list(range(1, 10))


def test_the_same_seeds_give_the_same_simulation():
    def run():
        study = study_of(sampler=optuna.samplers.TPESampler(seed=3))
        done = simulate(study, Costly(BENCHMARK, number), n_trials=30, workers=4).trials
        return [(t.number, t.end, t.params) for t in done]

    assert run() == run()


def test_a_study_goes_on():
    study = study_of()
    simulate(study, BENCHMARK, n_trials=3)
    result = simulate(study, BENCHMARK, n_trials=2)
    assert [t.number for t in result.trials] == [3, 4]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"workers": 0}, "one worker or more.* got workers=0"),
        ({"n_trials": -1}, "no negative number of trials.* n_trials=-1"),
        ({"until": math.nan}, "until=nan"),
        ({"seconds": "hours"}, "no column is called 'hours'"),
        ({"seconds": -1.0}, "0 seconds or more; got -1.0"),
        ({"objective": space, "seconds": "hours"}, "a function has no columns"),
        ({"objective": space, "seconds": -1.0}, "0 seconds or more; got -1.0"),
    ],
)
def test_what_can_not_be_simulated(settings, message):
    study = study_of()
    with pytest.raises(OptunasError, match=message):
        simulate(study, **{"objective": BENCHMARK, "n_trials": 3, **settings})
    assert study.trials == []


def test_another_direction():
    with pytest.raises(OptunasError, match="the study is to minimize: create it with directions="):
        simulate(optuna.create_study(), BENCHMARK, n_trials=1)
