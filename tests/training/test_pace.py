"""How fast a network is trained here, on a clock that each test can wind."""

import pytest
import torch
from torch import Tensor, nn

from optunas.data import Data
from optunas.training import Engine, NetworkError, Recipe, pace
from optunas.training.pace import SETTLE, Pace

from .conftest import MakeNetwork


class Clock:
    """Time passes only while a network computes: 1 s a training pass, 10 s an answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(pace, "perf_counter", lambda: self.now)


class Slow(nn.Sequential):
    clock: Clock
    passes = 0

    def forward(self, x: Tensor) -> Tensor:
        self.clock.now += 1.0 if self.training else 10.0
        self.passes += self.training
        return super().forward(x)


def test_the_pace_is_the_time_of_a_step_over_its_images(
    few: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Slow(nn.Flatten(), nn.Linear(64, 10))
    network.clock = Clock(monkeypatch)
    found = pace.pace(network, few, Recipe(batch_size=40), seconds=8.0)
    assert found.training == pytest.approx(1 / 40)
    assert found.validation == pytest.approx(10.0)  # 60 images, one batch
    assert found.start == SETTLE
    assert SETTLE + 8 <= network.passes <= SETTLE + 20
    assert found.epoch(400) == pytest.approx(10 + 10)
    assert found.whole(3, 400) == pytest.approx(SETTLE + 60)


def test_a_part_of_the_validation_split_stands_for_all(
    few: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optunas.training.loop.ANSWERED", {"cpu": (16 * 64, 1024)})
    network = Slow(nn.Flatten(), nn.Linear(64, 10))
    network.clock = Clock(monkeypatch)
    found = pace.pace(network, few, Recipe(), seconds=4.0)
    assert found.validation == pytest.approx(10.0 * 60 / 16)


def test_it_agrees_with_a_real_epoch(few: Data, make_network: MakeNetwork) -> None:
    """Within a factor that a busy machine allows; the exact sums are tested above."""
    from optunas.training import train

    recipe = Recipe(epochs=3, batch_size=16)
    found = pace.pace(make_network(), few, recipe, seconds=0.3)
    *_, last = train(make_network(), few, recipe)
    assert found.epoch(220) == pytest.approx(last.seconds, rel=3.0)
    assert isinstance(found, Pace)


@pytest.mark.parametrize("engine", [Engine(), Engine(images="stream"), Engine(steps="captured")])
def test_nothing_of_it_remains(few: Data, make_network: MakeNetwork, engine: Engine) -> None:
    torch.manual_seed(3)
    state = torch.get_rng_state()
    network = make_network(dropout=0.5)
    found = pace.pace(network, few, Recipe(augment=1.0), engine=engine, seconds=0.05)
    assert found.training > 0
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in network.parameters())


def test_a_network_that_cant_be_trained_says_why(few: Data) -> None:
    with pytest.raises(NetworkError, match="answered"):
        pace.pace(nn.Sequential(nn.Flatten(), nn.Linear(64, 9)), few, Recipe())
