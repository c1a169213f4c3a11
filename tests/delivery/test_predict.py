"""A delivered network answers without its study, and as it did when it was trained."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from typer.testing import CliRunner

import optunas
from optunas.cli import app
from optunas.delivery.predict import Delivered
from optunas.errors import StudyError

from ..small import few, small_objective

SHELL = CliRunner()


@pytest.fixture(scope="module")
def winner(tmp_path_factory: pytest.TempPathFactory) -> optunas.delivery.Winner:
    study = optunas.create_study("digits", storage="sqlite://", sampler="random")
    objective = small_objective()
    study.optimize(objective, n_trials=1)
    folder = tmp_path_factory.mktemp("w") / "winner"
    return optunas.deliver(study, objective, folder, seeds=1, baselines=False)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test images as files, and two that are none."""
    folder = tmp_path_factory.mktemp("photos")
    images = few().test.images
    assert isinstance(images, Tensor)
    for number, image in enumerate(images[:70]):  # more than a batch
        Image.fromarray(image[0].numpy()).save(folder / f"{number:03}.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff no image")
    (folder / "notes.txt").write_text("not asked")
    return folder


def test_answers_are_those_of_the_trained_network(
    winner: optunas.delivery.Winner, photos: Path
) -> None:
    told = list(Delivered(winner.folder).predict([photos]))
    assert [one.path.name for one in told] == [*(f"{n:03}.png" for n in range(70)), "broken.jpg"]
    assert told[-1].why
    mean, std = (255 * torch.tensor(each).view(1, -1, 1, 1) for each in (few().mean, few().std))
    with torch.no_grad():
        images = torch.as_tensor(few().test.images[:70])
        wanted = winner.network((images - mean) / std).softmax(1)
    for one, shares in zip(told, wanted, strict=False):
        assert one.shares[0][0] == few().classes[int(shares.argmax())]
        found = [dict(one.shares)[name] for name in few().classes]
        np.testing.assert_allclose(found, shares.numpy(), atol=1e-4)
        assert sum(found) == pytest.approx(1)


def test_from_the_shell(winner: optunas.delivery.Winner, photos: Path, tmp_path: Path) -> None:
    told = SHELL.invoke(app, ["predict", str(winner.folder), str(photos / "000.png")])
    assert told.exit_code == 0
    assert told.stdout.startswith(f"{photos / '000.png'}: ")
    table = tmp_path / "answers.csv"
    told = SHELL.invoke(app, ["predict", str(winner.folder), str(photos), "--csv", str(table)])
    assert "70 images" in told.stdout
    assert "1 skipped" in told.stdout
    assert f"{photos / 'broken.jpg'}: " in told.stderr
    rows = list(csv.DictReader(table.open()))
    first = next(Delivered(winner.folder).predict([photos / "000.png"])).shares
    assert rows[0]["class"] == first[0][0]
    assert float(rows[0]["probability"]) == pytest.approx(first[0][1], abs=1e-6)
    assert len(rows) == 70


def test_nothing_to_look_at_is_an_error(winner: optunas.delivery.Winner, tmp_path: Path) -> None:
    told = SHELL.invoke(app, ["predict", str(winner.folder), str(tmp_path)])
    assert isinstance(told.exception, StudyError)
    assert "none was found" in str(told.exception)


def broken_folder(winner: optunas.delivery.Winner, folder: Path, name: str, text: str) -> Path:
    shutil.copytree(winner.folder, folder)
    (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("winner.json", "{"), ("winner.json", "[]"), ("winner.json", '{"classes": []}'),
        ("architecture.json", '{"kind": "nothing"}'), ("weights.safetensors", "no tensors"),
    ],
)  # fmt: skip
def test_a_damaged_folder_is_said_to_be_one(
    winner: optunas.delivery.Winner, tmp_path: Path, name: str, text: str
) -> None:
    with pytest.raises(StudyError, match="deliver again"):
        Delivered(broken_folder(winner, tmp_path / "winner", name, text))


def test_an_unfinished_folder_is_no_winner(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="which is written last"):
        Delivered(tmp_path)


def test_nothing_in_the_folder_is_executed(
    winner: optunas.delivery.Winner, photos: Path, tmp_path: Path
) -> None:
    evil = f"open({str(tmp_path / 'ran')!r}, 'w')"
    folder = broken_folder(winner, tmp_path / "winner", "model.py", evil)
    (folder / "model.pt2").write_bytes(b"no program")
    assert len(next(Delivered(folder).predict([photos / "001.png"])).shares) == 10
    assert not (tmp_path / "ran").exists()


def test_the_facts_say_how_far_each_file_is_off(winner: optunas.delivery.Winner) -> None:
    facts = json.loads((winner.folder / "winner.json").read_text())
    assert set(facts["files"]) == {"model.py", "model.pt2", "model.onnx"}
    assert all(one["gap"] < 1e-4 for one in facts["files"].values())
