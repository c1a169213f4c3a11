"""The average of the weights: what it holds, and where the network holds it."""

import io
import math
from copy import deepcopy
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from optunas.data import Data
from optunas.training import Diverged, Engine, Epoch, Recipe, evaluate, train
from optunas.training.average import Average, decay_at
from optunas.training.batches import Batch
from optunas.training.steps import Steps

from .conftest import MakeNetwork
from .test_checkpoint import body_of, sign

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
PLAIN = Recipe(epochs=3, batch_size=32, augment=0.5)
RECIPE = replace(PLAIN, ema=0.9)
DECAYS = (0.1, 2 / 11, 3 / 12, 4 / 13, 5 / 14)

Weights = dict[str, Tensor]


def weights(network: nn.Module) -> Weights:
    return {name: value.clone() for name, value in network.state_dict().items()}


def equal(one: Weights, two: Weights) -> bool:
    return all(torch.equal(value, two[name]) for name, value in one.items())


def timeless(epochs: list[Epoch]) -> list[Epoch]:
    return [replace(epoch, seconds=0, images_per_second=0) for epoch in epochs]


@pytest.fixture
def after_steps(monkeypatch: pytest.MonkeyPatch) -> list[Weights]:
    """The weights after each step of a training."""
    seen: list[Weights] = []
    original = Steps.__call__

    def watched(self: Steps, batch: Batch) -> None:
        original(self, batch)
        seen.append(weights(self._step.network))

    monkeypatch.setattr(Steps, "__call__", watched)
    return seen


def by_hand(start: Weights, steps: list[Weights], ema: float) -> Weights:
    """The definition, in float64; counts are taken as they are."""
    average = {name: value.double() for name, value in start.items()}
    for number, now in enumerate(steps):
        d = min(ema, (1 + number) / (10 + number))
        for name, value in now.items():
            share = 1 - d if value.is_floating_point() else 1
            average[name] += share * (value.double() - average[name])
    return average


def test_the_decay_grows_up_to_the_recipes() -> None:
    assert tuple(decay_at(0.999, step) for step in range(5)) == pytest.approx(DECAYS)
    assert decay_at(0.15, 1) == 0.15
    assert decay_at(0.999, 10_000) == 0.999


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=CUDA)])
@pytest.mark.parametrize("how", ["eager", "captured"])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_it_is_the_average_of_all_steps_weights_and_statistics(
    few: Data,
    make_network: MakeNetwork,
    after_steps: list[Weights],
    how: str,
    optimizer: str,
    device: str,
) -> None:
    network = make_network().to(device)
    recipe = replace(RECIPE, optimizer=optimizer, lr=None, weight_decay=None)
    start = weights(network)
    *_, last = train(network, few, recipe, device=device, engine=Engine(steps=how))
    assert last.engine == f"images resident, steps {how}"
    assert len(after_steps) == 3 * (220 // 32)
    expected = by_hand(start, after_steps, 0.9)
    assert network[1].num_batches_tracked == len(after_steps)  # type: ignore[index]
    for name, value in network.state_dict().items():
        assert torch.allclose(value.double(), expected[name], rtol=1e-4, atol=1e-6), name
    assert not torch.allclose(network.state_dict()["0.weight"], after_steps[-1]["0.weight"])


def test_the_training_takes_the_same_course_with_it(
    few: Data, make_network: MakeNetwork, after_steps: list[Weights]
) -> None:
    plain = list(train(make_network(dropout=0.3), few, PLAIN, seed=2))
    averaged = list(train(make_network(dropout=0.3), few, RECIPE, seed=2))
    half = len(after_steps) // 2
    for one, two in zip(after_steps[:half], after_steps[half:], strict=True):
        assert equal(one, two)
    assert [e.train_loss for e in plain] == [e.train_loss for e in averaged]
    assert [e.loss for e in plain] != [e.loss for e in averaged]


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_whenever_an_epoch_is_yielded_the_network_is_the_one_that_was_scored(
    few: Data, make_network: MakeNetwork, after_steps: list[Weights], stop: int
) -> None:
    network = make_network(dropout=0.3)
    start = weights(network)
    epochs = train(network, few, RECIPE)
    for epoch in islice(epochs, stop):
        assert not network.training
        scores = evaluate(network, few.validation, few)
        assert (scores.loss, scores.accuracy) == (epoch.loss, epoch.accuracy)
    epochs.close()  # type: ignore[attr-defined]
    average = by_hand(start, after_steps, 0.9)["0.weight"].float()
    assert torch.allclose(network.state_dict()["0.weight"], average, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "engine",
    [Engine(), Engine(steps="captured"), Engine(images="stream")],
    ids=lambda engine: f"{engine.images}-{engine.steps}",
)
@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_resumed_run_ends_bit_for_bit_where_an_uninterrupted_one_does(
    few: Data, make_network: MakeNetwork, tmp_path: Path, stop: int, engine: Engine
) -> None:
    path, whole = tmp_path / "c", make_network(dropout=0.5)
    expected, states = [], []
    for epoch in train(whole, few, RECIPE, seed=3, engine=engine):
        expected.append(epoch)
        states.append(weights(whole))

    first = make_network(dropout=0.5)
    list(islice(train(first, few, RECIPE, seed=3, checkpoint=path, engine=engine), stop))
    second, found = make_network(seed=1, dropout=0.5), []
    for epoch in train(second, few, RECIPE, seed=3, checkpoint=path, engine=engine):
        found.append(epoch)
        assert equal(weights(second), states[max(stop, epoch.number) - 1])
    assert timeless(found) == timeless(expected)
    assert not second.training


def test_a_checkpoint_holds_the_trained_weights_and_the_averages(
    few: Data, make_network: MakeNetwork, tmp_path: Path, after_steps: list[Weights]
) -> None:
    path, network = tmp_path / "c", make_network()
    for _ in train(network, few, RECIPE, checkpoint=path):
        state = torch.load(io.BytesIO(body_of(path)), weights_only=True)
        assert equal(state["network"], after_steps[-1])
        assert torch.equal(state["averages"][0], network.state_dict()["0.weight"])
    assert len(state["averages"]) == len([*network.parameters()]) + 2 * 2


@pytest.mark.parametrize(
    "change",
    [
        lambda own: [],
        lambda own: 7,
        lambda own: own[:-1],
        lambda own: [own[0].double(), *own[1:]],
        lambda own: [torch.zeros(3), *own[1:]],
    ],
)
def test_averages_that_do_not_fit_start_from_zero(
    few: Data, make_network: MakeNetwork, tmp_path: Path, change: Any
) -> None:
    path, recipe = tmp_path / "c", replace(RECIPE, epochs=2)
    next(iter(train(make_network(), few, recipe, checkpoint=path)))
    state = torch.load(io.BytesIO(body_of(path)), weights_only=True)
    state["averages"] = change(state["averages"])
    buffer = io.BytesIO()
    torch.save(state, buffer)
    sign(path, buffer.getvalue())
    expected, found = make_network(), make_network()
    whole = list(train(expected, few, recipe))
    assert timeless(list(train(found, few, recipe, checkpoint=path))) == timeless(whole)
    assert equal(weights(expected), weights(found))


def test_a_checkpoint_of_an_earlier_version_is_gone_on_with(
    few: Data, make_network: MakeNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write = tmp_path / "c", torch.save
    with monkeypatch.context() as patch:
        patch.setattr(
            torch, "save", lambda s, f: write({k: v for k, v in s.items() if k != "averages"}, f)
        )
        first = next(iter(train(make_network(), few, PLAIN, checkpoint=path)))
    assert next(iter(train(make_network(), few, PLAIN, checkpoint=path))) == first  # its seconds!


class Tied(nn.Module):
    """Its last layer is its first one's, transposed; another shares memory and not the object."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(64, 10, bias=False)
        self.again = nn.Linear(64, 10, bias=False)
        self.again.weight = self.first.weight
        self.alias = nn.Parameter(self.first.weight.data)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        return self.first(x) + self.again(x) + x @ self.alias.T


def test_shared_weights_stay_shared_and_are_brought_back(few: Data) -> None:
    network = Tied()
    average = Average(network, 0.5)
    assert len(average.tensors) == 2
    with torch.no_grad():
        network.first.weight.fill_(1.0)
    average.set_step(100)
    average.update()
    before = average.tensors[0].clone()
    with average.shown():
        for shown in (network.first.weight, network.again.weight, network.alias):
            assert torch.equal(shown, before)
    assert (network.first.weight == 1).all()
    assert (network.alias == 1).all()
    list(train(network, few, RECIPE))
    assert network.again.weight is network.first.weight
    assert network.alias.data_ptr() == network.first.weight.data_ptr()


def test_frozen_parameters_and_other_buffers_are_left_alone(
    few: Data, make_network: MakeNetwork
) -> None:
    """A mask of minus infinity would be no number if it were averaged."""
    network = make_network()
    network[0].weight.requires_grad_(False)  # type: ignore[index]
    network[9].register_buffer("mask", torch.full((3,), -math.inf))  # type: ignore[index]
    before = weights(network)
    assert len(Average(network, 0.9).tensors) == len([*network.parameters()]) - 1 + 2 * 2
    list(train(network, few, RECIPE))
    for name in ("0.weight", "9.mask"):
        assert torch.equal(network.state_dict()[name], before[name])
    assert not torch.equal(network.state_dict()["1.running_mean"], before["1.running_mean"])


@pytest.mark.parametrize(
    "norm",
    [
        nn.Identity(),
        nn.BatchNorm1d(16, track_running_stats=False),
        nn.BatchNorm1d(16, affine=False, momentum=None),
        nn.LayerNorm(16),
        nn.utils.parametrizations.weight_norm(nn.Linear(16, 16)),
    ],
)
def test_networks_of_other_normalisation(few: Data, norm: nn.Module) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), deepcopy(norm), nn.Linear(16, 10))
    *_, last = train(network, few, replace(RECIPE, epochs=8))
    assert last.accuracy > 0.5


def test_an_average_of_half_precision_is_kept_in_float32() -> None:
    network = nn.Linear(2, 2).to(torch.bfloat16)
    average = Average(network, 0.999)
    assert {tensor.dtype for tensor in average.tensors} == {torch.float32}
    average.set_step(10**6)
    start = average.tensors[0].clone()
    with torch.no_grad():
        network.weight += 1
    for _ in range(100):  # each of these steps is less than bfloat16 can tell apart
        average.update()
    assert torch.allclose(average.tensors[0] - start, torch.tensor(1 - 0.999**100), atol=1e-2)
    with average.shown():
        assert network.weight.dtype == torch.bfloat16
        assert torch.equal(network.weight, average.tensors[0].to(torch.bfloat16))


def test_without_decay_there_is_nothing(make_network: MakeNetwork) -> None:
    network = make_network()
    average, before = Average(network, 0.0), weights(network)
    average.set_step(3)
    average.update()
    average.show()
    average.hide()
    assert average.tensors == []
    assert equal(before, weights(network))


def test_divergence_is_told(few: Data) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    recipe = replace(RECIPE, optimizer="sgd", lr=1e38, schedule="constant")
    with pytest.raises(Diverged, match="epoch 1"):
        list(train(network, few, recipe))


def test_divergence_of_the_average_alone_is_told_and_the_weights_are_back(few: Data) -> None:
    class Brittle(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            logits = super().forward(x.flatten(1))
            return logits if self.training else logits / 0

    with pytest.raises(Diverged, match="validation loss of epoch 1"):
        list(train(Brittle(64, 10), few, RECIPE))
