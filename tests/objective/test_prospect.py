"""A search seen before it starts."""

import itertools
import time
from dataclasses import replace
from typing import Any

import numpy as np
import optuna
import pytest
import torch
from torch import nn

from optunas import Limits, RecipeSpace
from optunas.architecture import Conv, ConvNorm, GlobalPool, Linear, Sequential, Shape
from optunas.errors import OptunasError, StudyError
from optunas.objective.prospect import Misfit, Prospect
from optunas.proxies import PROXIES, Probe
from optunas.samplers import Screened, make_sampler
from optunas.spaces import ConvNet, draw
from optunas.spaces.sight import View

from ..small import RECIPE, SPACE, few, plain


def prospect(space: Any = SPACE, shape: Shape = (1, 8, 8), **limits: Any) -> Prospect:
    return Prospect(space, RECIPE, shape, 10, Limits(**limits))


class Rare:
    """One network in five hundred is small; every other one does not fit the images."""

    def suggest(self, trial: Any) -> Any:
        width = trial.suggest_int("width", 1, 500)
        kernel = trial.suggest_categorical("kernel", (3, 9))
        return Sequential(Conv(width, kernel, padding=0), GlobalPool(), Linear())


def test_random_draws_meet_the_limits_and_repeat_with_the_seed() -> None:
    seen = prospect(params=600)
    draws = list(itertools.islice(seen.random_params(np.random.default_rng(1)), 20))
    again = list(itertools.islice(seen.random_params(np.random.default_rng(1)), 20))
    assert draws == again
    for params in draws:
        drawn = seen.draw(np.random.default_rng(0), params)
        assert drawn.params == params
        assert drawn.candidate.params <= 600


def test_random_draws_pass_over_networks_that_do_not_fit() -> None:
    draws = itertools.islice(prospect(Rare()).random_params(np.random.default_rng(0)), 20)
    assert {params["kernel"] for params in draws} == {3}


def test_random_draws_end_where_next_to_none_meets_the_limits() -> None:
    seen = prospect(Rare(), params=40)  # width 1
    seen.check()
    started = time.monotonic()
    rng = np.random.default_rng(0)
    found = [params for _, params in zip(range(10**6), seen.random_params(rng), strict=False)]
    assert {params["width"] for params in found} <= {1}
    assert time.monotonic() - started < 30


def test_a_baseline_is_the_spaces_own_with_the_recipes_own() -> None:
    recipe = RecipeSpace(RECIPE)
    seen = Prospect(SPACE, recipe, (1, 8, 8), 10, Limits())
    params = seen.baseline_params()
    assert params is not None
    assert {**SPACE.baseline(), **recipe.baseline()} == params
    drawn = seen.draw(np.random.default_rng(3), params)
    assert drawn.candidate.recipe == RECIPE


@pytest.mark.parametrize(
    "seen",
    [
        prospect(lambda trial: plain(2)),
        prospect(params=1),
        prospect(ConvNet(stages=(4,), norms=("batch",)), params=1000),
    ],
)
def test_without_a_baseline_or_over_the_limits_there_is_none(seen: Prospect) -> None:
    assert seen.baseline_params() is None


def test_a_baseline_that_does_not_fit_is_none() -> None:
    class Odd(Rare):
        def baseline(self) -> dict[str, Any]:
            return {"width": 4, "kernel": 9}

    assert prospect(Odd()).baseline_params() is None


def test_limits_that_few_networks_meet_are_found_by_descent() -> None:
    space = ConvNet()
    smallest = min(
        prospect(space).draw(np.random.default_rng(n)).candidate.params for n in range(50)
    )
    prospect(space, params=smallest // 3).check()


def test_limits_that_nothing_meets_name_the_smallest_seen() -> None:
    with pytest.raises(
        StudyError, match=r"no network meets the limits \(params <= 20\): .* has \d"
    ):
        prospect(params=20).check()


def test_images_that_nothing_fits_are_said_with_the_reason() -> None:
    space = type("S", (), {"suggest": lambda self, trial: Sequential(Conv(2, 9, padding=0))})()
    with pytest.raises(StudyError, match=r"none of 1000 random networks .* images of 1x8x8: .*9x9"):
        prospect(space).check()


def test_code_that_always_fails_is_said_at_once() -> None:
    def broken(trial: Any) -> nn.Module:
        return nn.Linaer(3)  # type: ignore[attr-defined, no-any-return]

    started = time.monotonic()
    with pytest.raises(StudyError, match=r"failed on a random draw: AttributeError: .*Linaer"):
        prospect(broken).check()
    assert time.monotonic() - started < 2


def test_code_that_fails_on_some_draws_is_a_matter_of_the_trial() -> None:
    def moody(trial: Any) -> nn.Module:
        if trial.suggest_categorical("mood", ("good", "bad")) == "bad":
            raise RuntimeError("not today")
        return plain(2)

    prospect(moody).check()
    with pytest.raises(Misfit, match="RuntimeError: not today"):
        prospect(moody).draw(np.random.default_rng(0), {"mood": "bad"})


def test_tuples_are_refused_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    def tuples(trial: Any) -> nn.Module:
        trial.suggest_categorical("size", ((1, 2), (3, 4)))
        return plain(2)

    with pytest.raises(OptunasError, match="choices must be strings and numbers"):
        prospect(tuples).check()
    assert list(recwarn) == []


def test_a_description_of_one_network_is_a_space_too() -> None:
    class One:
        def suggest(self, trial: Any) -> Any:
            return Sequential(ConvNorm(4), GlobalPool(), Linear())

    prospect(One()).check()
    with pytest.raises(StudyError, match="no network meets"):
        prospect(One(), macs=10).check()


# zero-cost proxies


def viewed(seen: Prospect, seed: int = 0) -> View:
    return seen.view(draw(seen.suggest, np.random.default_rng(seed)))


def test_without_images_the_sizes_are_known() -> None:
    view = viewed(prospect())
    drawn = prospect().draw(np.random.default_rng(0), view.params)
    assert view.proxy("params") == drawn.candidate.params
    assert view.proxy("macs") == drawn.candidate.macs
    assert view.proxy("swap") is None


@pytest.mark.parametrize("space", [SPACE, lambda trial: plain(trial.suggest_int("width", 2, 6))])
def test_with_images_every_proxy_is(space: Any) -> None:
    probe = Probe.of(few())
    seen = replace(prospect(space), probe=probe)
    view = viewed(seen)
    candidate = seen.draw(np.random.default_rng(0), view.params).candidate
    network = candidate.build(probe.seed, torch.device("cpu"))
    assert {name: view.proxy(name) for name in PROXIES} == probe.scores(PROXIES, network)


def test_a_network_is_scored_once_whatever_its_recipe() -> None:
    built: list[int] = []

    def space(trial: Any) -> nn.Module:
        width = trial.suggest_int("width", 3, 3)
        built.append(width)
        return plain(width)

    recipe = RecipeSpace(RECIPE)
    seen = Prospect(space, recipe, (1, 8, 8), 10, Limits(), Probe.of(few()))
    first, second = (viewed(seen, seed) for seed in (0, 1))
    assert first.key != second.key
    before = len(built)
    assert first.proxy("naswot") == second.proxy("naswot")
    assert len(built) == before + 1


def test_a_network_that_can_not_be_built_is_not_known() -> None:
    def moody(trial: Any) -> nn.Module:
        network = plain(trial.suggest_int("width", 2, 6))
        if next(network.parameters()).device.type != "meta":
            raise RuntimeError("not today")
        return network

    assert viewed(replace(prospect(moody), probe=Probe.of(few()))).proxy("swap") is None


def test_a_screen_finds_the_networks_that_the_proxy_ranks_best() -> None:
    """By images; the same search gives the same networks."""
    seen = replace(prospect(), probe=Probe.of(few()))

    def searched() -> list[View]:
        sampler = make_sampler("screened-random(proxy=swap, draws=5)", seed=1, space=seen)
        study = optuna.create_study(sampler=sampler)
        study.optimize(lambda trial: float(len(str(seen.propose(trial)))), n_trials=4)
        return [
            seen.view(draw(seen.suggest, np.random.default_rng(0), t.params)) for t in study.trials
        ]

    found = searched()
    assert [view.params for view in found] == [view.params for view in searched()]
    at_random = [viewed(seen, seed).proxy("swap") for seed in range(12)]
    assert np.mean([view.proxy("swap") for view in found]) > np.mean(at_random)  # type: ignore[arg-type]


def test_a_screen_sees_through_choices_beside_the_space() -> None:
    seen = replace(prospect(), probe=Probe.of(few()))
    study = optuna.create_study(
        sampler=Screened(
            optuna.samplers.RandomSampler(seed=0), seen, seed=0, proxy="naswot", draws=3
        )
    )

    def objective(trial: optuna.Trial) -> float:
        return seen.propose(trial).params + trial.suggest_float("rate", 0, 1)

    study.optimize(objective, n_trials=4)
    assert all("rate" in trial.params for trial in study.trials)
    assert len(seen.probe._known) >= 6  # type: ignore[union-attr]
