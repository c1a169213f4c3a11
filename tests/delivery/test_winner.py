"""The winner on disk is the winner that was measured."""

import json
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
import torch
from optuna.trial import FixedTrial
from safetensors.torch import load_file

import optunas
from optunas.architecture import from_json
from optunas.delivery import race as racing
from optunas.delivery import winner as delivering
from optunas.delivery.export import Exported
from optunas.delivery.kept import agreed_limits, broken_limits
from optunas.errors import StudyError

SPACE = optunas.spaces.ConvNet(
    stages=(1, 2), depths=(1,), widths=(8,), ops=("conv", "separable"), kernels=(3,),
    norms=("batch",), activations=("relu",),
)  # fmt: skip


ALONE = {"candidates": 1, "seeds": 1, "baselines": False}


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
        study,
        objective,
        tmp_path_factory.mktemp("w") / "winner",
        candidates=1,
        seeds=1,
        baselines=False,
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


@pytest.mark.usefixtures("weights_only")
def test_the_recipe_is_that_of_the_trial(study, objective, tmp_path):
    other = replace(objective, recipe=optunas.RecipeSpace(optunas.Recipe(epochs=7)))
    winner = optunas.deliver(
        study, other, tmp_path, longer=2, candidates=1, seeds=1, baselines=False
    )
    facts = json.loads((tmp_path / "winner.json").read_text())
    assert winner.epochs == facts["recipe"]["epochs"] == 2
    assert facts["recipe"]["batch_size"] == 64


@pytest.mark.usefixtures("weights_only")
def test_a_look_that_was_interrupted_is_the_same_look(study, objective, tmp_path, monkeypatch):
    before = len(study.user_attrs["test_looks"])
    with monkeypatch.context() as patched:
        patched.setattr(delivering, "export", broken)
        with pytest.raises(OSError, match="the disk is full"):
            optunas.deliver(study, objective, tmp_path, longer=1, **ALONE)
    assert not (tmp_path / "winner.json").exists()
    assert len(study.user_attrs["test_looks"]) == before + 1
    again = optunas.deliver(study, objective, tmp_path, longer=1, **ALONE)
    assert again.looks == before + 1 == len(study.user_attrs["test_looks"])


def broken(*_: object) -> None:
    raise OSError("the disk is full")


@pytest.mark.usefixtures("weights_only")
def test_the_last_training_may_have_the_validation_images_too(
    study, objective, tmp_path, monkeypatch
):
    seen = []
    train = racing.train
    monkeypatch.setattr(
        racing, "train", lambda n, data, *a, **k: seen.append(data) or train(n, data, *a, **k)
    )
    winner = optunas.deliver(study, objective, tmp_path, all_data=True, longer=1, **ALONE)
    data = objective.data
    assert len(seen[-1].train) == len(data.train) + len(data.validation)
    assert torch.equal(seen[-1].test.images, data.test.images)
    assert winner.validation.accuracy == winner.race.results[0].scores[0]  # of before
    facts = json.loads((tmp_path / "winner.json").read_text())
    assert facts["all_data"] is True
    assert "on the training and the validation images" in (tmp_path / "model_card.md").read_text()


def test_a_limit_that_is_not_kept_is_said(study, objective, tmp_path):
    limited = replace(objective, limits=optunas.Limits(params=10**6, latency_ms=1000.0))
    candidate = limited.prospect.propose(FixedTrial(study.best_params))
    file = Exported("model.py", 0.0, ms={1: 3.0, 32: 9.0})
    assert list(broken_limits(limited.limits, candidate, [file], "cpu")) == []
    strict = optunas.Limits(params=10, latency_ms=2.0)
    assert list(broken_limits(strict, candidate, [file], "cpu")) == [
        f"the winner has {candidate.params:,} params, over the limit of 10",
        "model.py takes 3 ms for one image on this machine, over the limit of 2 ms: the search "
        "measured the network where it ran",
    ]
    assert len(list(broken_limits(strict, candidate, [file], "cuda"))) == 1


def test_the_limits_are_those_that_the_study_was_made_with():
    study = optunas.create_study(
        "kept", storage="sqlite://", fingerprint={"limits": {"params": 5000, "macs": "x"}}
    )
    assert agreed_limits(study, optunas.Limits()) == optunas.Limits(params=5000)
    typed = optunas.Limits(params=70, latency_ms=2.0)
    assert agreed_limits(study, typed) == typed
    plain = optunas.create_study("none", storage="sqlite://")
    assert agreed_limits(plain, optunas.Limits()) == optunas.Limits()


def test_another_space_than_searched_is_refused(study, objective, tmp_path):
    other = optunas.spaces.ConvNet(widths=(12,))
    with pytest.raises(StudyError, match="study file that the study was searched with"):
        optunas.deliver(study, optunas.Objective(other, objective.data), tmp_path)


def test_a_study_without_a_completed_trial_has_no_winner(objective, tmp_path: Path):
    empty = optunas.create_study("empty", storage="sqlite://")
    with pytest.raises(StudyError, match="needs a completed trial"):
        optunas.deliver(empty, objective, tmp_path)


@pytest.mark.usefixtures("weights_only")
def test_one_look_with_intervals_and_the_second_is_told(study, objective, winner, tmp_path):
    facts = json.loads((winner.folder / "winner.json").read_text())
    assert winner.look.accuracy.value == pytest.approx(facts["test"]["accuracy"])
    assert facts["look"]["accuracy"]["low"] < facts["test"]["accuracy"]
    before = len(study.user_attrs["test_looks"])
    again = optunas.deliver(
        study, objective, tmp_path / "again", longer=1, seeds=1, baselines=False
    )
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


@pytest.mark.usefixtures("weights_only")
def test_it_is_retrained_on_whole_images(study, objective, tmp_path):
    low = replace(objective, recipe=replace(objective.recipe, resolution=4))
    small = optunas.create_study("low", storage="sqlite://", sampler="random")
    small.enqueue_trial({**study.best_trial.params, "head": "pool"})
    small.optimize(low, n_trials=1)
    optunas.deliver(small, low, tmp_path, longer=1, **ALONE)
    assert json.loads((tmp_path / "winner.json").read_text())["recipe"]["resolution"] is None


def test_an_average_of_the_weights_is_what_is_delivered(study, objective, tmp_path, request):
    winner = optunas.deliver(study, objective, tmp_path, longer=1, ema=0.9, **ALONE)
    request.getfixturevalue("weights_only")
    facts = json.loads((tmp_path / "winner.json").read_text())
    assert facts["recipe"]["ema"] == 0.9
    plain = optunas.deliver(study, objective, tmp_path / "plain", longer=1, **ALONE)
    assert plain.validation.loss != winner.validation.loss
    assert _accuracy(
        torch.export.load(tmp_path / "model.pt2").module(), objective.data, facts
    ) == pytest.approx(winner.test.accuracy, abs=1e-6)


@pytest.mark.usefixtures("weights_only")
def test_test_images_that_were_learned_from_are_told(study, objective, tmp_path):
    data = objective.data
    copied = data.test.images.clone()
    copied[:7] = data.train.images[:7]
    same = replace(objective, data=replace(data, test=optunas.data.Split(copied, data.test.labels)))
    winner = optunas.deliver(study, same, tmp_path, longer=1, **ALONE)
    assert winner.overlap == 7
    card = (tmp_path / "model_card.md").read_text()
    assert "**of which 7 are among those of training or validation, too**" in card
    assert "neither the search nor the training has seen" not in card


@pytest.mark.usefixtures("weights_only")
def test_of_several_objectives_one_network_of_the_front_is_chosen_by_a_rule(objective, tmp_path):
    both = replace(objective, metrics=("accuracy", "params"))
    study = optunas.create_study(
        "both", storage="sqlite://", sampler="random", directions=both.directions, seed=1
    )
    study.optimize(both, n_trials=4)
    winner = optunas.deliver(study, both, tmp_path / "a", longer=1, **ALONE)
    front = {trial.number for trial in study.best_trials}
    assert winner.trial in front
    said = f"chosen among the {len(front)} networks of the Pareto front: nearest to the best"
    assert any(note.startswith(said) for note in winner.notes)
    smallest = min(study.best_trials, key=lambda trial: trial.values[1])
    how = {"longer": 1, "choose": "params", **ALONE}
    assert optunas.deliver(study, both, tmp_path / "b", **how).trial == smallest.number
    with pytest.raises(StudyError, match="this objective aims at accuracy, to maximize"):
        optunas.deliver(study, objective, tmp_path / "c")
