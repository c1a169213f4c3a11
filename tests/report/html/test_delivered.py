"""The report tells of the delivery: the race, its baselines, the test split."""

from pathlib import Path

import optuna
import pytest

import optunas
from optunas.report.html import page
from optunas.report.html.delivered import DELIVERED, delivered

from ...small import small_objective
from .reading import Read


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> optuna.Study:
    objective = small_objective(limits=optunas.Limits(params=20_000, macs=10**8))
    study = optunas.create_study("delivered", storage="sqlite://", sampler="random")
    study.optimize(objective, n_trials=1)
    assert delivered(study) is None
    assert "The winner" not in page(study)
    folder = tmp_path_factory.mktemp("winner")
    winner = optunas.deliver(study, objective, folder, longer=1, candidates=1, seeds=1)
    study.set_user_attr("wanted", [winner.name, *winner.race.said(), *winner.notes])
    study.set_user_attr("accuracy", str(winner.look.accuracy))
    return study


def test_the_race_and_what_it_means(study: optuna.Study) -> None:
    text = Read(page(study)).text
    assert "The winner" in text
    for said in study.user_attrs["wanted"]:
        assert said in text
    for name in ("trial 0", "ResNet-18-like", "MobileNetV3-like"):
        assert name in text
    value = float(study.user_attrs["accuracy"].split()[0])
    assert f"accuracy {100 * value:.2f} % (95 % interval" in text


@pytest.mark.parametrize(
    "known",
    [
        7,
        {"network": 7},
        {"network": "<b>x</b>", "results": 7, "said": 7, "test": 7},
        {"network": "x", "results": [7, {}, {"name": 7, "scores": ["a", None]}], "said": [7]},
        {"network": "x", "test": {"accuracy": [1, "a", None], "f1": [0.5, 0.4, 0.6]}},
    ],
)
def test_whatever_stands_there_makes_a_page(known: object, tmp_path: Path) -> None:
    study = optunas.create_study("odd", storage="sqlite://")
    study.set_user_attr(DELIVERED, known)
    html = page(study)
    assert "<b>x</b>" not in html
    if isinstance(known, dict) and known["network"] == "x":
        assert "x was retrained and delivered" in html
