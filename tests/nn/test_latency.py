"""What a pass takes, in a network that takes a known time."""

import time
from statistics import median

import pytest
import torch
from torch import nn

from optunas.nn.latency import FEWEST, MOST, Latency, latency

SHAPE = (1, 8, 8)


class Busy(nn.Module):
    """Computes for so many milliseconds of processor time, in turn; notes how it was called."""

    def __init__(self, *milliseconds: float) -> None:
        super().__init__()
        self.milliseconds, self.calls = milliseconds, 0
        self.threads, self.batches, self.bf16 = set[int](), set[int](), set[bool]()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        end = time.thread_time() + self.milliseconds[self.calls % len(self.milliseconds)] / 1e3
        self.calls += 1
        self.threads.add(torch.get_num_threads())
        self.batches.add(len(x))
        self.bf16.add(torch.is_autocast_enabled("cpu"))
        assert not self.training
        assert not torch.is_grad_enabled()
        while time.thread_time() < end:
            pass
        return x


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 10))


def test_it_is_the_median_pass_on_one_thread() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        busy = Busy(10)
        found = latency(busy, SHAPE, seconds=0.1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert 10 <= found.q1_ms <= found.median_ms <= found.q3_ms < 11
    assert busy.threads == {found.threads} == {1}
    assert busy.batches == {found.batch} == {1}
    assert busy.bf16 == {False}


def test_half_of_the_passes_lie_within_the_range() -> None:
    busy = Busy(1, 2, 2, 2, 4, 4, 4, 6, 6, 6, 8)  # the quartiles stand in the middle of equal ones
    found = latency(busy, SHAPE, seconds=0.4)
    assert found.q1_ms == pytest.approx(2, abs=0.6)
    assert found.median_ms == pytest.approx(4, abs=0.6)
    assert found.q3_ms == pytest.approx(6, abs=0.6)
    assert found.iqr_ms == found.q3_ms - found.q1_ms


def test_who_else_computes_makes_no_difference() -> None:
    class Sleepy(Busy):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            time.sleep(0.02)  # as if another process had the processor meanwhile
            return super().forward(x)

    assert latency(Sleepy(3), SHAPE, seconds=0.1).median_ms == pytest.approx(3, abs=0.5)


def test_batches_and_contexts_are_as_wished() -> None:
    busy = Busy(0.1)
    found = latency(
        busy, SHAPE, batch=16, seconds=0.01, within=torch.autocast("cpu", torch.bfloat16)
    )
    assert busy.batches == {found.batch} == {16}
    assert busy.bf16 == {True}


def test_it_ends_in_time_for_slow_networks_and_runs_often_for_fast_ones() -> None:
    slow, fast = Busy(50), Busy(0.01)
    assert latency(slow, SHAPE, seconds=0.01).passes == FEWEST
    found = latency(fast, SHAPE, seconds=0.1)
    assert 500 < found.passes <= MOST


def test_a_batch_has_the_order_of_memory_of_the_kernels() -> None:
    orders: list[bool] = []
    conv = nn.Conv2d(3, 4, 3)
    conv.register_forward_hook(
        lambda module, given, answer: orders.append(
            given[0].is_contiguous(memory_format=torch.channels_last)
        )
    )
    for order in (torch.contiguous_format, torch.channels_last):
        conv.to(memory_format=order)  # type: ignore[call-overload]
        latency(conv, (3, 8, 8), seconds=0.001)
    assert orders == sorted(orders)
    assert set(orders) == {False, True}


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_left_as_it_was(training: bool) -> None:
    net = network().train(training)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    latency(net, SHAPE, seconds=0.01)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert net.training is training


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_events_agree_with_a_clock_that_waits() -> None:
    net, x = nn.Linear(4096, 4096).cuda(), torch.zeros(4096, 4096, device="cuda")
    times = []
    with torch.no_grad():
        for _ in range(30):
            torch.cuda.synchronize()
            start = time.perf_counter()
            net(x)
            torch.cuda.synchronize()
            times.append(1e3 * (time.perf_counter() - start))
    found = latency(net, (4096,), batch=4096)
    assert isinstance(found, Latency)
    assert found.median_ms == pytest.approx(median(times[10:]), rel=0.3)
