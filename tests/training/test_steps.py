"""How steps are run. A CPU records nothing, but all that is around a recording is the same code."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from optunas.data import Data
from optunas.training import Engine, Epoch, NetworkError, Recipe, steps, train
from optunas.training.steps import FEW, WARM_UP

from .conftest import MakeNetwork

RECIPE = Recipe(epochs=3, batch_size=32, augment=1.0, mixup=0.4, clip_norm=1.0)
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def weights(network: nn.Module) -> Tensor:
    return torch.cat([value.detach().flatten().float().cpu() for value in network.parameters()])


def run(
    network: nn.Module, data: Data, how: str, recipe: Recipe = RECIPE, **options: Any
) -> tuple[list[Epoch], Tensor]:
    epochs = list(train(network, data, recipe, engine=Engine(steps=how), **options))
    return epochs, weights(network)


def curve(epochs: list[Epoch]) -> list[tuple[float, float]]:
    return [(epoch.train_loss, epoch.loss) for epoch in epochs]


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_recorded_steps_train_the_very_same_network(
    few: Data, make_network: MakeNetwork, optimizer: str
) -> None:
    recipe = replace(RECIPE, optimizer=optimizer, lr=None, weight_decay=None)
    eagerly, one = run(make_network(dropout=0.3), few, "eager", recipe)
    recorded, two = run(make_network(dropout=0.3), few, "captured", recipe)
    assert curve(eagerly) == curve(recorded)
    assert torch.equal(one, two)
    assert {epoch.engine for epoch in eagerly} == {"images resident, steps eager"}
    assert {epoch.engine for epoch in recorded} == {"images resident, steps captured"}


def test_a_recording_reads_what_it_is_given_not_what_it_was_made_with(
    few: Data, make_network: MakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All batches after the warm-up go through the same memory."""
    places, batches = set(), []
    original = steps.recorded

    def spy(step: Any, batch: Any, *rest: Any) -> Callable[[], object]:
        replay = original(step, batch, *rest)

        def told() -> None:
            places.add(batch.images.data_ptr())
            batches.append(batch.labels.tolist())
            replay()

        return told

    monkeypatch.setattr(steps, "recorded", spy)
    run(make_network(), few, "captured")
    count = 3 * (220 // 32)
    assert len(batches) == count - WARM_UP
    assert len(places) == 1
    assert len({tuple(labels) for labels in batches}) == len(batches)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: operation not permitted when stream is capturing. See the docs."),
        torch.OutOfMemoryError("CUDA out of memory"),
        TypeError("what a network may do"),
    ],
)
def test_a_recording_that_fails_is_said_and_costs_nothing(
    few: Data, make_network: MakeNetwork, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(step: Any, batch: Any, *rest: Any) -> Any:
        step.network[0].weight.grad = torch.full_like(step.network[0].weight, 99.0)  # half-done
        raise error

    expected, one = run(make_network(), few, "eager")
    monkeypatch.setattr(steps, "recorded", fails)
    epochs, two = run(make_network(), few, "captured")
    assert curve(epochs) == curve(expected)
    assert torch.equal(one, two)
    said = epochs[-1].engine
    first = str(error).partition(". ")[0]
    assert said == f"images resident, steps eager (not captured: {first})"


def test_a_resumed_run_records_anew_and_ends_at_the_same_weights(
    few: Data, make_network: MakeNetwork, tmp_path: Any
) -> None:
    _, whole = run(make_network(dropout=0.3), few, "captured")
    file = tmp_path / "c.pt"
    engine = Engine(steps="captured")
    for epoch in train(make_network(dropout=0.3), few, RECIPE, engine=engine, checkpoint=file):
        if epoch.number == 1:
            break
    _, resumed = run(make_network(seed=8, dropout=0.3), few, "captured", checkpoint=file)
    assert torch.equal(whole, resumed)


def test_a_cpu_is_not_recorded_unless_told(few: Data, make_network: MakeNetwork) -> None:
    assert FEW <= 3 * (220 // 8)
    epochs, _ = run(make_network(), few, "auto", replace(RECIPE, batch_size=8))
    assert epochs[0].engine == "images resident, steps eager"


def test_an_error_of_the_network_itself_is_the_networks(few: Data) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 9))
    with pytest.raises(NetworkError, match="answered"):
        run(network, few, "captured")


class NoLookingBack(TorchDispatchMode):
    """Fails where a tensor's value is asked for: on a GPU that waits for the device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        waits = ("_local_scalar_dense", "nonzero", "is_nonzero", "masked_select", "unique")
        assert not any(name in str(func) for name in waits), f"{func} waits for the device"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_nothing_in_a_step_waits_for_the_device(
    few: Data, make_network: MakeNetwork, monkeypatch: pytest.MonkeyPatch, optimizer: str
) -> None:
    recipe = Recipe(
        epochs=2, batch_size=32, augment=1.0, colour=0.5, rand_augment=0.5, mixup=0.3, cutmix=1.0,
        label_smoothing=0.1, clip_norm=1.0, optimizer=optimizer, ema=0.9,
    )  # fmt: skip
    calls = []
    original = steps.Steps.__call__

    def watched(self: Any, batch: Any) -> None:
        with NoLookingBack():
            original(self, batch)
        calls.append(len(batch.labels))

    monkeypatch.setattr(steps.Steps, "__call__", watched)
    run(make_network(dropout=0.2), few, "captured", recipe)
    assert calls == [32] * 12


def test_the_watch_for_waiting_sees_one() -> None:
    with pytest.raises(AssertionError, match="waits for the device"), NoLookingBack():
        torch.ones(3).sum().item()


def test_a_network_that_torch_cant_compile_is_trained_eagerly(
    few: Data, make_network: MakeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch._dynamo.exc import BackendCompilerFailed

    def broken(network: nn.Module) -> Callable[[Tensor], Tensor]:
        def forward(x: Tensor) -> Tensor:
            raise BackendCompilerFailed(lambda: 0, RuntimeError("no C++ compiler"), None)

        return forward

    expected, one = run(make_network(), few, "eager")
    monkeypatch.setattr(steps, "compiled", broken)
    epochs, two = run(make_network(), few, "compiled")
    assert curve(epochs) == curve(expected)
    assert torch.equal(one, two)
    assert "eager (not compiled: " in epochs[0].engine
    assert "no C++ compiler" in epochs[0].engine


def test_compiled_steps_compute_the_same(
    few: Data, make_network: MakeNetwork, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """With Dynamo's own tracer for a back end: a C++ compiler may be missing, and takes seconds."""
    original = torch.compile
    monkeypatch.setattr(
        torch, "compile", lambda network, **options: original(network, backend="eager")
    )
    recipe = replace(RECIPE, ema=0.9)
    expected, _ = run(make_network(), few, "eager", recipe)
    epochs, _ = run(make_network(), few, "compiled", recipe)
    for one, two in zip(curve(expected), curve(epochs), strict=True):
        assert one == pytest.approx(two, rel=1e-4)
    assert re.fullmatch(r"images resident, steps compiled in \d+\.\d s", epochs[0].engine)


@CUDA
@pytest.mark.parametrize("how", ["captured", "auto"])
def test_a_gpu_records_the_step(few: Data, make_network: MakeNetwork, how: str) -> None:
    recipe = replace(RECIPE, batch_size=16, precision="fp32")
    eagerly, one = run(make_network(dropout=0.3), few, "eager", recipe, device="cuda")
    recorded, two = run(make_network(dropout=0.3), few, how, recipe, device="cuda")
    assert recorded[-1].engine == "images resident, steps captured"
    assert all(map(math.isfinite, (epoch.loss for epoch in recorded)))
    # dropout draws in another order within a graph; the runs are alike, not equal
    assert recorded[-1].loss == pytest.approx(eagerly[-1].loss, rel=0.5)
    assert one.shape == two.shape


@CUDA
def test_a_gpu_without_dropout_gives_the_same_curve_recorded_or_not(
    few: Data, make_network: MakeNetwork
) -> None:
    recipe = replace(RECIPE, batch_size=16, precision="fp32")
    eagerly, _ = run(make_network(), few, "eager", recipe, device="cuda")
    recorded, _ = run(make_network(), few, "captured", recipe, device="cuda")
    for one, two in zip(curve(eagerly), curve(recorded), strict=True):
        assert one == pytest.approx(two, rel=1e-2)


class AsksForAValue(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = super().forward(x)
        return logits if logits.abs().max().item() < 1e9 else logits * 0


@CUDA
def test_on_a_gpu_a_network_that_asks_for_values_is_trained_eagerly(few: Data) -> None:
    network = AsksForAValue(nn.Flatten(), nn.Linear(64, 10))
    epochs, _ = run(network, few, "captured", replace(RECIPE, batch_size=16), device="cuda")
    assert "eager (not captured: " in epochs[-1].engine
    assert epochs[-1].accuracy > 0.2


@CUDA
def test_no_step_on_a_gpu_waits(few: Data, make_network: MakeNetwork) -> None:
    network = make_network()
    epochs = train(network, few, replace(RECIPE, batch_size=16, ema=0.9), device="cuda")
    next(epochs)
    original = steps.Steps.__call__

    def strictly(self: Any, batch: Any) -> None:
        torch.cuda.set_sync_debug_mode("error")
        try:
            original(self, batch)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps.Steps, "__call__", strictly)
        next(epochs)
