"""The peak of memory, held against sums by hand and torch's own (private) tracker."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from optunas.nn.live import LiveTensors
from optunas.nn.memory import MIB, inference_memory_mb, peak_mb

KIB = 1024


def floats(count: int) -> torch.Tensor:
    return torch.zeros(count * KIB // 4)


def peak(run: Callable[[], object], *known: torch.Tensor) -> float:
    """In KiB."""
    live = LiveTensors(known)
    with live:
        run()
    return live.peak / KIB


def test_what_lives_at_once_counts_and_what_is_gone_does_not() -> None:
    def run() -> None:
        a = floats(100)
        b = floats(50)
        del a
        c = floats(80)
        del b, c

    assert peak(run) == 150


def test_views_and_changes_in_place_take_nothing() -> None:
    def run() -> None:
        a = floats(100)
        a.view(2, -1).t()[1:].add_(1).relu_()
        a[: len(a) // 2].detach()

    assert peak(run) == 100


def test_a_view_keeps_the_whole_alive() -> None:
    def run() -> None:
        part = floats(100)[:1]
        floats(10)
        del part
        floats(105)

    assert peak(run) == 110


def test_an_operation_needs_its_inputs_and_its_output() -> None:
    x = floats(100)
    assert peak(lambda: x * 2, x) == 200
    assert peak(lambda: (x * 2) * 2, x) == 300
    assert peak(lambda: torch.stack([x, x]).sum(), x) == pytest.approx(300, abs=0.1)


def test_known_tensors_that_share_memory_count_once() -> None:
    x = floats(100)
    assert peak(lambda: None, x, x[5:], x) == 100


def test_what_is_kept_for_the_backward_pass_lives_until_then() -> None:
    w = floats(100).requires_grad_()

    def run() -> None:
        y = (w * 2).exp().exp()  # both results of exp are kept, that of the product is not
        y.sum().backward()
        w.grad = None

    with_grad = peak(run, w)
    with torch.no_grad():
        without = peak(lambda: (w * 2).exp().exp(), w)
    assert without == 300
    # w, two results, and on the way back the gradients of each operation's input and output
    assert with_grad == pytest.approx(500, abs=0.1)


def test_an_optimizer_has_its_state_in_the_second_call() -> None:
    linear = nn.Linear(256, 256, bias=False)  # 256 KiB
    x = torch.zeros(1, 256)
    optimizer = torch.optim.AdamW(linear.parameters(), fused=True)

    def step() -> None:
        linear(x).sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    found = peak_mb(step, [linear.weight, x])
    # the weight, its gradient, two numbers of the optimizer
    assert found * MIB == pytest.approx(4 * 256 * KIB, rel=0.02)


def test_the_answer_to_images_takes_weights_and_the_two_largest_neighbours() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.ReLU(), nn.Conv2d(8, 4, 1), nn.Flatten()
    )
    weights = (8 * 3 * 9 + 8 * 4 + 4) * 4
    images, wide, narrow = (2 * channels * 32 * 32 * 4 for channels in (3, 8, 4))
    found = inference_memory_mb(net, (3, 32, 32), batch=2) * MIB
    assert found == weights + images + 2 * wide  # while ReLU has its input and its output
    net[1] = nn.ReLU(inplace=True)
    found = inference_memory_mb(net, (3, 32, 32), batch=2) * MIB
    assert found == weights + images + wide + narrow


@pytest.mark.parametrize("training", [True, False])
def test_an_answer_leaves_the_network_as_it_was(training: bool) -> None:
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5)).train(training)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    generator = torch.get_rng_state()
    inference_memory_mb(net, (1, 8, 8))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)
    assert net.training is training


def test_a_context_counts() -> None:
    net = nn.Linear(1000, 1000)
    plain = inference_memory_mb(net, (1000,))
    cast = inference_memory_mb(net, (1000,), within=torch.autocast("cpu", torch.bfloat16))
    assert cast > plain + 1.9  # a second copy of the weights, in half the size


def test_torchs_own_tracker_finds_the_same_peak() -> None:
    tracker = pytest.importorskip("torch.distributed._tools.mem_tracker").MemTracker
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.GELU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(16 * 49, 10),
    )  # fmt: skip
    x = torch.randn(32, 3, 16, 16)
    optimizer = torch.optim.AdamW(net.parameters(), foreach=True)

    def step() -> None:
        net(x).logsumexp(1).sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    found = peak_mb(step, [*net.parameters(), *net.buffers(), x])
    torchs = tracker()
    torchs.track_external(net, optimizer, x)
    with torchs:
        step()
    (snapshot,) = torchs.get_tracker_snapshot("peak").values()
    assert found * MIB == pytest.approx(snapshot["Total"], rel=1e-3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_the_allocator_counts_and_others_do_not() -> None:
    net = nn.Linear(1024, 1024, bias=False).cuda()  # 4 MiB
    others = torch.zeros(100 * MIB, dtype=torch.uint8, device="cuda")
    found = inference_memory_mb(net, (1024,), batch=1024)
    del others
    assert found == pytest.approx(12, abs=1)  # weights, inputs, outputs
