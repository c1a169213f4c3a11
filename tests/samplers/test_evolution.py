"""Regularized evolution: who lives, who has children."""

from collections import Counter
from collections.abc import Callable, Sequence

import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)

from optunas.samplers import RegularizedEvolutionSampler
from optunas.spaces import NASBench201
from optunas.spaces.nasbench201 import OPS

SPACE = NASBench201(channels=4, repeats=1)
NAMES = tuple(SPACE.baseline())
CELLS = [dict.fromkeys(NAMES, op) for op in OPS]
"""Five cells; a child of one, with one choice changed, is nobody else's."""


class TestContract(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture(params=[None, SPACE], ids=["no space", "space"])
    def sampler(self, request: pytest.FixtureRequest) -> Callable[[], BaseSampler]:
        return lambda: RegularizedEvolutionSampler(
            request.param, seed=0, population=5, sample=2, startup=3
        )


def told(values: Sequence[float]) -> optuna.Study:
    """A study whose trials had the cells in their order, over and over."""
    study = optuna.create_study(direction="maximize")
    for i, value in enumerate(values):
        study.enqueue_trial(CELLS[i % 5])
        trial = study.ask()
        SPACE.suggest(trial)
        study.tell(trial, value)
    return study


def parents(study: optuna.Study, population: int, sample: int) -> Counter[int | None]:
    """Whose children forty samplers propose: the number of the cell; None for nobody's."""
    study.ask()
    asked, found = study.trials[-1], Counter[int | None]()
    for seed in range(40):
        sampler = RegularizedEvolutionSampler(
            SPACE, seed=seed, population=population, sample=sample, startup=2
        )
        space = sampler.infer_relative_search_space(study, asked)
        params = sampler.sample_relative(study, asked, space)
        found[next((i for i, cell in enumerate(CELLS) if steps(cell, params) == 1), None)] += 1
    return found


def steps(cell: dict[str, str], other: dict[str, str]) -> int:
    return sum(cell[name] != other[name] for name in NAMES)


def test_of_four_the_best_has_most_children() -> None:
    found = parents(told([1, 4, 2, 3]), population=4, sample=4)
    assert set(found) <= {1, 2, 3}  # the worst one is all of a sample in 1 of 256
    assert found[1] > 20  # 68 % of samples have it


def test_the_oldest_dies_however_good_it_is() -> None:
    assert parents(told([9, 4, 2, 3, 1]), population=4, sample=4)[0] == 0


def test_a_population_of_one_is_the_youngest() -> None:
    assert parents(told([9, 4, 2, 3, 1]), population=1, sample=1) == {4: 40}


def test_the_first_are_random() -> None:
    assert parents(told([1]), population=4, sample=4)[0] < 5
    assert parents(told([1, 2]), population=4, sample=4)[None] == 0


def test_running_trials_count_as_startup_of_many_workers() -> None:
    study = told([1, 2])
    for _ in range(3):  # three that run
        SPACE.suggest(study.ask())
    study.sampler = RegularizedEvolutionSampler(SPACE, seed=0, startup=5)
    trial = study.ask()
    SPACE.suggest(trial)
    assert min(steps(cell, trial.params) for cell in CELLS[:2]) == 1


def test_it_beats_random_search() -> None:
    def merit(trial: optuna.Trial) -> float:
        SPACE.suggest(trial)
        return sum(OPS.index(op) * (i + 1) for i, op in enumerate(trial.params.values()))

    ours = optuna.create_study(
        direction="maximize", sampler=RegularizedEvolutionSampler(SPACE, seed=0)
    )
    ours.optimize(merit, n_trials=80)
    by_chance = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0)
    )
    by_chance.optimize(merit, n_trials=300)
    assert ours.best_value > by_chance.best_value
