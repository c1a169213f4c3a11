"""What a network costs, held against sums by hand; and the network is left as it was."""

import time
from typing import Any

import pytest
import torch
from torch import nn

from optunas.nn.measure import MIB, count, latency_ms, training_memory_mb

SHAPE = (1, 8, 8)


def network(dropout: float = 0.0) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(dropout),
        nn.Flatten(), nn.Linear(4 * 36, 10),
    )  # fmt: skip


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_parameters_and_multiply_accumulates(device: str) -> None:
    assert count(network().to(device), SHAPE) == (36 + 8 + 1450, 36 * 36 + 1440)


def test_a_lazy_module_is_counted_after_its_first_call() -> None:
    lazy = nn.Sequential(nn.Flatten(), nn.LazyLinear(10))
    assert count(lazy, SHAPE) == (650, 640)


class Sleeps(nn.Module):
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds, self.threads = seconds, set[int]()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.threads.add(torch.get_num_threads())
        time.sleep(self.seconds)
        return x


def test_latency_is_the_median_pass_on_one_thread() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        sleeps = Sleeps(0.01)
        found = latency_ms(sleeps, SHAPE, seconds=0.1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert 10 <= found < 40  # a sleep lasts somewhat longer where others work
    assert sleeps.threads == {1}


def test_latency_ends_in_time_for_slow_networks_and_runs_often_for_fast_ones() -> None:
    started = time.monotonic()
    latency_ms(Sleeps(0.1), SHAPE, seconds=0.01)
    assert time.monotonic() - started < 2
    started = time.monotonic()
    latency_ms(network(), SHAPE, seconds=0.2)
    assert 0.2 <= time.monotonic() - started < 1


def test_memory_is_what_a_step_must_hold() -> None:
    linear = nn.Linear(1000, 500, bias=False)
    weights = 1000 * 500 * 4
    batch = 64 * 1000 * 4
    answer = 64 * 500 * 4
    # weights, their gradients, two numbers of the optimizer; the inputs and the outputs
    expected = (4 * weights + batch + answer) / MIB
    assert training_memory_mb(linear, (1000,), 64) == pytest.approx(expected, rel=0.01)


def test_memory_grows_with_the_batch_by_what_is_kept_for_the_backward_pass() -> None:
    small, large = (training_memory_mb(network(), SHAPE, batch) for batch in (8, 16))
    per_image = (64 + 2 * 144 + 10) * 4  # input, two maps of 4x6x6 or more, logits
    assert (large - small) * MIB >= 8 * per_image


@pytest.mark.parametrize(
    "measure",
    [
        lambda net: count(net, SHAPE),
        lambda net: latency_ms(net, SHAPE, seconds=0.01),
        lambda net: training_memory_mb(net, SHAPE, 8),
    ],
)
@pytest.mark.parametrize("training", [True, False])
def test_the_network_and_the_random_numbers_are_left_as_they_were(
    measure: Any, training: bool
) -> None:
    net = network(dropout=0.5).train(training)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    generator = torch.get_rng_state()
    measure(net)
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert torch.equal(torch.get_rng_state(), generator)
    assert net.training is training
    assert all(p.grad is None for p in net.parameters())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_everything_is_measured_there() -> None:
    net = network().cuda()
    assert 0 < latency_ms(net, SHAPE, seconds=0.05) < 100
    assert training_memory_mb(net, SHAPE, 64) > 0
