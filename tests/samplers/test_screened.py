import logging
import pickle
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
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
from optunas.spaces.draw import Draw
from optunas.spaces.sight import SpaceSight, View

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


@pytest.mark.parametrize("name", ["random", "tpe", "nsgaii", "catcma", "gp(startup=55)"])
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


# a proxy chooses among several draws


def count_of(view: View) -> float:
    return list(view.params.values()).count("nor_conv_3x3")


@dataclass(frozen=True)
class Judged(SpaceSight):
    """Sees what a proxy says: the number of 3x3 convolutions, or what `says` makes of a view."""

    says: Callable[[View], float | None] = count_of
    asked: list[str] = field(default_factory=list)

    def view(self, drawn: Draw) -> View:
        view = super().view(drawn)

        def judge(name: str) -> float | None:
            self.asked.append(name)
            return self.says(view)

        return replace(view, judge=judge)


def noting(score: Callable[[optuna.Trial], float], sign: int = 1) -> Callable[..., float]:
    """`convolutions`, of a study whose objective writes down what a proxy says of each network."""

    def objective(trial: optuna.Trial) -> float:
        value = sign * convolutions(trial)
        trial.set_user_attr("proxy.swap", score(trial))
        return value

    return objective


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "optunas"]


def values(study: optuna.Study) -> list[float]:
    return [trial.values[0] for trial in study.trials]


@pytest.mark.parametrize("name", ["random", "tpe", "nsgaii"])
def test_of_several_draws_the_one_that_the_proxy_likes_best_is_proposed(name: str) -> None:
    sight = Judged(SPACE)
    study = searched(
        Screened(make_sampler(name, seed=0), sight, seed=0, proxy="swap", draws=8), trials=15
    )
    assert np.mean(values(study)) > 3.5  # at random: 2
    assert twins(study) == 0
    assert set(sight.asked) == {"swap"}
    assert len(sight.asked) <= 8 * 15


def test_it_is_the_best_of_exactly_the_draws_of_the_sampler() -> None:
    plain = values(searched(RandomSampler(seed=1), trials=5))
    study = searched(
        Screened(RandomSampler(seed=1), Judged(SPACE), seed=1, proxy="swap", draws=5), trials=1
    )
    assert values(study) == [max(plain)]


def test_more_draws_are_screened_more_sharply() -> None:
    few, many = (
        np.mean(
            values(
                searched(
                    Screened(RandomSampler(seed=0), Judged(SPACE), seed=0, proxy="swap", draws=n),
                    trials=15,
                )
            )
        )
        for n in (2, 12)
    )
    assert 2 < few < many - 0.5


def test_sizes_are_proxies_that_need_no_images() -> None:
    study = searched(
        make_sampler("screened-random(proxy=params, draws=8)", seed=0, space=SPACE), trials=15
    )
    plain = searched(RandomSampler(seed=0), trials=15)
    screened, bare = (
        np.mean([cost(network, SHAPE, CLASSES).params for network in networks(one)])
        for one in (study, plain)
    )
    assert screened > 1.5 * bare


def test_limits_hold_for_all_that_is_screened() -> None:
    space, limits = ConvNet(), Limits(params=30_000)
    sampler = Screened(RandomSampler(seed=0), space, limits, seed=0, proxy="params", draws=4)
    study = searched(sampler, lambda t: len(str(space.suggest(t))), 8)
    found = [cost(network, SHAPE, CLASSES).params for network in networks(study, space)]
    assert max(found) <= 30_000
    assert np.mean(found) > 15_000


def test_what_no_proxy_knows_loses_to_what_one_does() -> None:
    def says(view: View) -> float | None:
        return -1.0 if count_of(view) == 1 else None

    sampler = Screened(RandomSampler(seed=0), Judged(SPACE, says=says), seed=0, proxy="swap")
    assert values(searched(sampler, trials=5)) == [1] * 5


def test_a_proxy_that_knows_nothing_passes_the_first_on_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    blind = Screened(RandomSampler(seed=1), SPACE, seed=1, proxy="naswot", draws=2)
    with caplog.at_level(logging.WARNING, "optunas"):
        study = searched(blind, trials=4)
    assert values(study)[0] == values(searched(RandomSampler(seed=1), trials=1))[0]
    (said,) = warnings(caplog)
    assert "the screen by naswot can tell nothing" in said
    assert "objective.prospect" in said


def test_a_useless_proxy_is_switched_off_and_costs_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def noise(trial: optuna.Trial) -> float:
        return float(np.random.default_rng(trial.number).normal())

    sight = Judged(SPACE, says=lambda view: len(view.key))
    sampler = Screened(RandomSampler(seed=0), sight, seed=0, proxy="swap", draws=4)
    with caplog.at_level(logging.WARNING, "optunas"):
        study = searched(sampler, noting(noise), 20)
        before = len(sight.asked)
        assert before == 20 * 4
        study.optimize(noting(noise), n_trials=10)
    assert len(sight.asked) == before
    (said,) = warnings(caplog)
    assert "the screen by swap is off" in said
    assert "over 20 networks" in said


@pytest.mark.parametrize(("direction", "sign"), [("maximize", 1), ("minimize", -1)])
def test_a_useful_proxy_stays_on_whatever_the_direction(direction: str, sign: int) -> None:
    sight = Judged(SPACE)
    sampler = Screened(RandomSampler(seed=0), sight, seed=0, proxy="swap", draws=4)
    objective = noting(lambda trial: list(trial.params.values()).count("nor_conv_3x3"), sign)
    study = searched(sampler, objective, 20, (direction,))
    before = len(sight.asked)
    study.optimize(objective, n_trials=5)
    assert len(sight.asked) == before + 5 * 4


def test_a_proxy_that_is_right_the_wrong_way_round_is_switched_off() -> None:
    sight = Judged(SPACE)
    sampler = Screened(RandomSampler(seed=0), sight, seed=0, proxy="swap", draws=4)
    objective = noting(lambda trial: -list(trial.params.values()).count("nor_conv_3x3"))
    study = searched(sampler, objective, 20)
    before = len(sight.asked)
    study.optimize(objective, n_trials=3)
    assert len(sight.asked) == before


def test_processes_that_screen_share_a_study(tmp_path: Path) -> None:
    code = "make_sampler('screened-tpe(proxy=params, draws=3)', seed=0, space=SPACE)"
    here, there = (f"sqlite:///{tmp_path}/{name}.db" for name in ("here", "there"))
    work(here, code, 8)
    optuna.copy_study(from_study_name="s", from_storage=here, to_storage=there)
    other = started(there, code, 4)
    study = work(here, code, 4)
    finished(other)
    assert choices(study) == choices(optuna.load_study(study_name="s", storage=there))


def test_a_screen_by_name_is_the_one_that_is_made() -> None:
    for text in (
        "screened-tpe(proxy='params', draws=3, startup=4)",
        "Screened_TPE(startup=4, draws=3, proxy=params)",
    ):
        own = Screened(
            make_sampler("tpe(startup=4)", seed=5), SPACE, seed=5, proxy="params", draws=3
        )
        named = make_sampler(text, seed=5, space=SPACE)
        again = pickle.loads(pickle.dumps(named))
        found = choices(searched(own, trials=10))
        assert choices(searched(named, trials=10)) == found
        assert choices(searched(again, trials=10)) == found


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("proxy=swop", "no proxy is called 'swop'. Did you mean 'swap'"),
        ("proxy=3", "a proxy is written as name"),
        ("proxy=swap, draws=1", "2 draws or more; got draws=1"),
        ("proxy=swap, draws=True", "got draws=True"),
        ("proxy=swap, draws=many", "got draws='many'"),
        ("draws=8", "chooses among draws=8 networks: name one"),
        ("proxy=swap, candidates=3", "takes startup, candidates|takes no arguments; got 'candid"),
    ],
)
def test_screens_that_are_refused_at_once(settings: str, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        make_sampler(f"screened-random({settings})", seed=0, space=SPACE)


@pytest.mark.parametrize("name", ["architecture", "evolution", "local", "genetic", "catcma"])
def test_samplers_that_have_one_answer_a_trial_have_nothing_to_screen(name: str) -> None:
    with pytest.raises(StudyError, match=r"one network a trial.*take random, tpe"):
        make_sampler(f"screened-{name}(proxy=params)", seed=0, space=SPACE)
