"""How long each retraining may be, where the time for all is given."""

import json
import time
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

import optunas
from optunas.delivery import schedule
from optunas.delivery.race import Entrant
from optunas.delivery.schedule import EXPORT_SECONDS, scheduled
from optunas.training.pace import Pace

from ..small import SPACE, few, small_objective

EPOCH = {"trial 0": 1.0, "wide": 3.0}  # seconds


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A pace that is known, and who asked for it."""
    names: list[str] = []

    def made_up(entrant: Entrant, objective: object) -> Pace:
        names.append(entrant.name)
        return Pace(EPOCH[entrant.name] / len(few().train), 0.0, 0.5)

    monkeypatch.setattr(schedule, "_pace", made_up)
    return names


def entrants() -> list[Entrant]:
    prospect = small_objective().prospect
    candidate = prospect.propose(optuna.trial.FixedTrial(SPACE.baseline()))
    recipe = replace(candidate.recipe, epochs=99)
    return [Entrant(name, candidate, recipe) for name in EPOCH]


def planned(seconds: float, folder: Path) -> list[tuple[str, int]]:
    end = time.monotonic() + EXPORT_SECONDS + seconds
    found = scheduled(entrants(), small_objective(), end, 5, folder)
    return [(one.name, one.recipe.epochs) for one in found]


def test_all_get_the_epochs_that_fit(tmp_path: Path) -> None:
    assert planned(43.0, tmp_path) == [("trial 0", 10), ("wide", 10)]


def test_baselines_stay_out_where_they_would_cost_the_winner_its_epochs(tmp_path: Path) -> None:
    assert planned(19.0, tmp_path) == [("trial 0", 18)]  # together 4, and the search had 5


def test_at_least_one_and_not_for_ever(tmp_path: Path) -> None:
    assert planned(-9.0, tmp_path) == [("trial 0", 1)]
    (tmp_path / "plan.json").unlink()
    assert planned(1e6, tmp_path) == [("trial 0", 50), ("wide", 50)]


def test_who_goes_on_keeps_the_plan(tmp_path: Path, asked: list[str]) -> None:
    first = planned(43.0, tmp_path)
    asked.clear()
    assert planned(10.0, tmp_path) == first
    assert asked == []


@pytest.mark.parametrize(
    "found", ["{", "[]", '{"entrants": ["trial 0", "wide"]}', '{"entrants": ["x"], "plan": [1, 1]}']
)
def test_a_plan_of_something_else_is_made_anew(tmp_path: Path, found: str) -> None:
    (tmp_path / "plan.json").write_text(found)
    assert planned(43.0, tmp_path) == [("trial 0", 10), ("wide", 10)]
    assert json.loads((tmp_path / "plan.json").read_text())["plan"] == [10, 2]


def test_a_delivery_of_so_many_seconds_runs_with_its_baselines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "_pace", lambda *_: Pace(0.01 / len(few().train), 0.0, 0.0))
    objective = small_objective(limits=optunas.Limits(params=20_000, macs=10**8))
    study = optunas.create_study("timed", storage="sqlite://", sampler="random")
    study.optimize(objective, n_trials=1)
    winner = optunas.deliver(study, objective, tmp_path, seconds=EXPORT_SECONDS + 5)
    assert winner.race is not None
    assert winner.epochs == 10 * objective.epochs
    assert {one.name for one in winner.race.results} >= {"trial 0", "ResNet-18-like"}
