"""Parameters and MACs, held against sums by hand."""

import pytest
import torch
from torch import nn

from optunas.nn.count import count

SHAPE = (1, 8, 8)


def network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5),
        nn.Flatten(), nn.Linear(4 * 36, 10),
    )  # fmt: skip


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_parameters_and_multiply_accumulates(device: str) -> None:
    assert count(network().to(device), SHAPE) == (36 + 8 + 1450, 36 * 36 + 1440)


def test_a_lazy_module_is_counted_after_its_first_call() -> None:
    lazy = nn.Sequential(nn.Flatten(), nn.LazyLinear(10))
    assert count(lazy, SHAPE) == (650, 640)


@pytest.mark.parametrize("training", [True, False])
def test_the_network_and_the_random_numbers_are_left_as_they_were(training: bool) -> None:
    net = network().train(training)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    generator = torch.get_rng_state()
    count(net, SHAPE)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)
    assert net.training is training
