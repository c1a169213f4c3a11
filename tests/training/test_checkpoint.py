"""Checkpoints: resumed bit for bit, and whatever a file may hold, never a crash."""

import hashlib
import io
import logging
import math
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from optunas.data import Data
from optunas.training import Engine, Epoch, Recipe, keeper, train
from optunas.training import checkpoint as checkpoints
from optunas.training.batches import Batch
from optunas.training.checkpoint import MAGIC, NOTHING, Begun, Saved
from optunas.training.optimizer import make_optimizer
from optunas.training.seeds import random_states
from optunas.training.steps import Steps

from .conftest import MakeNetwork

RECIPE = Recipe(epochs=4, batch_size=64, augment=0.5, label_smoothing=0.1, clip_norm=1.0)


def timeless(epochs: list[Epoch]) -> list[Epoch]:
    return [replace(epoch, seconds=0, images_per_second=0) for epoch in epochs]


def assert_same_weights(a: nn.Module, b: nn.Module) -> None:
    other = b.state_dict()
    for name, value in a.state_dict().items():
        assert torch.equal(value, other[name]), name


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("stop", [1, 3, 4])
def test_a_resumed_run_ends_bit_for_bit_where_an_uninterrupted_one_does(
    few: Data, make_network: MakeNetwork, tmp_path: Path, optimizer: str, stop: int
) -> None:
    recipe = replace(RECIPE, optimizer=optimizer, lr=None, weight_decay=None)
    whole = make_network(dropout=0.5)
    expected = list(train(whole, few, recipe, seed=3))

    first = make_network(dropout=0.5)
    before = list(islice(train(first, few, recipe, seed=3, checkpoint=tmp_path / "c"), stop))
    torch.manual_seed(99)  # another process, another global state, other initial weights
    second = make_network(seed=1, dropout=0.5)
    after = list(train(second, few, recipe, seed=3, checkpoint=tmp_path / "c"))

    assert after[:stop] == before  # the finished epochs again, timings included
    assert timeless(after) == timeless(expected)
    assert_same_weights(second, whole)
    assert not second.training


@pytest.mark.parametrize("stop", [1, 2, 5, 8])
@pytest.mark.parametrize("images", ["device", "stream"])
def test_one_stopped_in_the_middle_of_an_epoch_ends_bit_for_bit_there_too(
    few: Data,
    make_network: MakeNetwork,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stop: int,
    images: str,
) -> None:
    """`stop`: steps that are done, of 3 an epoch."""
    recipe = replace(RECIPE, epochs=3, ema=0.9, mixup=0.2)
    whole, engine = make_network(dropout=0.5), Engine(images=images)
    expected = list(train(whole, few, recipe, seed=3))
    path = tmp_path / "c"

    def stopping(self: Steps, batch: Batch, step: Any = Steps.__call__) -> None:
        if counted.pop() == 0:
            raise KeyboardInterrupt
        step(self, batch)

    first, counted = make_network(dropout=0.5), list(range(stop + 1))
    with monkeypatch.context() as patch:
        patch.setattr(keeper, "PAUSE_SECONDS", 0.0)
        patch.setattr(keeper, "PAUSES", 0)
        patch.setattr(Steps, "__call__", stopping)
        with pytest.raises(KeyboardInterrupt):
            list(train(first, few, recipe, seed=3, checkpoint=path, engine=engine))
    state = torch.load(io.BytesIO(body_of(path)), weights_only=True)
    done = divmod(stop, 3)
    assert (len(state["history"]), (state["begun"] or {"steps": 0})["steps"]) == done
    identity = checkpoints.identity(first, few, recipe, 3)
    assert checkpoints.progress(path, first, identity, 3) == done

    torch.manual_seed(99)
    second, ran = make_network(seed=1, dropout=0.5), []
    with monkeypatch.context() as patch:
        patch.setattr(Steps, "__call__", lambda *a, step=Steps.__call__: ran.append(1) or step(*a))
        after = list(train(second, few, recipe, seed=3, checkpoint=path, engine=engine))
    assert len(ran) == 9 - stop
    assert [replace(epoch, engine="") for epoch in timeless(after)] == [
        replace(epoch, engine="") for epoch in timeless(expected)
    ]
    assert_same_weights(second, whole)


def test_in_the_middle_of_an_epoch_it_is_written_as_often_as_it_may_take(
    few: Data, make_network: MakeNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    at: list[int | None] = []
    monkeypatch.setattr(keeper, "perf_counter", lambda: now)
    save = checkpoints.save

    def slow(*given: Any) -> None:
        nonlocal now
        at.append(given[3].begun.steps or None)
        save(*given)
        now += 1.25 if len(at) == 2 else 0.0

    def step(*_: Any) -> None:
        nonlocal now
        now += 10

    monkeypatch.setattr(checkpoints, "save", slow)
    monkeypatch.setattr(Steps, "__call__", step)
    recipe = Recipe(epochs=1, batch_size=12)
    list(train(make_network(), few, recipe, checkpoint=tmp_path / "c"))
    assert len(few.train) // 12 == 18
    # after 30 s; 30 s later, which takes 1.25 s; 50 times as long later; 30 s later; at the end
    assert at == [3, 6, 13, 16, None]


def test_it_is_written_before_the_epoch_is_yielded(
    few: Data, make_network: MakeNetwork, tmp_path: Path
) -> None:
    path = tmp_path / "deep" / "folder" / "c"
    for epoch in train(make_network(), few, RECIPE, checkpoint=path):
        state = torch.load(io.BytesIO(body_of(path)), weights_only=True)
        assert len(state["history"]) == epoch.number
    assert path.exists()  # its end is the caller's affair
    assert os.listdir(path.parent) == ["c"]


def test_damage_at_any_byte_starts_from_zero(
    few: Data, make_network: MakeNetwork, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "c"
    network, optimizer = written(few, make_network, path)
    content = path.read_bytes()
    size = len(content)
    offsets = {0, 1, len(MAGIC) - 1, len(MAGIC), len(MAGIC) + 31, len(MAGIC) + 32, size - 1}
    offsets |= set(range(0, size, max(1, size // 150)))
    start = network.state_dict()["0.weight"].clone()
    for offset in sorted(offsets):
        flipped = content[:offset] + bytes([content[offset] ^ 0x10]) + content[offset + 1 :]
        for damaged in (content[:offset], flipped):
            path.write_bytes(damaged)
            caplog.clear()
            assert checkpoints.restore(path, network, optimizer, "run", 4) == NOTHING
            (record,) = caplog.records
            assert record.levelno == logging.WARNING
            assert "starts from zero" in record.getMessage()
    assert torch.equal(network.state_dict()["0.weight"], start)
    assert not optimizer.state_dict()["state"]
    path.write_bytes(content)
    assert len(checkpoints.restore(path, network, optimizer, "run", 4).history) == 1


def test_training_goes_on_from_zero_over_a_damaged_file(
    few: Data, make_network: MakeNetwork, tmp_path: Path
) -> None:
    path = tmp_path / "c"
    path.write_bytes(b"no checkpoint")
    recipe = replace(RECIPE, epochs=1)
    network, expected = make_network(), make_network()
    assert [epoch.number for epoch in train(network, few, recipe, checkpoint=path)] == [1]
    list(train(expected, few, recipe))
    assert_same_weights(network, expected)
    assert [epoch.number for epoch in train(make_network(), few, recipe, checkpoint=path)] == [1]


class Bomb:
    """Unpickled with trust, it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def test_code_in_a_checkpoint_is_never_run(
    few: Data, make_network: MakeNetwork, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mark, path = tmp_path / "mark", tmp_path / "c"
    network, optimizer = written(few, make_network, path)
    buffer = io.BytesIO()
    torch.save({"run": "run", "history": [], "network": Bomb(mark), "optimizer": {}}, buffer)
    for body in (buffer.getvalue(), pickle.dumps(Bomb(mark), protocol=2)):
        sign(path, body)
        assert checkpoints.restore(path, network, optimizer, "run", 4) == NOTHING
        assert "is ignored" in caplog.records[-1].getMessage()
    assert not mark.exists()
    torch.load(buffer.seek(0) or buffer, weights_only=False)  # the bomb is a real one
    assert mark.exists()


CPU = random_states(torch.device("cpu"))
SOUND = {"steps": 3, "loss": torch.tensor(1.5), "seconds": 0.5, "random": CPU}
BROKEN: list[Any] = [
    7,
    {},
    {**SOUND, "steps": 0},
    {**SOUND, "steps": 2.0},
    {**SOUND, "loss": 1.5},
    {**SOUND, "loss": torch.zeros(3)},
    {**SOUND, "seconds": math.nan},
    {**SOUND, "random": {}},
    {**SOUND, "random": {"cpu": torch.zeros(3)}},
    {**SOUND, "random": {"cpu": torch.zeros_like(CPU["cpu"])}},
    {**SOUND, "random": {**CPU, "cuda": 3}},
    {**SOUND, "more": 1},
]


@pytest.mark.parametrize(
    "change",
    [
        {"history": [{"number": 1}]},
        {"history": 7},
        {"network": {}},
        {"network": {"0.weight": torch.zeros(3)}},
        {"optimizer": {"state": {}, "param_groups": []}},
        {"optimizer": []},
        {"run": "another"},
        {"averages": [torch.zeros(3)]},
        {"averages": 7},
        *({"begun": broken} for broken in BROKEN),
    ],
)
def test_a_sound_file_with_wrong_contents_changes_nothing(
    few: Data, make_network: MakeNetwork, tmp_path: Path, change: dict[str, Any]
) -> None:
    path = tmp_path / "c"
    network, optimizer = written(few, make_network, path)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.load(io.BytesIO(body_of(path)), weights_only=True)
    buffer = io.BytesIO()
    torch.save(state | change, buffer)
    sign(path, buffer.getvalue())
    assert checkpoints.restore(path, network, optimizer, "run", 4) == NOTHING
    assert all(torch.equal(v, before[name]) for name, v in network.state_dict().items())
    assert not optimizer.state_dict()["state"]


@pytest.mark.parametrize("what", ["recipe", "seed", "network", "dropout", "data"])
def test_a_checkpoint_of_another_run_is_ignored(
    few: Data,
    digits: Data,
    make_network: MakeNetwork,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    what: str,
) -> None:
    path = tmp_path / "c"
    next(iter(train(make_network(), few, RECIPE, checkpoint=path)))
    network = make_network(width=8 if what == "network" else 16, dropout=0.1 * (what == "dropout"))
    recipe = replace(RECIPE, lr=0.001) if what == "recipe" else RECIPE
    data = replace(few, flip=True) if what == "data" else few
    epochs = train(network, data, recipe, seed=int(what == "seed"), checkpoint=path)
    assert next(epochs).number == 1
    assert "another network, data, recipe or seed" in caplog.text


def test_an_address_in_a_layers_name_does_not_make_another_run(few: Data) -> None:
    class Layer(nn.Linear):
        def extra_repr(self) -> str:
            return f"f={object()!r}"

    one, two = (checkpoints.identity(Layer(2, 2), few, RECIPE, 0) for _ in range(2))
    assert one == two


def test_a_folder_in_its_place_is_a_warning(
    few: Data, make_network: MakeNetwork, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "c"
    path.mkdir()
    epochs = list(train(make_network(), few, replace(RECIPE, epochs=1), checkpoint=path))
    assert len(epochs) == 1
    assert "is ignored" in caplog.text
    assert "can't be written" in caplog.text
    assert os.listdir(tmp_path) == ["c"]  # no temporary file is left


def test_remove_takes_what_a_killed_save_left(tmp_path: Path) -> None:
    for name in ("c", "c.abc.tmp", "other", "cc.x.tmp"):
        (tmp_path / name).touch()
    checkpoints.remove(tmp_path / "c")
    checkpoints.remove(tmp_path / "c")  # twice is no error
    assert sorted(os.listdir(tmp_path)) == ["cc.x.tmp", "other"]


def test_a_kill_while_writing_leaves_the_epoch_before(
    few: Data, make_network: MakeNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c"
    epochs = train(make_network(), few, RECIPE, checkpoint=path)
    first = next(epochs)
    content = path.read_bytes()

    def killed(source: str, target: Path) -> None:
        assert Path(source).read_bytes()[: len(MAGIC)] == MAGIC  # written, not yet renamed
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            next(epochs)
    assert path.read_bytes() == content
    assert next(iter(train(make_network(), few, RECIPE, checkpoint=path))) == first


KILLED = """
import sys, torch
from pathlib import Path
from torch import nn
import optunas.data
from optunas.training import Recipe, train
torch.set_num_threads(1)
torch.manual_seed(0)
network = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.Dropout(0.3), nn.Linear(32, 10))
recipe = Recipe(epochs=int(sys.argv[2]), batch_size=64, schedule="constant")
for epoch in train(network, optunas.data.digits(), recipe, checkpoint=Path(sys.argv[1])):
    print(epoch.number, flush=True)
"""


def test_kill_9_loses_the_current_epoch_at_most(tmp_path: Path) -> None:
    path = tmp_path / "c"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path), "100000"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    numbers = (int(line) for line in process.stdout)
    last = next(number for number in numbers if number == 5)
    time.sleep(0.05)  # anywhere in an epoch
    process.send_signal(signal.SIGKILL)
    last = max([last, *numbers])
    process.wait()
    state = torch.load(io.BytesIO(body_of(path)), weights_only=True)
    assert last <= len(state["history"]) <= last + 1
    assert [epoch["number"] for epoch in state["history"]] == [*range(1, len(state["history"]) + 1)]


def written(
    data: Data, make_network: MakeNetwork, path: Path
) -> tuple[nn.Module, torch.optim.Optimizer]:
    """A checkpoint of the run "run" after a real step; a fresh network and optimizer."""
    trained, fresh = make_network(width=4), make_network(seed=1, width=4)
    optimizers = [torch.optim.AdamW(net.parameters()) for net in (trained, fresh)]
    trained(data.train.images[:8].float()).sum().backward()
    optimizers[0].step()
    epoch = Epoch(1, 4, 1.0, 1.0, 0.5, 0.5, 1.0, 100.0)
    begun = Begun(3, torch.tensor(1.5), 0.5, random_states(torch.device("cpu")))
    checkpoints.save(path, trained, optimizers[0], Saved([epoch], begun), "run")
    return fresh, optimizers[1]


def body_of(path: Path) -> bytes:
    return path.read_bytes()[len(MAGIC) + 32 :]


def sign(path: Path, body: bytes) -> None:
    path.write_bytes(MAGIC + hashlib.sha256(body).digest() + body)


@pytest.fixture(autouse=True)
def _warnings(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="optunas.training.checkpoint")


def test_learning_rates_stay_the_tensors_that_a_captured_step_reads(
    few: Data, make_network: MakeNetwork, tmp_path: Path
) -> None:
    file = tmp_path / "c.pt"
    recipe = Recipe(epochs=2, batch_size=64)
    for _ in islice(train(make_network(), few, recipe, checkpoint=file), 1):
        pass
    network = make_network()
    optimizer = make_optimizer(network, recipe)
    before = [group["lr"] for group in optimizer.param_groups]
    run = checkpoints.identity(network, few, recipe, 0)
    assert len(checkpoints.restore(file, network, optimizer, run, 2).history) == 1
    assert all(g["lr"] is lr for g, lr in zip(optimizer.param_groups, before, strict=True))
    assert optimizer.state_dict()["state"]  # the rest was restored
