"""How fast a network is trained here: measured on some seconds of real steps, for plans of time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch import nn

from optunas.training.batches import Batch, Batches, Part
from optunas.training.engine import Engine
from optunas.training.kernels import chosen_kernels
from optunas.training.loop import Run, prepare
from optunas.training.precision import autocast
from optunas.training.recipe import Recipe
from optunas.training.seeds import global_seed
from optunas.training.steps import FEW, WARM_UP, Steps

if TYPE_CHECKING:
    from optunas.data import Data

SETTLE = WARM_UP + 1  # steps that choose kernels, fill caches, record a graph


@dataclass(frozen=True)
class Pace:
    """Seconds that a network costs on a device."""

    training: float
    """for each training image of an epoch"""
    validation: float
    """for the validation split, once"""
    start: float
    """until the first steps were done"""

    def epoch(self, images: int) -> float:
        """Seconds for one epoch over so many training images, with its validation."""
        return self.training * images + self.validation

    def whole(self, epochs: int, images: int) -> float:
        """Seconds for a training from nothing."""
        return self.start + epochs * self.epoch(images)


def pace(
    network: nn.Module,
    data: "Data",
    recipe: Recipe,
    *,
    device: str | torch.device = "cpu",
    engine: Engine = Engine(),
    seconds: float = 2.0,
) -> Pace:
    """Train for about `seconds` (3 steps at least), and validate on a part of the split.

    The network is moved to `device`, and its weights are changed. Raises what `train` raises for a
    network that can't be trained.
    """
    begin = perf_counter()
    device = torch.device(device)
    run = prepare(network, data, recipe, device, 0, engine)
    with global_seed(0, device), chosen_kernels(device, engine.deterministic):
        steps, batches = Steps(run.step, device, engine.steps, total=FEW), _endless(run)
        network.train()
        for _ in range(SETTLE):
            steps(next(batches))
        _wait(device)
        start = perf_counter() - begin
        each = _seconds(lambda: steps(next(batches)), device, seconds)
        network.eval()
        whole = run.validation.images / run.validation.batch_size
        answer = _answers(run)
        answer()
        return Pace(
            training=each / run.training.batch_size,
            validation=whole * _seconds(answer, device, seconds / 4),
            start=start,
        )


def _endless(run: Run) -> Iterator[Batch]:
    generator = torch.Generator(run.device).manual_seed(0)
    while True:
        yield from run.shuffled(generator)


def _answers(run: Run) -> Callable[[], None]:
    """A function that lets the network answer one more batch of the validation split."""
    parts = _endless_parts(run.validation)

    @torch.no_grad()
    def answer() -> None:
        images, _ = next(parts)
        with autocast(run.device, run.recipe.precision):
            run.network(run.inputs.scaled(images))

    return answer


def _endless_parts(batches: Batches) -> Iterator[Part]:
    while True:
        yield from (part for part in batches.in_order() if len(part[1]) == batches.batch_size)


def _seconds(run: Callable[[], None], device: torch.device, about: float) -> float:
    """Mean seconds of one call: many are queued, and the device is waited for now and then."""
    start, calls, block = perf_counter(), 0, 1
    while calls < 3 or perf_counter() - start < about:
        for _ in range(block):
            run()
        _wait(device)
        calls += block
        block = min(64, 2 * block)
    return (perf_counter() - start) / calls


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
