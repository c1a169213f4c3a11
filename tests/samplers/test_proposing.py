"""What every sampler of ours promises: processes, databases, spaces, limits, settings."""

import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
    SingleOnlySamplerTestCase,
)
from optuna.trial import BaseTrial, Trial, TrialState

from optunas.architecture import Conv, GlobalPool, Layer, Linear, Sequential, cost, key
from optunas.errors import StudyError
from optunas.limits import Limits
from optunas.samplers import (
    ArchitectureSampler,
    GeneticSampler,
    LocalSearchSampler,
    RegularizedEvolutionSampler,
)
from optunas.samplers.proposing import Proposing
from optunas.samplers.scene import Scene
from optunas.spaces import NASBench201
from optunas.spaces.sight import View
from optunas.storage import open_storage

Make = Callable[..., Proposing]
Network = Callable[[BaseTrial], Layer]

SPACE = NASBench201(channels=4, repeats=1)
SHAPE = (3, 32, 32)
LIMITS = Limits(params=6000)


class Blind(Proposing):
    """The smallest of all: at random, and never a network twice."""

    def propose(self, scene: Scene) -> View | None:
        return scene.random()


class OneObjective(Blind):
    serves_several_objectives = False


MAKERS: list[Make] = [
    ArchitectureSampler,
    RegularizedEvolutionSampler,
    GeneticSampler,
    LocalSearchSampler,
]
each = pytest.mark.parametrize("make", [Blind, *MAKERS])


class TestContract(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture(params=[None, SPACE], ids=["no space", "space"])
    def sampler(self, request: pytest.FixtureRequest) -> Callable[[], BaseSampler]:
        return lambda: Blind(request.param, seed=0)


class TestContractOfOneObjective(SingleOnlySamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: OneObjective(seed=0)


def merit(trial: Trial) -> float:
    """Good cells have convolutions and few zeros."""
    SPACE.suggest(trial)
    ops = list(trial.params.values())
    return ops.count("nor_conv_3x3") - 0.5 * ops.count("none")


def with_rate(trial: Trial) -> float:
    """A learning rate is suggested beside the space."""
    return merit(trial) - abs(trial.suggest_float("lr", 1e-3, 1, log=True) - 0.1)


def described(space: Network | NASBench201, trial: optuna.trial.FrozenTrial) -> str:
    suggest = space.suggest if isinstance(space, NASBench201) else space
    return key(suggest(optuna.trial.FixedTrial(trial.params)), SHAPE, 10)


def price(network: Layer) -> int:
    return cost(network, SHAPE, 10).params


def searched(
    sampler: BaseSampler,
    trials: int = 20,
    objective: Callable[[Trial], float] = merit,
    **settings: Any,
) -> optuna.Study:
    study = optuna.create_study(sampler=sampler, direction="maximize", **settings)
    study.optimize(objective, n_trials=trials)
    return study


def params(study: optuna.Study) -> list[dict[str, Any]]:
    return [trial.params for trial in study.get_trials(deepcopy=False)]


@each
def test_the_same_seed_gives_the_same_search(make: Make) -> None:
    first, again, other = (
        params(searched(make(SPACE, seed=seed, limits=LIMITS), 14, with_rate)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    assert params(searched(make(SPACE), 1)) != params(searched(make(SPACE), 1))


@each
def test_no_network_comes_twice_or_over_the_limits(make: Make) -> None:
    study = searched(make(SPACE, seed=0, limits=LIMITS), 30)
    networks = [SPACE.architecture(list(p.values())) for p in params(study)]
    assert all(price(network) <= 6000 for network in networks)
    assert len({key(network, SHAPE, 10) for network in networks}) == 30


@each
def test_limits_that_no_random_draw_meets_are_walked_to(make: Make) -> None:
    def tower(trial: BaseTrial) -> Layer:
        wide = [trial.suggest_int(f"width{i}", 1, 64) for i in range(10)]
        return Sequential(*map(Conv, wide), GlobalPool(), Linear())

    study = optuna.create_study(sampler=make(tower, seed=0, limits=Limits(params=9_000)))
    study.optimize(lambda trial: float(price(tower(trial))), n_trials=5)
    assert all(trial.value is not None and trial.value <= 9_000 for trial in study.trials)


@each
def test_a_space_that_is_evaluated_throughout_goes_on_with_twins(make: Make) -> None:
    def six(trial: BaseTrial) -> Layer:
        width = trial.suggest_int("width", 1, 3)
        kernel = trial.suggest_categorical("kernel", (1, 3))
        return Sequential(Conv(width, kernel), GlobalPool(), Linear())

    study = optuna.create_study(sampler=make(six, seed=0))
    study.optimize(lambda trial: float(price(six(trial))), n_trials=8)
    keys = [described(six, trial) for trial in study.trials]
    assert len(set(keys[:6])) == 6
    assert set(keys[6:]) <= set(keys[:6])


def conditional(trial: BaseTrial) -> Layer:
    layers: list[Layer] = []
    for i in range(trial.suggest_int("depth", 1, 3)):
        if trial.suggest_categorical(f"op{i}", ("conv", "pool")) == "conv":
            kernel = trial.suggest_categorical(f"kernel{i}", (1, 3, 5))
            layers.append(Conv(trial.suggest_int(f"width{i}", 4, 32, step=4), kernel))
    return Sequential(*layers, GlobalPool(), Linear())


@each
def test_conditional_spaces(make: Make) -> None:
    def objective(trial: Trial) -> float:
        conditional(trial)
        trial.suggest_float("lr", 0, 1)
        return price(conditional(trial))

    sampler = make(conditional, seed=0)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=40)
    assert study.best_value > 5_000  # two wide convolutions
    keys = [(described(conditional, trial), trial.params["lr"]) for trial in study.trials]
    assert len(set(keys)) == 40


def test_it_goes_on_in_another_process_where_this_one_stopped(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/studies.db"
    storage = open_storage(url)
    whole = {}
    for make in MAKERS:
        whole[make] = params(searched(make(SPACE, seed=3), 18, with_rate))
        begun = searched(
            make(SPACE, seed=3), 15, with_rate, storage=storage, study_name=make.__name__
        )
        assert params(begun) == whole[make][:15]
    finish(start(url, "with_rate", 3))
    for make in MAKERS:
        done = optuna.load_study(study_name=make.__name__, storage=storage)
        assert params(done) == whole[make]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/studies.db"
    return str(request.getfixturevalue("postgresql_url"))


def test_two_processes_at_once_never_try_the_same_network(url: str) -> None:
    storage = open_storage(url)
    for worker in [start(url, "merit", 10) for _ in range(2)]:
        finish(worker)
    for make in MAKERS:
        trials = optuna.load_study(study_name=make.__name__, storage=storage).trials
        assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 20
        # nobody can tell what is being written at this moment: these trials take no time at all
        assert len({described(SPACE, trial) for trial in trials}) >= 19, make


WORKER = """
import sys, optuna
from optunas.storage import open_storage
from tests.samplers import test_proposing as tests

_, url, objective, todo = sys.argv
storage = open_storage(url)
for make in tests.MAKERS:
    study = optuna.create_study(
        storage=storage, study_name=make.__name__, direction="maximize", load_if_exists=True,
        sampler=make(tests.SPACE, seed=3),
    )
    study.optimize(getattr(tests, objective), n_trials=int(todo))
"""


def start(url: str, objective: str, todo: int) -> "subprocess.Popen[str]":
    top = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, url, objective, str(todo)],
        env={**os.environ, "PYTHONPATH": top},
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(worker: "subprocess.Popen[str]") -> None:
    _, errors = worker.communicate(timeout=120)
    assert worker.returncode == 0, errors


@each
def test_threads_never_try_the_same_network(make: Make) -> None:
    study = optuna.create_study(direction="maximize", sampler=make(SPACE, seed=0))
    study.optimize(merit, n_trials=30, n_jobs=4)
    assert len({described(SPACE, trial) for trial in study.trials}) == 30


@each
def test_trials_that_are_asked_for_together_choose_differently(make: Make) -> None:
    study = searched(make(SPACE, seed=0), 15)
    asked = [study.ask() for _ in range(6)]
    chosen = [SPACE.suggest(trial) for trial in reversed(asked)]
    assert len({key(network, SHAPE, 10) for network in chosen}) == 6


@pytest.mark.parametrize("make", MAKERS)
def test_a_worker_foresees_what_slower_ones_choose_although_it_knows_more(make: Make) -> None:
    for seed in range(3):
        study = searched(make(SPACE, seed=seed), 12)
        ending, slow = study.ask(), study.ask()
        merit(ending)
        study.tell(ending, 9.0)  # the slow worker may have looked before or after that
        quick = study.ask()
        study.sampler = make(SPACE, seed=seed)
        second = SPACE.suggest(quick)
        study.sampler = make(SPACE, seed=seed)
        assert key(SPACE.suggest(slow), SHAPE, 10) != key(second, SHAPE, 10)


def test_among_many_that_choose_at_once_nobody_foresees_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else k workers take k proposals each, and the more they are the longer all of them wait."""
    study = searched(ArchitectureSampler(SPACE, seed=0), 15)
    asked = [study.ask() for _ in range(5)]
    proposed: list[int] = []
    propose = study.sampler.propose

    def counted(scene: Scene) -> View | None:
        proposed.append(scene.number)
        return propose(scene)

    monkeypatch.setattr(study.sampler, "propose", counted)
    SPACE.suggest(asked[4])
    assert proposed == [asked[4].number]
    proposed.clear()
    SPACE.suggest(asked[1])
    assert proposed[:2] == [asked[0].number, asked[1].number]


@each
def test_a_used_sampler_is_pickled_without_what_it_remembers(make: Make) -> None:
    study = searched(make(SPACE, seed=0), 12)
    again = pickle.dumps(study.sampler)
    assert len(again) < 2000
    before = [SPACE.suggest(study.ask()) for _ in range(2)]
    other = searched(pickle.loads(again), 12)
    assert [SPACE.suggest(other.ask()) for _ in range(2)] == before


@each
def test_what_is_suggested_beside_the_space_is_proposed_with_it(make: Make) -> None:
    study = searched(make(SPACE, seed=0), 12, with_rate)
    study.ask()
    asked = study.trials[-1]
    found = study.sampler.infer_relative_search_space(study, asked)
    assert found == study.trials[0].distributions
    whole = study.sampler.sample_relative(study, asked, found)
    assert list(whole) == list(found)
    only = study.sampler.sample_relative(study, asked, {"lr": found["lr"]})
    assert only == {"lr": whole["lr"]}


@each
def test_trials_of_other_spaces_and_lists_as_choices_do_no_harm(make: Make) -> None:
    study = optuna.create_study(direction="maximize", sampler=make(SPACE, seed=0))
    study.add_trial(optuna.create_trial(value=9.0, params={}))
    study.add_trial(
        optuna.create_trial(
            value=9.0,
            params={"x": 0.5},
            distributions={"x": optuna.distributions.FloatDistribution(0, 1)},
        )
    )
    study.enqueue_trial({"lr": 0.5})  # the network is left open

    def objective(trial: Trial) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trial.suggest_categorical("betas", ([0.9, 0.99], [0.8, 0.9]))
        return with_rate(trial)

    study.optimize(objective, n_trials=20)
    assert study.trials[2].params["lr"] == 0.5
    assert all(trial.state is TrialState.COMPLETE for trial in study.trials)
    found = study.sampler.infer_relative_search_space(study, study.trials[-1])
    assert set(found) == set(study.trials[-1].params) - {"betas"}


@each
def test_a_retried_trial_keeps_its_values(make: Make) -> None:
    study = searched(make(SPACE, seed=0), 12)
    failed = study.ask()
    merit(failed)
    study.tell(failed, state=TrialState.FAIL)
    study.enqueue_trial(failed.params)
    study.optimize(merit, n_trials=2)
    assert study.trials[13].params == failed.params
    assert described(SPACE, study.trials[14]) != described(SPACE, study.trials[13])


@pytest.mark.parametrize("make", MAKERS)
def test_without_a_space_it_searches_the_parameters_that_trials_share(make: Make) -> None:
    study = searched(make(seed=0), 80)
    late = [trial.value for trial in study.trials[-20:] if trial.value is not None]
    assert sum(late) / len(late) > 1.5  # random draws: 0.5 on average


@pytest.mark.parametrize("make", MAKERS)
def test_several_objectives(make: Make) -> None:
    def both(trial: Trial) -> tuple[float, float]:
        return merit(trial), price(SPACE.suggest(trial))

    study = optuna.create_study(
        directions=["maximize", "minimize"], sampler=make(SPACE, seed=0, startup=5)
    )
    study.optimize(both, n_trials=40)
    front = {trial.values[0] for trial in study.best_trials}
    assert len(front) > 3


@each
def test_arguments_that_make_no_sense_are_refused_at_once(make: Make) -> None:
    with pytest.raises(StudyError, match="from 0 on; got -1"):
        make(SPACE, seed=-1)
    with pytest.raises(StudyError, match="give the sampler a space"):
        make(limits=Limits(params=10))
    with pytest.raises(StudyError, match="a sampler needs a search space"):
        make(NASBench201)


@pytest.mark.parametrize(
    ("make", "settings", "message"),
    [
        (RegularizedEvolutionSampler, {"sample": 31}, "sample=31, population=30"),
        (RegularizedEvolutionSampler, {"sample": 0}, "1 <= sample"),
        (RegularizedEvolutionSampler, {"startup": 0}, "startup >= 1; got 0"),
        (GeneticSampler, {"population": 1}, "population >= 2; got 1"),
        (GeneticSampler, {"startup": 0}, "startup >= 1; got 0"),
        (LocalSearchSampler, {"startup": 0}, "startup >= 1; got 0"),
    ],
)
def test_settings_that_make_no_sense(make: Make, settings: dict[str, int], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        make(SPACE, **settings)
