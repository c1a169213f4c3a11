import pickle
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution
from optuna.samplers import (
    BaseSampler,
    BruteForceSampler,
    CmaEsSampler,
    NSGAIISampler,
    RandomSampler,
    TPESampler,
)
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)
from optuna.trial import FrozenTrial, TrialState

from optunas.architecture import Architecture, cost, key
from optunas.errors import StudyError
from optunas.limits import Limits
from optunas.samplers import CatCmaSampler, Screened, make_sampler
from optunas.spaces import ConvNet, NASBench201

from .workers import choices, finished, started, work

SPACE = NASBench201(("none", "skip_connect", "nor_conv_3x3"))  # 729 cells
TINY = NASBench201(("none", "nor_conv_3x3"))  # 64 cells, 17 networks
SHAPE, CLASSES = (3, 32, 32), 10
BY_CODE = "make_sampler('screened-tpe', seed=0, space=SPACE)"


def convolutions(trial: optuna.Trial) -> float:
    SPACE.suggest(trial)
    return list(trial.params.values()).count("nor_conv_3x3")


def searched(
    sampler: BaseSampler,
    objective: Callable[[optuna.Trial], Any] = convolutions,
    trials: int = 60,
    directions: tuple[str, ...] = ("maximize",),
) -> optuna.Study:
    study = optuna.create_study(sampler=sampler, directions=directions)
    study.optimize(objective, n_trials=trials)
    return study


def networks(study: optuna.Study, space: NASBench201 | ConvNet = SPACE) -> list[Architecture]:
    return [space.suggest(optuna.trial.FixedTrial(trial.params)) for trial in study.trials]


def twins(study: optuna.Study, space: NASBench201 | ConvNet = SPACE) -> int:
    """Trials whose network an earlier one had."""
    keys = Counter(key(network, SHAPE, CLASSES) for network in networks(study, space))
    return sum(keys.values()) - len(keys)


class Always(BaseSampler):
    """Has one answer, and counts how often it is asked; the trials that ended too."""

    def __init__(self, op: str = "nor_conv_3x3") -> None:
        self.op = op
        self.asked = self.ended = 0

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        self.asked += 1
        return {}

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return self.op

    def after_trial(self, *details: Any) -> None:
        self.ended += 1


class TestContract(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture(params=["tpe", "nsgaii"])
    def sampler(self, request: pytest.FixtureRequest) -> Callable[[], BaseSampler]:
        made = TPESampler if request.param == "tpe" else NSGAIISampler
        return lambda: Screened(made(seed=0), SPACE, seed=0)


@pytest.mark.parametrize("name", ["random", "tpe", "nsgaii", "cmaes", "catcma", "gp(startup=55)"])
def test_no_sampler_proposes_a_network_twice(name: str) -> None:
    assert twins(searched(make_sampler(f"screened-{name}", seed=0, space=SPACE))) == 0


def test_without_it_they_do() -> None:
    assert twins(searched(make_sampler("tpe", seed=0))) > 15


def test_what_the_sampler_wants_is_kept_where_it_is_new() -> None:
    """Random draws with the same seed: the first is the same, and every one before a twin."""
    bare, screened = (
        choices(searched(sampler))
        for sampler in (RandomSampler(seed=1), Screened(RandomSampler(seed=1), SPACE, seed=1))
    )
    same = [a == b for a, b in zip(bare, screened, strict=True)]
    assert 5 < same.index(False) < 60


def test_it_does_not_keep_a_sampler_from_learning() -> None:
    found = searched(make_sampler("screened-tpe", seed=0, space=SPACE), trials=100)
    assert np.mean([trial.values[0] for trial in found.trials[-50:]]) > 2.8  # at random: 2


def test_one_that_has_one_answer_is_asked_twice_and_its_answer_changed() -> None:
    sampler = Always()
    study = searched(Screened(sampler, SPACE, seed=0), trials=10)
    first, *others = choices(study)
    assert set(first.values()) == {"nor_conv_3x3"}
    assert twins(study) == 0
    assert sampler.asked == 1 + 2 * 9
    assert sampler.ended == 10
    changed = [sum(op != "nor_conv_3x3" for op in params.values()) for params in others]
    assert changed[0] == 1
    assert max(changed) < 5


@pytest.mark.parametrize("name", ["random", "tpe", "nsgaii"])
def test_no_network_is_over_the_limits(name: str) -> None:
    """Of random networks one in 14 is small enough."""
    space, limits = ConvNet(), Limits(params=30_000, macs=10_000_000)
    inner = make_sampler(name, seed=0)
    study = searched(
        Screened(inner, space, limits, seed=0), lambda t: len(str(space.suggest(t))), 25
    )
    for network in networks(study, space):
        price = cost(network, SHAPE, CLASSES)
        assert price.params <= 30_000
        assert price.macs <= 10_000_000
    assert twins(study, space) == 0


def test_limits_that_a_random_draw_never_meets_are_walked_to() -> None:
    space = ConvNet()
    smallest = Limits(params=3_000)
    study = searched(
        Screened(RandomSampler(seed=0), space, smallest, seed=0),
        lambda t: len(str(space.suggest(t))),
        3,
    )
    assert all(cost(n, SHAPE, CLASSES).params <= 3_000 for n in networks(study, space))


def test_where_everything_was_evaluated_twins_pass() -> None:
    study = searched(
        Screened(RandomSampler(seed=0), TINY, seed=0), lambda t: len(str(TINY.suggest(t))), 40
    )
    all_there_are = {key(TINY.architecture(cell), SHAPE, CLASSES) for cell in TINY.cells()}
    found = [key(network, SHAPE, CLASSES) for network in networks(study, TINY)]
    assert len(set(found[: len(all_there_are)])) == len(all_there_are)
    assert len(found) == 40


def test_limits_that_nothing_meets_pass_the_closest_on() -> None:
    study = searched(
        Screened(RandomSampler(seed=0), TINY, Limits(params=10), seed=0),
        lambda t: len(str(TINY.suggest(t))),
        2,
    )
    smallest = min(cost(TINY.architecture(cell), SHAPE, CLASSES).params for cell in TINY.cells())
    assert cost(networks(study, TINY)[0], SHAPE, CLASSES).params <= 2 * smallest


def test_enqueued_trials_are_left_alone() -> None:
    study = searched(Screened(Always("none"), SPACE, seed=0), trials=1)
    full = dict(study.trials[0].params)
    study.enqueue_trial(full)
    study.enqueue_trial({"edge0_1": "nor_conv_3x3"})
    study.optimize(convolutions, n_trials=2)
    assert study.trials[1].params == full
    assert study.trials[2].params == full | {"edge0_1": "nor_conv_3x3"}


def test_another_learning_rate_makes_another_candidate() -> None:
    def objective(trial: optuna.Trial) -> float:
        rate = trial.suggest_categorical("rate", ("high", "low"))
        TINY.suggest(trial)
        return len(trial.suggest_categorical("optimizer", ("sgd", "adamw"))) + len(rate)

    study = searched(Screened(TPESampler(seed=0), TINY, seed=0), objective, 60)
    seen = [
        (key(network, SHAPE, CLASSES), trial.params["rate"], trial.params["optimizer"])
        for network, trial in zip(networks(study, TINY), study.trials, strict=True)
    ]
    assert len(set(seen)) == 60  # of 17 networks x 2 x 2


def test_a_conditional_space() -> None:
    def space(trial: optuna.trial.BaseTrial) -> None:
        if trial.suggest_categorical("kind", ("flat", "deep")) == "deep":
            for i in range(trial.suggest_int("depth", 1, 3)):
                trial.suggest_categorical(f"op{i}", ("a", "b"))

    for sampler in (TPESampler(seed=0), RandomSampler(seed=0), NSGAIISampler(seed=0)):
        study = searched(Screened(sampler, space, seed=0), lambda t: space(t) or len(t.params), 15)
        found = {tuple(sorted(params.items())) for params in choices(study)}
        assert len(found) == 15  # each of the 1 + 2 + 4 + 8


def test_the_sampler_sees_what_was_chosen_so_far() -> None:
    """BruteForceSampler knows which branch it is in by that only; it stops when all is done."""

    def space(trial: optuna.trial.BaseTrial) -> None:
        kind = trial.suggest_categorical("kind", ("flat", "deep"))
        trial.suggest_int("width", 1, 3 if kind == "deep" else 2)

    study = searched(Screened(BruteForceSampler(seed=0), space, seed=0), lambda t: space(t) or 1.0)
    assert len(study.trials) == 5


def test_a_space_that_refuses_its_own_draws() -> None:
    def space(trial: optuna.trial.BaseTrial) -> int:
        number = trial.suggest_int("n", 1, 30)
        if number % 3:
            raise optuna.TrialPruned
        return number

    study = searched(Screened(RandomSampler(seed=0), space, seed=0), space, 10)
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 10
    assert len({trial.params["n"] for trial in study.trials}) == 10


def test_several_objectives() -> None:
    study = searched(
        make_sampler("screened-nsgaii", seed=0, n_objectives=2, space=SPACE),
        lambda trial: (convolutions(trial), list(trial.params.values()).count("none")),
        60,
        ("maximize", "minimize"),
    )
    assert twins(study) == 0
    with pytest.raises(ValueError, match="CmaEsSampler"):
        searched(
            Screened(CmaEsSampler(seed=0), SPACE),
            lambda t: (convolutions(t), 0),
            1,
            ("minimize",) * 2,
        )


def test_running_trials_count() -> None:
    study = optuna.create_study(sampler=Screened(Always(), SPACE, seed=0))
    for _ in range(8):
        SPACE.suggest(study.ask())
    assert twins(study) == 0


def test_the_seed_repeats_and_the_sampler_is_pickled() -> None:
    sampler = make_sampler("screened-tpe", seed=3, space=SPACE)
    again = pickle.loads(pickle.dumps(sampler))
    found = choices(searched(sampler))
    assert found == choices(searched(again))
    assert found != choices(searched(make_sampler("screened-tpe", seed=4, space=SPACE)))


def test_another_process_goes_on_as_this_one_does(tmp_path: Path) -> None:
    here, there = (f"sqlite:///{tmp_path}/{name}.db" for name in ("here", "there"))
    work(here, BY_CODE, 20)
    optuna.copy_study(from_study_name="s", from_storage=here, to_storage=there)
    other = started(there, BY_CODE, 5)
    study = work(here, BY_CODE, 5)
    finished(other)
    assert choices(study) == choices(optuna.load_study(study_name="s", storage=there))
    assert len(study.trials) == 25


def test_two_processes_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/studies.db"
    for worker in [started(url, BY_CODE, 12) for _ in range(2)]:
        finished(worker)
    trials = optuna.load_study(study_name="s", storage=url).trials
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 24


def test_postgresql_makes_no_difference(postgresql_url: str) -> None:
    assert choices(work(postgresql_url, BY_CODE, 20)) == choices(work(None, BY_CODE, 20))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Screened(TPESampler, SPACE), "wraps an Optuna sampler; got <class"),
        (lambda: Screened(TPESampler(), None), "give it the search space"),
        (lambda: Screened(TPESampler(), NASBench201), "needs a search space"),
        (lambda: make_sampler("screened-tpe", seed=0), "'screened-tpe' looks at networks: give it"),
        (lambda: make_sampler("screened-tpee", seed=0, space=SPACE), "Did you mean 'tpe'"),
    ],
)
def test_what_is_refused_at_once(make: Callable[[], object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        make()


@pytest.mark.parametrize("text", ["Screened_TPE(startup=5)", " screened-tpe( startup = 5 ) "])
def test_by_name(text: str) -> None:
    named = make_sampler(text, seed=5, space=SPACE)
    assert str(named) == "Screened(Seeded(TPESampler))"
    own = Screened(make_sampler("tpe(startup=5)", seed=5), SPACE, seed=5)
    assert choices(searched(named)) == choices(searched(own))


def test_it_wraps_our_own_samplers_too() -> None:
    assert twins(searched(Screened(CatCmaSampler(seed=0), SPACE, seed=0))) == 0
