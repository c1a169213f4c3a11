"""Genetic search: whose choices children have."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)
from optuna.trial import BaseTrial

from optunas.architecture import Conv, GlobalPool, Layer, Linear, Sequential
from optunas.samplers import GeneticSampler
from optunas.spaces import NASBench201

SPACE = NASBench201(channels=4, repeats=1)


class TestContract(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture(params=[None, SPACE], ids=["no space", "space"])
    def sampler(self, request: pytest.FixtureRequest) -> Callable[[], BaseSampler]:
        return lambda: GeneticSampler(request.param, seed=0, population=4, startup=3)


def children(study: optuna.Study, space: Any = SPACE) -> list[dict[str, Any]]:
    """What forty samplers propose, each with a population of two."""
    study.ask()
    asked, made = study.trials[-1], []
    for seed in range(40):
        sampler = GeneticSampler(space, seed=seed, population=2, startup=1)
        found = sampler.infer_relative_search_space(study, asked)
        made.append(sampler.sample_relative(study, asked, found))
    return made


def added(study: optuna.Study, op: str, values: float | Sequence[float]) -> None:
    study.enqueue_trial(dict.fromkeys(SPACE.baseline(), op))
    trial = study.ask()
    SPACE.suggest(trial)
    study.tell(trial, values)


def shares(made: list[dict[str, Any]]) -> dict[str, float]:
    counted = Counter(op for params in made for op in params.values())
    return {op: n / counted.total() for op, n in counted.items()}


def test_a_child_has_its_choices_of_the_two_best_and_few_of_its_own() -> None:
    study = optuna.create_study(direction="maximize")
    for op, value in (("none", 1), ("nor_conv_3x3", 9), ("nor_conv_1x1", 3), ("skip_connect", 8)):
        added(study, op, value)
    share = shares(children(study))
    assert share["nor_conv_3x3"] > share["skip_connect"] > 0.2  # the better one wins tournaments
    assert 0.03 < sum(share[op] for op in ("none", "nor_conv_1x1", "avg_pool_3x3")) < 0.25


def test_no_child_is_a_twin() -> None:
    study = optuna.create_study(direction="maximize")
    added(study, "none", 1)
    added(study, "nor_conv_3x3", 2)
    made = children(study)
    known = [trial.params for trial in study.trials[:2]]
    assert not any(params in known for params in made)


def test_of_several_objectives_the_front_has_the_children() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    added(study, "none", (1, 1))
    added(study, "nor_conv_1x1", (3, 8))
    added(study, "nor_conv_3x3", (9, 7))
    share = shares(children(study))
    assert share["none"] > 0.2
    assert share["nor_conv_3x3"] > 0.2
    assert share["nor_conv_1x1"] < 0.15


def test_parents_that_do_not_have_the_same_choices() -> None:
    def deep(trial: BaseTrial) -> Layer:
        widths = [
            trial.suggest_int(f"width{i}", 1, 1000) for i in range(trial.suggest_int("depth", 1, 3))
        ]
        return Sequential(*map(Conv, widths), GlobalPool(), Linear())

    study = optuna.create_study(direction="maximize")
    for params in ({"depth": 1, "width0": 1}, {"depth": 3} | {f"width{i}": 999 for i in range(3)}):
        study.enqueue_trial(params)
        trial = study.ask()
        deep(trial)
        study.tell(trial, 1.0)
    made = children(study, deep)
    assert all(len(params) == params["depth"] + 1 for params in made)
    inherited = [value in (1, 999) for p in made for name, value in p.items() if name != "depth"]
    assert sum(inherited) / len(inherited) > 0.3  # few combinations of the two are new


def test_it_beats_random_search() -> None:
    def merit(trial: optuna.Trial) -> float:
        SPACE.suggest(trial)
        ops = list(trial.params.values())
        return ops.count("nor_conv_3x3") + 0.5 * ops.count("skip_connect")

    ours = optuna.create_study(direction="maximize", sampler=GeneticSampler(SPACE, seed=0))
    ours.optimize(merit, n_trials=100)
    by_chance = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0)
    )
    by_chance.optimize(merit, n_trials=300)
    assert ours.best_value > by_chance.best_value
