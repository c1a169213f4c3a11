"""The flagship: what Optuna asks of every sampler, and what only one that sees networks can do."""

import subprocess
import sys
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
from optuna.trial import Trial, TrialState

from optunas.architecture import cost, features, key
from optunas.errors import StudyError
from optunas.limits import Limits
from optunas.samplers.architecture import ArchitectureSampler
from optunas.spaces import ConvNet, NASBench201

SHAPE, CLASSES = (3, 32, 32), 10
SPACE = NASBench201(repeats=1)


def seen(architecture: Any) -> dict[str, float]:
    return features(architecture, SHAPE, CLASSES)


def merit(trial: Trial) -> float:
    """An accuracy of a kind: depth and width help, zeros don't."""
    found = seen(SPACE.suggest(trial))
    return found["depth.longest"] + found["log2.paths"] - 3 * found.get("count.Zero", 0.0)


def study(sampler: BaseSampler, **settings: Any) -> optuna.Study:
    settings = {"direction": "maximize"} | settings
    return optuna.create_study(sampler=sampler, **settings)


class TestContract(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture(params=[None, SPACE], ids=["no space", "space"])
    def sampler(self, request: pytest.FixtureRequest) -> Callable[[], BaseSampler]:
        return lambda: ArchitectureSampler(request.param, seed=0, startup=3)


def test_it_finds_more_of_the_best_than_random_search_does() -> None:
    ours = study(ArchitectureSampler(SPACE, seed=0))
    ours.optimize(merit, n_trials=30)
    by_chance = study(optuna.samplers.RandomSampler(seed=0))
    by_chance.optimize(merit, n_trials=150)
    tenth = [sorted(t.value for t in found.trials)[-10] for found in (ours, by_chance)]
    assert tenth[0] > tenth[1]


def test_no_network_is_proposed_twice_nor_over_the_limits() -> None:
    limits = Limits(params=200_000)
    proposed = study(ArchitectureSampler(SPACE, seed=1, limits=limits, startup=5))
    proposed.optimize(merit, n_trials=25)
    networks = [SPACE.suggest(optuna.trial.FixedTrial(t.params)) for t in proposed.trials]
    assert len({key(network, SHAPE, CLASSES) for network in networks}) == 25
    assert all(cost(network, SHAPE, CLASSES).params <= 200_000 for network in networks)


def test_running_networks_are_not_proposed_again_and_not_crowded() -> None:
    shared = study(ArchitectureSampler(SPACE, seed=2, startup=4))
    shared.optimize(merit, n_trials=6)
    asked = [shared.ask() for _ in range(8)]
    networks = [SPACE.suggest(trial) for trial in asked]
    assert len({key(network, SHAPE, CLASSES) for network in networks}) == 8


def test_workers_that_choose_at_the_same_moment_choose_differently() -> None:
    """Neither has told its parameters yet, so neither can see what the other one takes."""
    made = [ArchitectureSampler(SPACE, seed=3, startup=4) for _ in range(2)]
    storage = optuna.storages.InMemoryStorage()
    first, second = (
        optuna.create_study(
            study_name="s", storage=storage, sampler=s, direction="maximize", load_if_exists=True
        )
        for s in made
    )
    first.optimize(merit, n_trials=8)
    one, other = first.ask(), second.ask()
    assert key(SPACE.suggest(one), SHAPE, CLASSES) != key(SPACE.suggest(other), SHAPE, CLASSES)


def test_equal_seeds_give_equal_searches() -> None:
    runs = []
    for seed in (5, 5, 6):
        run = study(ArchitectureSampler(SPACE, seed=seed, startup=4))
        run.optimize(merit, n_trials=9)
        runs.append([trial.params for trial in run.trials])
    assert runs[0] == runs[1] != runs[2]


NEXT = """
import sys, optuna
from optunas.samplers.architecture import ArchitectureSampler
from optunas.spaces import NASBench201
space = NASBench201(repeats=1)
study = optuna.load_study(
    study_name="s", storage=sys.argv[1], sampler=ArchitectureSampler(space, seed=7, startup=4)
)
trial = study.ask()
space.suggest(trial)
print(trial.number, sorted(trial.params.items()))
"""


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_new_process_goes_on_with_the_same_proposal(
    database: str, tmp_path: Any, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    if database == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    sampler = ArchitectureSampler(SPACE, seed=7, startup=4)
    stored = study(sampler, study_name="s", storage=url)
    stored.optimize(merit, n_trials=8)
    command = [sys.executable, "-c", NEXT, url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    # the other process has asked for trial 8; here a copy of the study as it was goes on
    again = study(ArchitectureSampler(SPACE, seed=7, startup=4))
    again.add_trials(stored.get_trials(states=(TrialState.COMPLETE,)))
    here = again.ask()
    SPACE.suggest(here)
    assert said == f"{here.number} {sorted(here.params.items())}"


def test_a_learned_constraint_is_kept() -> None:
    """Latency, say, is known only after measuring; here a network with pooling is too slow."""
    asked = study(ArchitectureSampler(SPACE, seed=8, startup=8))

    def objective(trial: Trial) -> float:
        value = merit(trial)
        pools = sum(op == "avg_pool_3x3" for op in trial.params.values())
        trial.set_constraint("latency_ms", pools - 0.5)
        return value + 2 * pools

    asked.optimize(objective, n_trials=30)
    late = [trial.constraints["latency_ms"] <= 0 for trial in asked.trials[8:]]
    early = [trial.constraints["latency_ms"] <= 0 for trial in asked.trials[:8]]
    assert sum(late) / len(late) > 0.6 > sum(early) / len(early)


def test_what_the_objective_suggests_itself_is_learned_too() -> None:
    asked = study(ArchitectureSampler(SPACE, seed=9, startup=6))

    def objective(trial: Trial) -> float:
        rate = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
        return merit(trial) - 20 * abs(rate - 0.003) ** 0.5

    asked.optimize(objective, n_trials=30)
    rates = [trial.params["lr"] for trial in asked.trials[20:]]
    assert sum(3e-4 < rate < 3e-2 for rate in rates) >= 7


def test_a_conditional_space_is_searched() -> None:
    def space(trial: Trial) -> Any:
        depth = trial.suggest_int("depth", 1, 4)
        widths = [trial.suggest_int(f"width{i}", 8, 64, step=8) for i in range(depth)]
        return sum(widths)

    asked = study(ArchitectureSampler(space, seed=10, startup=8))
    asked.optimize(lambda trial: float(space(trial)), n_trials=30)
    assert asked.best_value > 200
    assert len({repr(sorted(trial.params.items())) for trial in asked.trials}) == 30


def test_a_space_that_is_evaluated_throughout_goes_on_at_random() -> None:
    space = NASBench201(ops=("none", "skip_connect"), repeats=1)  # 64 cells, few networks
    asked = study(ArchitectureSampler(space, seed=11, startup=2))
    asked.optimize(lambda trial: seen(space.suggest(trial))["log2.paths"], n_trials=30)
    assert len(asked.trials) == 30


def test_several_objectives_spread_over_the_front() -> None:
    space = ConvNet()

    def objective(trial: Trial) -> tuple[float, float]:
        found = seen(space.suggest(trial))
        return found["depth.longest"], found["log2.macs"]

    asked = optuna.create_study(
        directions=["maximize", "minimize"], sampler=ArchitectureSampler(space, seed=12)
    )
    asked.optimize(objective, n_trials=40)
    random = optuna.create_study(
        directions=["maximize", "minimize"], sampler=optuna.samplers.RandomSampler(seed=12)
    )
    random.optimize(objective, n_trials=40)
    assert len(asked.best_trials) > len(random.best_trials)
    beaten = [
        trial
        for trial in random.best_trials
        if any(
            t.values[0] >= trial.values[0] and t.values[1] <= trial.values[1]
            for t in asked.best_trials
        )
    ]
    assert len(beaten) > len(random.best_trials) / 2


def test_pruned_trials_teach() -> None:
    """All that go through a pool are stopped early and never complete: they are left alone."""
    asked = study(ArchitectureSampler(SPACE, seed=13, startup=10))

    def objective(trial: Trial) -> float:
        value = merit(trial)
        bad = "avg_pool_3x3" in trial.params.values()
        trial.report(value - 20 * bad, 1)
        if bad:
            raise optuna.TrialPruned
        trial.report(value, 2)
        return value

    asked.optimize(objective, n_trials=40)
    pruned = [trial.state is TrialState.PRUNED for trial in asked.trials]
    assert sum(pruned[25:]) / 15 < 0.5 * sum(pruned[:10]) / 10


def test_bad_arguments_are_refused_when_it_is_made() -> None:
    with pytest.raises(StudyError, match="at least 1 random trial; got startup=0"):
        ArchitectureSampler(SPACE, startup=0)
    with pytest.raises(StudyError, match="a sampler needs a search space"):
        ArchitectureSampler(NASBench201)  # type: ignore[arg-type]


def test_what_a_process_remembers_changes_no_proposal() -> None:
    """A sampler that has seen the whole search proposes what one does that comes to it now."""
    first = study(ArchitectureSampler(SPACE, seed=15, startup=4))
    first.optimize(merit, n_trials=28)
    for number in (21, 25):
        again = study(ArchitectureSampler(SPACE, seed=15, startup=4))
        again.add_trials(first.trials[:number])
        asked = again.ask()
        SPACE.suggest(asked)
        assert asked.params == first.trials[number].params


def test_one_sampler_serves_two_studies() -> None:
    """They have trials of the same numbers, and other networks."""
    sampler = ArchitectureSampler(SPACE, seed=16, startup=4)
    studies = [study(sampler), study(sampler)]
    for number in range(12):
        for sign, one in zip((1, -1), studies, strict=True):
            trial = one.ask()
            one.tell(trial, sign * merit(trial))
            if number % 5 == 0:
                studies.reverse()
    worth = [[merit(optuna.trial.FixedTrial(t.params)) for t in one.trials[-4:]] for one in studies]
    better, worse = sorted(map(sum, worth), reverse=True)
    assert better > worse + 4
