"""What hours buy: the arithmetic, and the measuring that it rests on."""

import json
from dataclasses import asdict, replace
from typing import Any

import optuna
import pytest
import torch

import optunas
from optunas.data import Data, Split
from optunas.errors import StudyError
from optunas.planning import (
    NETWORKS,
    keeping,
    kept,
    measured_paces,
    promise_for,
    promised,
    write_down,
)
from optunas.promise import (
    BETWEEN,
    EPOCHS,
    EXPORT_SECONDS,
    FEWEST,
    LONGER,
    MANY,
    PRUNED,
    RACE,
    TYPICAL,
    WINNER,
    Promise,
    affordable_macs,
    promise,
    sees_next_to_nothing,
)
from optunas.search import Search
from optunas.training import Recipe, RecipeSpace
from optunas.training.pace import Pace
from optunas.wording import count
from optunas.worker import Plan

from .small import small_objective

RECIPE = Recipe(epochs=20)
MACS = [1_000_000, 3_000_000]
PACES = [Pace(0.001, 1.0, 1.0), Pace(0.003, 1.0, 1.0)]  # 0.002 s an image, 1 s, 1 s: in the mean


pytestmark = pytest.mark.usefixtures("quiet")


def cost(epochs: int, images: float) -> float:
    return 1 + epochs * (1 + 0.002 * images)


def each(epochs: int, images: float) -> float:
    """Of a search that prunes."""
    return BETWEEN + PRUNED * cost(epochs, images)


def test_with_enough_time_the_recipe_stays() -> None:
    seconds = 100 * each(20, 5000)
    made = promise(PACES, RECIPE, 5000, seconds)
    assert (made.epochs, made.train_fraction, made.networks) == (20, 1.0, 100)
    assert made.winner == 0
    assert made.each == pytest.approx(cost(20, 5000))


def test_without_pruning_it_sees_fewer_and_with_workers_more() -> None:
    seconds = 150 * each(20, 5000)
    fewer = seconds / (BETWEEN + cost(20, 5000))
    assert promise(PACES, RECIPE, 5000, seconds, pruned=False).networks == round(fewer)
    assert promise(PACES, RECIPE, 5000, seconds / 2, workers=2).networks == 150


def test_with_little_time_epochs_go_first_and_then_images() -> None:
    seconds = FEWEST * each(10, 5000)
    made = promise(PACES, RECIPE, 5000, seconds)
    assert (made.epochs, made.train_fraction) == (10, 1.0)
    assert made.networks >= FEWEST
    seconds = FEWEST * each(EPOCHS, 0.5 * 20_000)
    made = promise(PACES, RECIPE, 20_000, seconds)
    assert made.epochs == EPOCHS
    assert 0.4 < made.train_fraction <= 0.5
    assert made.networks >= FEWEST


def test_there_is_an_end_to_making_it_cheaper() -> None:
    made = promise(PACES, RECIPE, 100_000, 10.0)
    assert made.epochs == EPOCHS
    assert made.train_fraction == pytest.approx(0.1)
    assert made.networks == 1
    few = promise(PACES, RECIPE, 3000, 10.0)
    assert few.train_fraction == pytest.approx(2 / 3)  # 2,000 images are seen at least
    assert promise(PACES, RECIPE, 500, 10.0).train_fraction == 1.0
    short = promise(PACES, Recipe(epochs=3), 5000, 10.0)
    assert short.epochs == 3  # never more epochs because of little time


def test_with_much_time_each_is_trained_longer() -> None:
    seconds = 0.999 * MANY * each(40, 5000)
    made = promise(PACES, RECIPE, 5000, seconds)
    assert (made.epochs, made.train_fraction) == (40, 1.0)
    assert promise(PACES, RECIPE, 5000, 100 * seconds).epochs == LONGER * 20


def test_what_was_decided_stays_decided() -> None:
    given = replace(RECIPE, train_fraction=0.7)
    made = promise(PACES, given, 100_000, 60.0, decided=True)
    assert (made.epochs, made.train_fraction, made.networks) == (20, 0.7, 1)


def test_time_is_kept_for_the_winner() -> None:
    plenty = 1000 * cost(20, 5000)
    made = promise(PACES, RECIPE, 5000, plenty, winner=True)
    slow = 1 + LONGER * made.epochs * (1 + 0.003 * 5000)  # the slower half of the networks
    assert RACE * slow <= made.winner <= 1.3 * RACE * slow + EXPORT_SECONDS
    assert promise(PACES, RECIPE, 5000, 100.0, winner=True).winner == WINNER * 100
    without = promise(PACES, RECIPE, 5000, plenty)
    assert without.networks * without.epochs >= made.networks * made.epochs


def test_it_is_said_in_one_line() -> None:
    said = Promise(10, 0.25, 1234, 12.34, 300.0).describe()
    assert said == (
        "about 1,234 networks, each up to 10 epochs on 0.25 of the images, 12 s in the middle; "
        "5 min are kept to retrain the winner"
    )
    assert "kept" not in Promise(10, 1.0, 5, 200.0, 0.0).describe()


def test_the_objective_keeps_it() -> None:
    made = Promise(7, 0.5, 100, 1.0, 0.0)
    for recipe in (Recipe(epochs=20, lr=0.01), RecipeSpace(Recipe(epochs=20, lr=0.01))):
        kept = keeping(small_objective(recipe=recipe), made)
        base = kept.recipe if isinstance(kept.recipe, Recipe) else kept.recipe.base
        assert (base.epochs, base.train_fraction, base.lr) == (7, 0.5, 0.01)
        assert type(kept.recipe) is type(recipe)


def test_it_comes_back_from_the_study() -> None:
    study = optuna.create_study()
    assert promised(study) is None
    made = Promise(7, 0.5, 100, 1.0, 0.0)
    write_down(study, made)
    assert promised(study) == made
    study.set_user_attr("promise", {"of": "another version"})
    assert promised(study) is None
    assert json.dumps(asdict(made))


def test_where_hours_buy_next_to_nothing_networks_must_be_cheaper() -> None:
    seconds = 5 * each(5, 2000)
    made = promise(PACES, RECIPE, 5000, seconds)
    assert made.networks < 10
    assert sees_next_to_nothing(made, seconds, 1)
    most = affordable_macs(made, PACES, MACS, 5000, 600.0)
    # 600 s are 60 networks of 10 s: each (10 - BETWEEN) / PRUNED of training, for 5 epochs of 2,000
    rates = [p.whole(5, 2000) / m for p, m in zip(PACES, MACS, strict=True)]
    wanted = (10 - BETWEEN) / PRUNED / (sum(rates) / 2) / TYPICAL
    assert most == pytest.approx(wanted, rel=1e-6)
    as_typed = promise(PACES, RECIPE, 5000, seconds, decided=True)
    decided = affordable_macs(as_typed, PACES, MACS, 5000, 600.0)
    assert decided < most / 4  # 20 epochs of 5,000
    with_winner = promise(PACES, RECIPE, 5000, seconds, winner=True)
    assert affordable_macs(with_winner, PACES, MACS, 5000, 600.0) < most
    plenty = promise(PACES, RECIPE, 5000, 100 * each(20, 5000))
    assert not sees_next_to_nothing(plenty, 100 * each(20, 5000), 1)
    quick = Promise(5, 1.0, 5, 0.1, 0.0)  # five in five seconds: they wait for other things
    assert not sees_next_to_nothing(quick, 5.0, 1)


def test_what_is_too_large_for_the_hours_is_neither_searched_nor_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int | None] = []

    def paced(objective: optunas.Objective, *_: object) -> tuple[list[Pace], list[int]]:
        """A millisecond an image for each 10,000 MACs, and random networks at the limit."""
        limit = objective.limits.macs
        seen.append(limit)
        macs = 10_000_000 if limit is None else limit
        return [Pace(1e-7 * macs, 0.0, 0.0)] * 2, [macs] * 2

    monkeypatch.setattr("optunas.planning.measured_paces", paced)
    storage = optuna.storages.InMemoryStorage()
    space = optunas.spaces.ConvNet(stages=(1, 2), depths=(1,), widths=(4, 64))
    search = Search(small_objective(space=space), "s", Plan(hours=1.0), storage=storage)
    made = promise_for(search, 3600.0)
    assert made is not None
    assert seen == [None, made.macs]
    assert made.macs is not None
    assert made.networks >= 0.5 * FEWEST
    narrowed = kept(search, made)
    assert narrowed.own is not None
    assert narrowed.own.limits == optunas.Limits(macs=made.macs)
    assert narrowed.agreed_fingerprint == search.agreed_fingerprint  # as it was typed
    assert f"networks of at most {count(made.macs)} MACs, each" in made.describe()
    study = optunas.create_study("s", storage=storage)
    assert write_down(study, made) == made  # who joins is told
    assert promise_for(search, 3600.0) == made
    strict = replace(small_objective(space=space), limits=optunas.Limits(macs=made.macs - 1))
    assert keeping(strict, made).limits.macs == made.macs - 1


@pytest.mark.parametrize("ours", [True, False])
def test_a_space_that_is_ours_may_become_coarser_for_want_of_time(
    monkeypatch: pytest.MonkeyPatch, ours: bool
) -> None:
    """At 32 pixels nothing of this space has less than 300,000 MACs with a stem of stride 1."""
    images = torch.zeros(20, 3, 32, 32, dtype=torch.uint8)
    split = Split(images, torch.arange(20) % 2)
    data = Data.from_splits("large", (split, split, split), ("a", "b"))
    space = optunas.spaces.ConvNet(stages=(1,), depths=(1,), widths=(8, 16), ops=("conv",))

    def paced(objective: optunas.Objective, *_: object) -> tuple[list[Pace], list[int]]:
        most = objective.limits.macs or 3_000_000
        return [Pace(3e-5 * most, 0.0, 0.0)] * 2, [most] * 2

    monkeypatch.setattr("optunas.planning.measured_paces", paced)
    storage = optuna.storages.InMemoryStorage()
    objective = small_objective(space=space, data=data)
    search = Search(objective, "s", Plan(hours=1.0), storage=storage, chooses_space=ours)
    made = promise_for(search, 3600.0)
    assert made is not None
    found = kept(search, made).own
    assert found is not None
    assert found.limits.macs == made.macs
    if ours:
        assert made.stem_stride in (2, 4)
        assert found.space == replace(space, stem_stride=made.stem_stride)
        assert made.networks >= 0.5 * FEWEST
        assert "pixels as one" in made.describe()
    else:
        assert made.stem_stride is None
        assert found.space == space
        assert made.networks < 0.5 * FEWEST


def test_the_pace_of_real_networks_is_measured_within_the_time() -> None:
    lines: list[str] = []
    paces, macs = measured_paces(small_objective(), 2.0, lines.append)
    assert 1 <= len(paces) == len(macs) <= NETWORKS
    assert all(100 < one < 100_000 for one in macs)
    assert all(p.training > 0 and p.validation > 0 and p.start > 0 for p in paces)
    assert lines[0] == f"measured 1 of {NETWORKS} networks"


def test_networks_that_fail_are_passed_over_unless_all_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []

    def sometimes(*args: Any, **options: Any) -> Pace:
        calls.append(1)
        if len(calls) % 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return PACES[0]

    monkeypatch.setattr("optunas.training.pace.pace", sometimes)
    paces, macs = measured_paces(small_objective(), 60.0)
    assert len(paces) == len(macs) == NETWORKS // 2

    def never(*args: Any, **options: Any) -> Pace:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("optunas.training.pace.pace", never)
    with pytest.raises(StudyError, match="out of memory"):
        measured_paces(small_objective(), 60.0)


def test_a_study_that_has_begun_keeps_its_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optunas.planning.measured_paces", lambda *_: (PACES, MACS))
    storage = optuna.storages.InMemoryStorage()
    search = Search(small_objective(), "s", Plan(hours=0.1), storage=storage)
    made = promise_for(search, 360.0)
    assert made is not None
    study = optunas.create_study("s", storage=storage)
    other = replace(made, epochs=99)
    write_down(study, other)
    assert promise_for(search, 360.0) == other  # whoever joins does as was promised
    study.set_user_attr("promise", None)
    assert promise_for(search, 360.0) is not None  # no trial yet: nothing is decided
    study.add_trial(optuna.create_trial(value=0.5))
    assert promise_for(search, 360.0) is None


@pytest.mark.parametrize(
    "stored",
    [
        7, {"epochs": 3}, {"epochs": "x"}, {"macs": "x"}, {"macs": -5}, {"stem_stride": 3},
        {"stem_stride": [2]}, {"train_fraction": True},
    ],
)  # fmt: skip
def test_whatever_else_stands_in_a_study_is_no_promise(stored: object) -> None:
    study = optunas.create_study("odd", storage="sqlite://")
    sound = Promise(3, 0.5, 60, 1.0, 0.0, macs=1000, stem_stride=2)
    study.set_user_attr("promise", asdict(sound))
    assert promised(study) == sound
    odd = {**asdict(sound), **stored} if isinstance(stored, dict) and len(stored) == 1 else stored
    study.set_user_attr("promise", stored if stored == {"epochs": 3} else odd)
    assert promised(study) is None


def test_without_hours_or_an_objective_of_ours_nothing_is_planned() -> None:
    storage = optuna.storages.InMemoryStorage()
    by_trials = Search(small_objective(), "s", Plan(trials=3), storage=storage)
    assert promise_for(by_trials, 360.0) is None
    plain = Search(lambda trial: 0.0, "s", Plan(hours=1.0), storage=storage)
    assert promise_for(plain, 360.0) is None
