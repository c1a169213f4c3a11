"""A search seen before it starts."""

import itertools
import time
from typing import Any

import numpy as np
import pytest
from torch import nn

from optunas import Limits, RecipeSpace
from optunas.architecture import Conv, ConvNorm, GlobalPool, Linear, Sequential, Shape
from optunas.errors import OptunasError, StudyError
from optunas.objective.prospect import Misfit, Prospect
from optunas.spaces import ConvNet

from ..small import RECIPE, SPACE, plain


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
