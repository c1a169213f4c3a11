"""Where images lie: the choice, and that it changes no result."""

from typing import Any

import pytest
import torch
from torch import Tensor

from optunas.data import Data, Split
from optunas.training import Engine, Recipe, evaluate, train
from optunas.training.batches import Resident
from optunas.training.place import batches_of, fits
from optunas.training.streamed import Streamed

from .conftest import MakeNetwork

CPU = torch.device("cpu")


def test_images_in_memory_lie_on_the_cpu_already(few: Data) -> None:
    assert isinstance(batches_of(few.train, CPU, Engine(), batch_size=8), Resident)


def test_the_choice_can_be_forced(few: Data) -> None:
    streamed = batches_of(few.train, CPU, Engine(images="stream"), batch_size=8)
    assert isinstance(streamed, Streamed)
    assert isinstance(batches_of(few.train, CPU, Engine(images="device"), batch_size=8), Resident)


def test_a_gpu_takes_what_leaves_room_for_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu, mib = torch.device("cuda:0"), 2**20
    split = Split(torch.zeros(64, 1, 128, 128, dtype=torch.uint8), torch.zeros(64).long())
    room: dict[str, Any] = {"free": 3 * mib, "share": 1.0, "used": 0}
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (room["free"], 100 * mib))
    monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", lambda device: room["share"])
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: room["used"])
    assert fits(split, gpu)  # one of three MiB that are free
    room["free"] = 2 * mib
    assert not fits(split, gpu)
    room |= {"free": 100 * mib, "share": 0.02}
    assert not fits(split, gpu)  # one of two MiB that this worker may have
    room |= {"share": 0.03}
    assert fits(split, gpu)
    room["used"] = mib
    assert not fits(split, gpu)


def test_streamed_images_train_the_very_same_network(few: Data, make_network: MakeNetwork) -> None:
    recipe = Recipe(epochs=2, batch_size=32, augment=1.0, resolution=7, train_fraction=0.8)

    def run(images: str) -> tuple[list[float], str, Tensor]:
        network = make_network(dropout=0.2)
        epochs = list(train(network, few, recipe, engine=Engine(images=images)))
        scores = evaluate(network, few.test, few, engine=Engine(images=images))
        weights = torch.cat([p.detach().flatten() for p in network.parameters()])
        return [*(e.loss for e in epochs), scores.loss], epochs[0].engine, weights

    resident, streamed = run("device"), run("stream")
    assert resident[0] == streamed[0]
    assert torch.equal(resident[2], streamed[2])
    assert resident[1] == "images resident, steps eager"
    assert streamed[1] == "images streamed, steps eager"
