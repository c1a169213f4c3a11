import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, CmaEsSampler, RandomSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    RelativeSamplerTestCase,
    SingleOnlySamplerTestCase,
)
from optuna.trial import TrialState

from optunas.architecture import cost, key
from optunas.errors import StudyError
from optunas.limits import Limits
from optunas.samplers import CatCmaSampler, make_sampler
from optunas.samplers.mixed_space import MixedSpace
from optunas.spaces import NASBench201

from .workers import choices, finished, started, work

OPS = ("a", "b", "c", "d")
BY_CODE = "CatCmaSampler(SPACE, seed=0)"


def mixed(trial: optuna.Trial) -> float:
    """0 at x = 1, lr = 1e-3, depth = 7, width = 128, and every op "c"."""
    found = sum((trial.suggest_float(f"x{i}", -5, 5) - 1) ** 2 for i in range(3))
    found += (np.log10(trial.suggest_float("lr", 1e-5, 1, log=True)) + 3) ** 2
    found += (trial.suggest_int("depth", 0, 9) - 7) ** 2 / 4
    found += (np.log2(trial.suggest_int("width", 8, 256, log=True)) - 7) ** 2
    return float(found + sum(trial.suggest_categorical(f"op{i}", OPS) != "c" for i in range(4)))


def searched(
    sampler: BaseSampler,
    objective: Callable[[optuna.Trial], float] = mixed,
    trials: int = 40,
    direction: str = "minimize",
) -> optuna.Study:
    study = optuna.create_study(sampler=sampler, direction=direction)
    study.optimize(objective, n_trials=trials)
    return study


class TestContract(BasicSamplerTestCase, RelativeSamplerTestCase, SingleOnlySamplerTestCase):
    @pytest.fixture(params=[None, NASBench201()], ids=["no space", "space"])
    def sampler(self, request: pytest.FixtureRequest) -> Callable[[], BaseSampler]:
        return lambda: CatCmaSampler(request.param, seed=0)


def test_it_finds_what_a_sampler_that_draws_choices_at_random_does_not() -> None:
    own, others = (
        np.mean([searched(make(seed), trials=200).best_value for seed in range(3)])
        for make in (
            lambda seed: CatCmaSampler(seed=seed),
            lambda seed: CmaEsSampler(seed=seed, with_margin=True, warn_independent_sampling=False),
        )
    )
    blind = searched(RandomSampler(seed=0), trials=200).best_value
    assert own < 0.5  # every choice is right, and the numbers nearly so
    assert own < others / 2 < blind


def test_a_choice_that_is_good_becomes_frequent() -> None:
    """Ten choices of four: a random draw has 2.5 right, and 1,048,576 exist."""
    study = searched(
        CatCmaSampler(seed=1),
        lambda trial: sum(trial.suggest_categorical(f"op{i}", OPS) == "c" for i in range(10)),
        150,
        "maximize",
    )
    assert study.best_value == 10


def test_the_seed_repeats() -> None:
    first = choices(searched(CatCmaSampler(seed=1)))
    assert first == choices(searched(CatCmaSampler(seed=1)))
    assert first != choices(searched(CatCmaSampler(seed=2)))
    assert first != choices(searched(CatCmaSampler()))


def test_a_pickled_sampler_goes_on_as_the_same() -> None:
    study = searched(CatCmaSampler(NASBench201(), seed=0))
    copied = copy.deepcopy(study)
    copied.sampler = pickle.loads(pickle.dumps(study.sampler))
    for one in (study, copied):
        one.optimize(mixed, n_trials=12)
    assert choices(study) == choices(copied)


def test_another_process_goes_on_as_this_one_does(tmp_path: Path) -> None:
    here, there = (f"sqlite:///{tmp_path}/{name}.db" for name in ("here", "there"))
    work(here, BY_CODE, 25)
    optuna.copy_study(from_study_name="s", from_storage=here, to_storage=there)
    other = started(there, BY_CODE, 6)
    again = work(here, BY_CODE, 6)
    finished(other)
    expected = choices(work(None, BY_CODE, 31))  # without any interruption
    assert choices(again) == choices(optuna.load_study(study_name="s", storage=there)) == expected


def test_two_processes_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/studies.db"
    workers = [started(url, f"CatCmaSampler(SPACE, seed={seed})", 15) for seed in (0, 1)]
    for worker in workers:
        finished(worker)
    trials = optuna.load_study(study_name="s", storage=url).trials
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 30


def test_postgresql_makes_no_difference(postgresql_url: str) -> None:
    assert choices(work(postgresql_url, BY_CODE, 25)) == choices(work(None, BY_CODE, 25))


def test_workers_agree_on_the_optimizer_whoever_ended_first() -> None:
    """Two samplers, of which one saw every trial end and the other comes late, propose alike."""
    study = optuna.create_study(sampler=CatCmaSampler(seed=3))
    running: list[optuna.Trial] = []
    for number in range(60):
        running.append(study.ask())
        found = mixed(running[-1])
        running[-1].set_user_attr("found", found)
        if number > 4:
            trial = running.pop(number % 4)
            study.tell(trial, trial.user_attrs["found"])
    late = copy.deepcopy(study)
    late.sampler = CatCmaSampler(seed=3)
    proposed = []
    for one in (study, late):
        trial = one.ask()
        mixed(trial)
        proposed.append(trial.params)
    assert proposed[0] == proposed[1]


def test_constraints_are_learned() -> None:
    """The unconstrained optimum, "a" everywhere, is forbidden; so is most of what is near it."""

    def objective(trial: optuna.Trial) -> float:
        ops = [trial.suggest_categorical(f"op{i}", OPS) for i in range(6)]
        trial.set_constraint("a", ops.count("a") - 2)
        return 2 * ops.count("a") + ops.count("b")

    study = searched(CatCmaSampler(seed=0), objective, 150, "maximize")
    late = study.trials[-50:]
    feasible = [trial for trial in late if trial.constraints["a"] <= 0]
    assert len(feasible) > 25
    assert max(trial.values[0] for trial in feasible) == 8  # two "a" and four "b"


def test_pruned_trials_count_as_worse_than_completed_ones() -> None:
    """Nothing else says that "c" is bad."""

    def objective(trial: optuna.Trial) -> float:
        ops = [trial.suggest_categorical(f"op{i}", OPS) for i in range(6)]
        trial.report(ops.count("b"), 1)
        if ops.count("c") > 1:
            raise optuna.TrialPruned
        return ops.count("b")

    study = searched(CatCmaSampler(seed=0), objective, 150, "maximize")
    late = [trial.state for trial in study.trials[-50:]]
    assert late.count(TrialState.PRUNED) < 12  # of random draws: 23
    assert study.best_value == 6


def test_failed_trials_and_strange_values_do_no_harm() -> None:
    def objective(trial: optuna.Trial) -> float:
        found = mixed(trial)
        if trial.number % 7 == 3:
            raise ZeroDivisionError
        return float("inf") if trial.number % 5 == 1 else found

    study = optuna.create_study(sampler=CatCmaSampler(seed=0))
    study.optimize(objective, n_trials=120, catch=ZeroDivisionError)
    assert study.best_value < 5  # of random draws: about 9


def test_a_study_in_which_nothing_was_ever_told_apart() -> None:
    def objective(trial: optuna.Trial) -> float:
        mixed(trial)
        raise optuna.TrialPruned

    assert len(searched(CatCmaSampler(seed=0), objective).trials) == 40


def test_enqueued_trials_are_told_too() -> None:
    """A good guess, far from where the search had got to, is found and not forgotten."""
    study = searched(CatCmaSampler(seed=0), trials=60)
    best: dict[str, Any] = {f"x{i}": 1.0 for i in range(3)} | {f"op{i}": "c" for i in range(4)}
    study.enqueue_trial({**best, "lr": 1e-3, "depth": 7, "width": 96})
    study.optimize(mixed, n_trials=60)
    assert study.trials[60].value == pytest.approx((np.log2(96) - 7) ** 2)
    late = np.mean([trial.value for trial in study.trials[-20:]])
    before = np.mean([trial.value for trial in study.trials[40:60]])
    assert late < before / 2


def test_a_conditional_space() -> None:
    """What all trials have in common is learned, what opens behind it is drawn."""

    def objective(trial: optuna.Trial) -> float:
        kind = trial.suggest_categorical("kind", OPS)
        width = trial.suggest_int(f"{kind}.width", 1, 5)
        return 10 * (kind == "c") + width / 5 + trial.suggest_float("depth", 0, 5)

    study = searched(CatCmaSampler(objective, seed=0), objective, 60, "maximize")
    kinds = [trial.params["kind"] for trial in study.trials]
    assert kinds[-30:].count("c") > 14  # of random draws: 7; the margin keeps a quarter for others
    assert study.best_value > 15.8  # 16 is the best


def test_hyperband_shows_each_bracket_its_own_trials() -> None:
    """A bracket is a study with few attributes; the optimizer is made anew for each."""

    def objective(trial: optuna.Trial) -> float:
        found = mixed(trial)
        for step in range(1, 10):
            trial.report(found / step, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return found

    pruner = optuna.pruners.HyperbandPruner(max_resource=9)
    # by its name Hyperband deals the trials to the brackets
    study = optuna.create_study(study_name="s", sampler=CatCmaSampler(seed=0), pruner=pruner)
    study.optimize(objective, n_trials=90)
    assert study.best_value < 5  # of random draws: about 9


def test_twins_are_drawn_again() -> None:
    def objective(trial: optuna.Trial) -> float:
        return trial.suggest_int("n", 1, 6) + OPS.index(trial.suggest_categorical("op", OPS))

    study = searched(CatCmaSampler(seed=0), objective, 30)
    values = [tuple(sorted(trial.params.items())) for trial in study.trials]
    assert len(set(values[:24])) == 24  # each of the 6 x 4
    assert len(values) == 30  # then it goes on


def test_no_network_is_over_the_limits_or_a_twin() -> None:
    space, limits = NASBench201(), Limits(params=700_000)  # 58 % of the cells
    study = searched(
        CatCmaSampler(space, seed=0, limits=limits),
        lambda trial: str(space.suggest(trial)).count("Conv"),
        60,
        "maximize",
    )
    networks = [space.architecture(tuple(trial.params.values())) for trial in study.trials]
    assert max(cost(network, (3, 32, 32), 10).params for network in networks) <= 700_000
    assert len({key(network, (3, 32, 32), 10) for network in networks}) == 60


@pytest.mark.parametrize(
    ("distribution", "values"),
    [
        (CategoricalDistribution(("a", None, 3)), ("a", None, 3)),
        (IntDistribution(0, 1), (0, 1)),
        (IntDistribution(2, 8, step=3), (2, 5, 8)),
        (IntDistribution(1, 512, log=True), (1, 2, 300, 512)),
        (IntDistribution(0, 10**9), (0, 123456, 10**9)),
        (IntDistribution(1, 10**9, log=True), (1, 777, 10**9)),
        (FloatDistribution(-1, 1), (-1.0, 0.3, 1.0)),
        (FloatDistribution(1e-7, 10, log=True), (1e-7, 0.003, 10.0)),
        (FloatDistribution(-10.2, 10.2, step=0.1), (-10.2, 0.1, 10.2)),
        (FloatDistribution(0, 1, step=0.5), (0.0, 0.5, 1.0)),
        (FloatDistribution(0, 1, step=1e-5), (0.0, 0.12345, 1.0)),
    ],
    ids=str,
)
def test_every_distribution_is_translated_and_back(
    distribution: BaseDistribution, values: tuple[Any, ...]
) -> None:
    space = MixedSpace({"p": distribution, "one": IntDistribution(3, 3)})
    for value in values:
        found = space.decoded(space.encoded({"p": value}))
        assert found == {"p": pytest.approx(value) if isinstance(value, float) else value}
        assert type(found["p"]) is type(value)
    optimizer = space.optimizer(None)
    for _ in range(50):
        number = distribution.to_internal_repr(space.decoded(optimizer.ask())["p"])
        assert min(map(distribution.to_internal_repr, values)) <= number
        assert number <= max(map(distribution.to_internal_repr, values))


def test_values_outside_of_the_space_move_to_its_border() -> None:
    space = MixedSpace({"n": IntDistribution(0, 9), "x": FloatDistribution(0, 1)})
    assert space.decoded(space.encoded({"n": 12, "x": -3.0})) == {"n": 9, "x": 0.0}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CatCmaSampler(population=3), "a population is 4 trials or more; got 3"),
        (lambda: CatCmaSampler(seed=-1), "from 0 on; got -1"),
        (lambda: make_sampler("catcma(population=2)", seed=0), "4 trials or more; got 2"),
        (
            lambda: make_sampler("catcma", seed=0, n_objectives=2),
            "sampler 'catcma' serves one objective; the study has 2: take",
        ),
    ],
)
def test_what_is_refused_at_once(make: Callable[[], object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        make()


def test_by_name() -> None:
    named = make_sampler("catcma(population=6)", seed=5, space=NASBench201())
    assert isinstance(named, CatCmaSampler)
    own = CatCmaSampler(NASBench201(), population=6, seed=5)
    assert choices(searched(named)) == choices(searched(own))
