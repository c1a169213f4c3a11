"""Local search: which neighbours, when it moves, when it starts again."""

from collections.abc import Callable
from typing import Any

import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)
from optuna.trial import BaseTrial, Trial, TrialState

from optunas.architecture import Conv, GlobalPool, Layer, Linear, Pool, Sequential
from optunas.limits import Limits
from optunas.samplers import LocalSearchSampler
from optunas.spaces import NASBench201

Params = dict[str, Any]


def tower(trial: BaseTrial) -> Layer:
    """Four choices of three: 81 networks, each with 8 neighbours."""
    kernels = [trial.suggest_categorical(f"kernel{i}", (1, 3, 5)) for i in range(4)]
    return Sequential(*(Conv(4, kernel) for kernel in kernels), GlobalPool(), Linear())


class TestContract(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture(params=[None, NASBench201(channels=4, repeats=1)], ids=["no space", "space"])
    def sampler(self, request: pytest.FixtureRequest) -> Callable[[], BaseSampler]:
        return lambda: LocalSearchSampler(request.param, seed=0, startup=2)


def search(
    merit: Callable[[Params], float],
    trials: int,
    start: Params | None = None,
    space: Callable[[BaseTrial], Any] = tower,
    **settings: Any,
) -> list[Params]:
    settings = {"startup": 1, "seed": 0} | settings
    study = optuna.create_study(direction="maximize", sampler=LocalSearchSampler(space, **settings))
    if start is not None:
        study.enqueue_trial(start)

    def objective(trial: Trial) -> float:
        space(trial)
        return merit(trial.params)

    study.optimize(objective, n_trials=trials)
    return [trial.params for trial in study.trials]


def apart(a: Params, b: Params) -> int:
    return sum(a[name] != b[name] for name in a if name in b)


BEST = {f"kernel{i}": 3 for i in range(4)}


def test_the_neighbourhood_of_a_peak_is_exhausted_before_the_search_starts_again() -> None:
    tried = search(lambda params: -apart(params, BEST), 12, BEST)
    assert [apart(params, BEST) for params in tried[:9]] == [0] + [1] * 8
    assert len({tuple(params.values()) for params in tried}) == 12
    assert apart(tried[9], BEST) > 1


def test_the_order_of_neighbours_is_random() -> None:
    first, second = (
        search(lambda params: -apart(params, BEST), 9, BEST, seed=seed) for seed in (1, 2)
    )
    assert first != second
    assert sorted(map(str, first)) == sorted(map(str, second))


def test_a_better_neighbour_takes_the_place_at_once() -> None:
    start = {f"kernel{i}": 1 for i in range(4)}
    tried = search(lambda params: sum(params.values()), 40, start)
    here, moves = start, 0
    for params in tried[1:]:
        assert apart(params, here) == 1
        if sum(params.values()) > sum(here.values()):
            here, moves = params, moves + 1
        if sum(here.values()) == 20:
            break
    assert sum(here.values()) == 20
    assert 4 <= moves <= 8


def test_equal_networks_do_not_beat_each_other() -> None:
    """On a plateau all is a peak: no two of them take turns."""
    tried = search(lambda params: 1.0, 81)
    assert len({tuple(params.values()) for params in tried}) == 81


def test_it_climbs_from_the_best_of_the_first() -> None:
    tried = search(lambda params: sum(params.values()), 6, startup=5)
    best = max(tried[:5], key=lambda params: sum(params.values()))
    assert apart(tried[5], best) == 1
    assert max(apart(params, best) for params in tried[:5]) > 1


def test_after_the_first_peak_the_next_best_start_is_climbed() -> None:
    other = {"kernel0": 1, "kernel1": 1, "kernel2": 1, "kernel3": 5}
    study = optuna.create_study(
        direction="maximize", sampler=LocalSearchSampler(tower, seed=0, startup=1)
    )
    study.enqueue_trial(BEST)
    study.enqueue_trial(other)

    def objective(trial: Trial) -> float:
        tower(trial)
        return 9.0 if trial.params == BEST else -apart(trial.params, other)

    study.optimize(objective, n_trials=18)
    tried = [trial.params for trial in study.trials]
    assert [apart(params, BEST) for params in tried[2:10]] == [1] * 8
    assert [apart(params, other) for params in tried[10:]] == [1] * 8


def test_choices_that_are_not_active_are_passed_over() -> None:
    def stages(trial: BaseTrial) -> Layer:
        kernels = [trial.suggest_categorical(f"kernel{i}", (1, 3, 5)) for i in range(4)]
        depth = trial.suggest_int("depth", 1, 4)
        return Sequential(*(Conv(4, k) for k in kernels[:depth]), GlobalPool(), Linear())

    start = BEST | {"depth": 1}
    tried = search(lambda params: float(params == start), 4, start, stages)
    changed = [{name for name in start if params[name] != start[name]} for params in tried[1:]]
    assert sorted(changed, key=str) == [{"depth"}, {"kernel0"}, {"kernel0"}]


def test_a_step_that_opens_choices_is_tried_once() -> None:
    def ended(trial: BaseTrial) -> Layer:
        layers: list[Layer] = [Conv(trial.suggest_int("width", 1, 4))]
        if trial.suggest_categorical("op", ("pool", "conv")) == "conv":
            layers.append(Conv(trial.suggest_int("second", 1, 1000)))
        return Sequential(*layers, Pool("max", 2), GlobalPool(), Linear())

    start = {"width": 1, "op": "pool"}
    tried = search(lambda params: float(params == start), 4, start, ended)
    assert sorted(params["op"] for params in tried[1:3]) == ["conv", "pool"]
    assert apart(tried[3], start) == 2 or tried[3]["width"] > 2


def test_whole_numbers_move_a_step_and_floats_a_stride() -> None:
    def numbers(trial: BaseTrial) -> None:
        trial.suggest_int("width", 8, 64, step=8)
        trial.suggest_float("rate", 1e-4, 1, log=True)

    start = {"width": 32, "rate": 1e-2}
    tried = search(lambda params: float(params == start), 7, start, numbers)
    widths = [params["width"] for params in tried[1:] if params["width"] != 32]
    rates = [params["rate"] for params in tried[1:] if params["rate"] != 1e-2]
    assert sorted(widths) == [24, 40]
    assert sorted(rates) == pytest.approx([1e-3, 1e-2 * 10**-0.2, 1e-2 * 10**0.2, 1e-1])


def test_neighbours_over_the_limits_are_passed_over() -> None:
    def merit(params: Params) -> float:
        return sum(params.values())

    tried = search(merit, 30, {f"kernel{i}": 1 for i in range(4)}, limits=Limits(params=500))
    assert max(map(merit, tried)) <= 12
    assert max(map(merit, tried)) >= 8


def test_workers_of_one_peak_try_different_neighbours() -> None:
    study = optuna.create_study(
        direction="maximize", sampler=LocalSearchSampler(tower, seed=0, startup=1)
    )
    study.enqueue_trial(BEST)
    study.optimize(lambda trial: float(bool(tower(trial))), n_trials=1)
    workers = []
    for _ in range(8):  # each with a sampler of its own, all asked before any has chosen
        study.sampler = LocalSearchSampler(tower, seed=0, startup=1)
        workers.append((study.sampler, study.ask()))
    for sampler, trial in reversed(workers):
        study.sampler = sampler
        tower(trial)
    tried = [trial.params for _, trial in workers]
    assert len({tuple(params.values()) for params in tried}) == 8
    assert [apart(params, BEST) for params in tried] == [1] * 8
    study.tell(workers[0][1], state=TrialState.FAIL)


def test_several_objectives_are_climbed_to_what_no_neighbour_dominates() -> None:
    study = optuna.create_study(
        directions=["maximize", "minimize"], sampler=LocalSearchSampler(tower, seed=0, startup=1)
    )

    def objective(trial: Trial) -> tuple[float, float]:
        tower(trial)
        first, *others = trial.params.values()
        return first, sum(others) + abs(first - 3)

    study.optimize(objective, n_trials=40)
    assert {tuple(trial.values) for trial in study.best_trials} == {(3, 3), (5, 5)}
