"""The winner on disk is the winner that was measured."""

import json
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
import torch
from safetensors.torch import load_file

import optunas
from optunas.architecture import from_json
from optunas.errors import StudyError

SPACE = optunas.spaces.ConvNet(
    stages=(1, 2), depths=(1,), widths=(8,), ops=("conv", "separable"), kernels=(3,),
    norms=("batch",), activations=("relu",),
)  # fmt: skip


@pytest.fixture(scope="module")
def objective() -> optunas.Objective:
    return optunas.Objective(
        SPACE, optunas.data.digits(), optunas.Recipe(epochs=1, batch_size=64), device="cpu"
    )


@pytest.fixture(scope="module")
def study(objective: optunas.Objective) -> optuna.Study:
    study = optunas.create_study("digits", storage="sqlite://", sampler="random")
    study.optimize(objective, n_trials=2)
    return study


@pytest.fixture(scope="module")
def winner(
    study: optuna.Study, objective: optunas.Objective, tmp_path_factory: pytest.TempPathFactory
) -> optunas.delivery.Winner:
    return optunas.deliver(
        study, objective, tmp_path_factory.mktemp("w") / "winner", candidates=1, seeds=1
    )


def test_retrains_the_best_trial_for_longer(study, objective, winner):
    assert winner.trial == study.best_trial.number
    assert winner.epochs == 3 * objective.epochs
    assert winner.validation.accuracy > study.best_value


def test_a_notebook_shows_what_it_reached_and_its_picture(winner):
    html = winner._repr_html_()
    test = sum(map(sum, winner.test.confusion))
    for said in (
        f"{100 * winner.test.accuracy:.2f} %", f"{100 * winner.validation.f1:.2f} %",
        f">{test}<", f"{winner.params:,} parameters", "optunas-diagram",
    ):  # fmt: skip
        assert said in html
    hostile = replace(winner, folder=Path("<script>alert(1)</script>"), architecture=None)
    html = hostile._repr_html_()
    assert "<script" not in html
    assert "<svg" not in html


def test_weights_load_into_the_described_network_and_give_the_test_accuracy(objective, winner):
    architecture = from_json(json.loads((winner.folder / "architecture.json").read_text()))
    data = objective.data
    network = optunas.nn.build(architecture, data.input_shape, len(data.classes), seed=99)
    network.load_state_dict(load_file(winner.folder / "weights.safetensors"))
    facts = json.loads((winner.folder / "winner.json").read_text())
    assert _accuracy(network.eval(), data, facts) == pytest.approx(facts["test"]["accuracy"])


def test_exported_program_gives_the_same_answers(objective, winner):
    program = torch.export.load(winner.folder / "model.pt2").module()
    facts = json.loads((winner.folder / "winner.json").read_text())
    accuracy = _accuracy(program, objective.data, facts)
    assert accuracy == pytest.approx(facts["test"]["accuracy"], abs=1e-6)


def _accuracy(network, data, facts) -> float:
    mean, std = (torch.tensor(facts[name]).view(1, -1, 1, 1) for name in ("mean", "std"))
    with torch.no_grad():
        logits = network((data.test.images / 255 - mean) / std)
    return float((logits.argmax(1) == data.test.labels).double().mean())


def test_the_recipe_is_that_of_the_trial(study, objective, tmp_path):
    other = replace(objective, recipe=optunas.RecipeSpace(optunas.Recipe(epochs=7)))
    winner = optunas.deliver(study, other, tmp_path, longer=2, candidates=1, seeds=1)
    facts = json.loads((tmp_path / "winner.json").read_text())
    assert winner.epochs == facts["recipe"]["epochs"] == 2
    assert facts["recipe"]["batch_size"] == 64


def test_another_space_than_searched_is_refused(study, objective, tmp_path):
    other = optunas.spaces.ConvNet(widths=(12,))
    with pytest.raises(StudyError, match="study file that the study was searched with"):
        optunas.deliver(study, optunas.Objective(other, objective.data), tmp_path)


def test_a_study_without_a_completed_trial_has_no_winner(objective, tmp_path: Path):
    empty = optunas.create_study("empty", storage="sqlite://")
    with pytest.raises(StudyError, match="needs a completed trial"):
        optunas.deliver(empty, objective, tmp_path)


def test_one_look_with_intervals_and_the_second_is_told(study, objective, winner, tmp_path):
    facts = json.loads((winner.folder / "winner.json").read_text())
    assert winner.look.accuracy.value == pytest.approx(facts["test"]["accuracy"])
    assert facts["look"]["accuracy"]["low"] < facts["test"]["accuracy"]
    before = len(study.user_attrs["test_looks"])
    again = optunas.deliver(study, objective, tmp_path / "again", longer=1, seeds=1)
    assert again.looks == before + 1 == len(study.user_attrs["test_looks"])
    card = (tmp_path / "again" / "model_card.md").read_text()
    assert f"look number {again.looks} at this test split" in card
    assert f"{100 * again.look.accuracy.value:.2f} %" in card


def test_the_first_card_has_no_second_look(winner):
    card = (winner.folder / "model_card.md").read_text()
    assert "look number" not in card
    assert f"trial {winner.trial}" in card
    for name in ("model.py", "model.pt2", "model.onnx"):
        assert f"- {name}: logits within" in card


def test_it_is_retrained_on_whole_images(study, objective, tmp_path):
    low = replace(objective, recipe=replace(objective.recipe, resolution=4))
    small = optunas.create_study("low", storage="sqlite://", sampler="random")
    small.enqueue_trial({**study.best_trial.params, "head": "pool"})
    small.optimize(low, n_trials=1)
    optunas.deliver(small, low, tmp_path, longer=1, seeds=1)
    assert json.loads((tmp_path / "winner.json").read_text())["recipe"]["resolution"] is None
