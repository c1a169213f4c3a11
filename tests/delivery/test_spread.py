"""A race on several devices: processes of their own, and the same result."""

from pathlib import Path

import pytest
import torch

import optunas
from optunas.delivery import spread as spreading
from optunas.delivery.entrants import LineUp, line_up
from optunas.delivery.race import checkpoint_of, race
from optunas.delivery.spread import spread
from optunas.training import Epoch

from ..small import SPACE, small_objective


@pytest.fixture(scope="module")
def objective() -> optunas.Objective:
    return small_objective(on_epoch=lambda trial, epoch: None)  # which can't be pickled


@pytest.fixture(scope="module")
def running(objective: optunas.Objective) -> LineUp:
    study = optunas.create_study("spread", storage="sqlite://", sampler="random")
    for width in (4, 8):
        study.enqueue_trial({**SPACE.baseline(), "width": width})
    study.optimize(objective, n_trials=2)
    return line_up(study, objective, candidates=2, longer=1, compared=False)


def test_each_device_trains_its_own_and_the_race_is_the_same(
    tmp_path: Path, objective: optunas.Objective, running: LineUp
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "several").mkdir()
    alone, network = race(
        running.entrants, objective, [1, 2], running.rule, tmp_path / "one", lambda said: None
    )
    told: list[str] = []
    folder = tmp_path / "several"
    spread(running.entrants, objective, [1, 2], folder, ["cpu", "cpu"], told.append)
    assert told[0] == "4 trainings, on 2 devices"
    assert told[-1] == "4 of 4 trainings done, on 2 devices"
    for entrant in running.entrants:
        for number in (1, 2):
            assert checkpoint_of(folder, entrant, number).exists()
    seconds: list[float] = []

    def on_epoch(epoch: Epoch) -> None:
        seconds.append(epoch.seconds)

    again, other = race(
        running.entrants, objective, [1, 2], running.rule, folder, lambda said: None, on_epoch
    )
    assert again == alone
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name])


def test_a_process_that_dies_leaves_the_work_to_the_race(
    tmp_path: Path,
    objective: optunas.Objective,
    running: LineUp,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spreading, "_begin", dies)
    spread(running.entrants, objective, [1], tmp_path, ["cpu", "cpu"], lambda said: None)
    assert "go on one after another" in caplog.text
    assert list(tmp_path.iterdir()) == []


def dies(*_: object) -> None:
    import os

    os._exit(1)


@pytest.mark.usefixtures("weights_only")
def test_a_delivery_on_two_devices(tmp_path: Path, objective: optunas.Objective) -> None:
    study = optunas.create_study("two", storage="sqlite://", sampler="random")
    study.optimize(objective, n_trials=1)
    runs: list[str] = []
    winner = optunas.deliver(
        study, objective, tmp_path, longer=1, candidates=1, baselines=False,
        devices=("cpu", "cpu"), on_run=runs.append,
    )  # fmt: skip
    assert "2 of 2 trainings done, on 2 devices" in runs
    assert winner.race is not None
    assert len(winner.race.results[0].scores) == 2
