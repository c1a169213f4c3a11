"""The training loop: it yields after every epoch, and whoever iterates decides what happens next.

>>> for epoch in train(network, data, Recipe(epochs=20)):        # doctest: +SKIP
...     trial.report(epoch.accuracy, epoch.number)
...     if trial.should_prune():
...         raise optuna.TrialPruned

Random numbers of an epoch follow from (seed, epoch) alone. The same seed therefore gives the same
weights, a resumed run ends where an uninterrupted one ends (bit for bit on a CPU with the same
number of threads; on CUDA some kernels add in varying order), and the global generators are left
as they were found.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from optunas.training import checkpoint as checkpoints
from optunas.training.augment import Policy
from optunas.training.batches import Batch, Batches
from optunas.training.checkpoint import START, Begun
from optunas.training.engine import Engine
from optunas.training.errors import Diverged
from optunas.training.inputs import Inputs
from optunas.training.keeper import Keeper
from optunas.training.kernels import chosen_kernels
from optunas.training.metrics import Tally
from optunas.training.optimizer import factor, make_optimizer, set_lr
from optunas.training.place import batches_of
from optunas.training.precision import autocast
from optunas.training.recipe import Recipe
from optunas.training.results import Epoch, Scores
from optunas.training.seeds import derived, global_seed, set_random_states
from optunas.training.step import Step, check_logits
from optunas.training.steps import Steps

if TYPE_CHECKING:
    from optunas.data import Data, Split

ANSWERED = {"cpu": (3 * 2**20, 1024), "cuda": (16 * 2**20, 4096)}
"""Most numbers, and images, of an evaluation's batch: large for a GPU, which waits for launches,
small enough for the caches of a CPU."""


def train(
    network: nn.Module,
    data: "Data",
    recipe: Recipe,
    *,
    device: str | torch.device = "cpu",
    seed: int = 0,
    checkpoint: Path | None = None,
    written: Callable[[], None] = lambda: None,
    engine: Engine = Engine(),
) -> Iterator[Epoch]:
    """Train `network` in place on `data.train`; yield an `Epoch` with `data.validation`'s scores.

    network: x (B, C, H, W) float -> logits (B, classes). It is moved to `device`, and is in eval
    mode whenever an epoch is yielded, ready to be measured or exported. By a recipe with `ema` it
    then holds the averaged weights, those of the epoch's scores, and it keeps the last ones.

    checkpoint: a file that is written after every epoch, before it is yielded, and every half
    minute of a longer one (`keeper`); `written` is called each time. Called again with the same
    arguments, `train` yields the finished epochs again (the network already holds the weights that
    were saved last) and goes on from there. A damaged file or one of another run is ignored with a
    warning. `optunas.training.checkpoint.remove` deletes it.

    engine: where the images lie and how steps are run; what was chosen stands in `Epoch.engine`.

    Stop whenever you like (``break``, or ``close()``): nothing is left behind but the checkpoint.

    Raises `NetworkError` where the network doesn't answer with (B, classes) or has nothing to
    train, and `Diverged` at the end of an epoch whose loss is not a finite number.
    """
    run = prepare(network, data, recipe, torch.device(device), seed, engine)
    average = run.step.average
    identity = "" if checkpoint is None else checkpoints.identity(network, data, recipe, seed)
    keeper = Keeper(checkpoint, run.step, run.device, identity, written)
    history, begun = keeper.restored(recipe.epochs)
    average.show()
    network.eval()
    yield from history
    remaining = (recipe.epochs - len(history)) * run.training.steps - begun.steps
    steps = Steps(run.step, run.device, engine.steps, remaining)
    for number in range(len(history) + 1, recipe.epochs + 1):
        average.hide()
        epoch = _epoch(run, steps, number, begun, keeper)
        begun = START
        keeper.epoch(epoch)
        average.show()
        yield epoch


def evaluate(
    network: nn.Module,
    split: "Split",
    data: "Data",
    *,
    device: str | torch.device = "cpu",
    precision: str = "auto",
    batch_size: int | None = None,
    confusion: bool = False,
    engine: Engine = Engine(),
) -> Scores:
    """Loss, accuracy, macro F1 (and the confusion matrix) of `network` on a split of `data`.

    network: x (B, C, H, W) float -> logits (B, classes); it is moved to `device` and left in the
    mode (training or eval) it was in. Raises `NetworkError` for any other answer.
    """
    device = torch.device(device)
    _to_device(network, device)
    batches = batches_of(
        split, device, engine, batch_size=batch_size or batch_for_answers(split, device)
    )
    with chosen_kernels(device, engine.deterministic):
        inputs = Inputs(data, device)
        return _scores(network, batches, inputs, len(data.classes), precision, confusion)


@dataclass(frozen=True)
class Run:
    """What stays the same from the first epoch to the last."""

    step: Step
    training: Batches
    validation: Batches
    inputs: Inputs
    classes: int
    device: torch.device
    seed: int
    engine: Engine

    @property
    def network(self) -> nn.Module:
        return self.step.network

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        return self.step.optimizer

    @property
    def recipe(self) -> Recipe:
        return self.step.recipe

    def shuffled(self, generator: torch.Generator, done: int = 0) -> Iterator[Batch]:
        """The batches of one epoch, but those that are done."""
        return self.training.shuffled(generator, self.inputs, self.step.numbers, done)


def prepare(
    network: nn.Module,
    data: "Data",
    recipe: Recipe,
    device: torch.device,
    seed: int,
    engine: Engine,
) -> Run:
    """Everything that the epochs need; the network is moved to `device`."""
    _to_device(network, device)
    classes, size = len(data.classes), recipe.resolution
    training = batches_of(
        data.train,
        device,
        engine,
        batch_size=recipe.batch_size,
        fraction=recipe.train_fraction,
        resolution=size,
    )
    validation = batches_of(
        data.validation,
        device,
        engine,
        batch_size=batch_for_answers(data.validation, device),
        resolution=size,
    )
    inputs = Inputs(data, device, Policy.of(recipe, flip=data.flip))
    step = Step(network, make_optimizer(network, recipe), inputs, recipe, classes, device)
    return Run(step, training, validation, inputs, classes, device, seed, engine)


def _epoch(run: Run, steps: Steps, number: int, begun: Begun, keeper: Keeper) -> Epoch:
    """One epoch, or what is left of one that was begun."""
    start = perf_counter()
    began = start - begun.seconds
    random = global_seed(derived(run.seed, number, "network"), run.device)
    with random, chosen_kernels(run.device, run.engine.deterministic):
        train_loss = _train_epoch(run, steps, number, begun, lambda d: keeper.steps(d, began))
        trained = perf_counter()
        _check_finite(number, train_loss, "training")
        precision = run.recipe.precision
        with run.step.average.shown():
            scores = _scores(run.network, run.validation, run.inputs, run.classes, precision)
    _check_finite(number, scores.loss, "validation")
    run.network.eval()
    images = (run.training.steps - begun.steps) * run.training.batch_size
    return Epoch(
        number=number,
        of=run.recipe.epochs,
        train_loss=train_loss,
        loss=scores.loss,
        accuracy=scores.accuracy,
        f1=scores.f1,
        seconds=perf_counter() - began,
        images_per_second=images / (trained - start),
        engine=f"images {run.training.said}, steps {steps.said}",
    )


def _train_epoch(
    run: Run, steps: Steps, number: int, begun: Begun, keep: Callable[[int], None]
) -> float:
    """All steps of one epoch; the mean loss. The device is waited for once, at the end."""
    run.network.train()
    generator = torch.Generator(run.device).manual_seed(derived(run.seed, number, "batches"))
    count, recipe = run.training.steps, run.recipe
    before = (number - 1) * count
    run.step.total.copy_(begun.loss)
    set_random_states(begun.random, run.device)
    for done, batch in enumerate(run.shuffled(generator, begun.steps), start=begun.steps):
        share = factor(recipe.schedule, before + done, recipe.epochs * count)
        set_lr(run.optimizer, recipe.lr * share)
        run.step.average.set_step(before + done)
        steps(batch)
        keep(done + 1)
    return (run.step.total / count).item()


def _scores(
    network: nn.Module,
    batches: Batches,
    inputs: Inputs,
    classes: int,
    precision: str,
    confusion: bool = False,
) -> Scores:
    tally = Tally(classes, batches.device)
    for _, labels, logits in answered(network, batches, inputs, classes, precision):
        tally.add(logits, labels)
    return tally.scores(confusion=confusion)


@torch.no_grad()
def answered(
    network: nn.Module, batches: Batches, inputs: Inputs, classes: int, precision: str
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Images as uint8 (B, C, H, W), labels (B,) and the network's logits (B, classes), in order.

    The network answers in eval mode, and is afterwards in the mode that it was in.
    """
    was_training = network.training
    network.eval()
    try:
        for images, labels in batches.in_order():
            with autocast(batches.device, precision):
                logits = network(inputs.scaled(images))
            check_logits(logits, len(labels), classes)
            yield images, labels, logits
    finally:
        network.train(was_training)


def batch_for_answers(split: "Split", device: torch.device) -> int:
    """How many images a network answers at once; its answers don't depend on it."""
    numbers, most = ANSWERED.get(device.type, ANSWERED["cpu"])
    return max(16, min(most, numbers // math.prod(split.images.shape[1:])))


def _to_device(network: nn.Module, device: torch.device) -> None:
    # Convolutions are faster in this order; only 4-d weights are touched.
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def _check_finite(epoch: int, loss: float, where: str) -> None:
    if not torch.isfinite(torch.tensor(loss)):
        raise Diverged(epoch, loss, where)
