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

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from optunas.training import checkpoint as checkpoints
from optunas.training.batches import Batches
from optunas.training.errors import Diverged, NetworkError
from optunas.training.metrics import Tally, load_metrics
from optunas.training.optimizer import factor, make_optimizer, set_lr
from optunas.training.recipe import Recipe
from optunas.training.results import Epoch, Scores
from optunas.training.seeds import derived, global_seed

if TYPE_CHECKING:
    from optunas.data import Data, Split

EVALUATION_BATCH = 1024


def train(
    network: nn.Module,
    data: "Data",
    recipe: Recipe,
    *,
    device: str | torch.device = "cpu",
    seed: int = 0,
    checkpoint: Path | None = None,
) -> Iterator[Epoch]:
    """Train `network` in place on `data.train`; yield an `Epoch` with `data.validation`'s scores.

    network: x (B, C, H, W) float -> logits (B, classes). It is moved to `device`, and is in eval
    mode whenever an epoch is yielded, ready to be measured or exported.

    checkpoint: a file that is written after every epoch, before it is yielded. Called again with
    the same arguments, `train` yields the finished epochs again (the network already holds the
    last one's weights) and goes on; a kill loses the current epoch at most. A damaged file or one
    of another run is ignored with a warning. `optunas.training.checkpoint.remove` deletes it.

    Stop whenever you like (``break``, or ``close()``): nothing is left behind but the checkpoint.

    Raises `NetworkError` where the network doesn't answer with (B, classes) or has nothing to
    train, and `Diverged` at the end of an epoch whose loss is not a finite number.
    """
    run = _prepare(network, data, recipe, torch.device(device), seed)
    history: list[Epoch] = []
    if checkpoint is not None:
        identity = checkpoints.identity(network, data, recipe, seed)
        history = checkpoints.restore(checkpoint, network, run.optimizer, identity)
        network.eval()
        yield from tuple(history)
    for number in range(len(history) + 1, recipe.epochs + 1):
        epoch = _epoch(run, number)
        history.append(epoch)
        if checkpoint is not None:
            checkpoints.save(checkpoint, network, run.optimizer, history, identity)
        yield epoch


def evaluate(
    network: nn.Module,
    split: "Split",
    data: "Data",
    *,
    device: str | torch.device = "cpu",
    precision: str = "auto",
    batch_size: int = EVALUATION_BATCH,
    confusion: bool = False,
) -> Scores:
    """Loss, accuracy, macro F1 (and the confusion matrix) of `network` on a split of `data`.

    network: x (B, C, H, W) float -> logits (B, classes); it is moved to `device` and left in the
    mode (training or eval) it was in. Raises `NetworkError` for any other answer.
    """
    device = torch.device(device)
    _to_device(network, device)
    batches = Batches(split, data, batch_size=batch_size, device=device, channels_last=True)
    with _fast_matmul(device):
        return _scores(network, batches, len(data.classes), device, precision, confusion)


@dataclass(frozen=True)
class _Run:
    """What stays the same from the first epoch to the last."""

    network: nn.Module
    optimizer: Optimizer
    training: Batches
    validation: Batches
    classes: int
    recipe: Recipe
    device: torch.device
    seed: int


def _prepare(
    network: nn.Module, data: "Data", recipe: Recipe, device: torch.device, seed: int
) -> _Run:
    load_metrics()
    _to_device(network, device)
    training = Batches(
        data.train,
        data,
        batch_size=recipe.batch_size,
        device=device,
        fraction=recipe.train_fraction,
        channels_last=True,
    )
    validation = Batches(
        data.validation, data, batch_size=EVALUATION_BATCH, device=device, channels_last=True
    )
    optimizer = make_optimizer(network, recipe)
    return _Run(network, optimizer, training, validation, len(data.classes), recipe, device, seed)


def _epoch(run: _Run, number: int) -> Epoch:
    start = perf_counter()
    with global_seed(derived(run.seed, number, "network"), run.device), _fast_matmul(run.device):
        train_loss = _train_epoch(run, number)
        trained = perf_counter()
        _check_finite(number, train_loss, "training")
        scores = _scores(run.network, run.validation, run.classes, run.device, run.recipe.precision)
    _check_finite(number, scores.loss, "validation")
    run.network.eval()
    images = run.training.steps * run.training.batch_size
    return Epoch(
        number=number,
        of=run.recipe.epochs,
        train_loss=train_loss,
        loss=scores.loss,
        accuracy=scores.accuracy,
        f1=scores.f1,
        seconds=perf_counter() - start,
        images_per_second=images / (trained - start),
    )


def _train_epoch(run: _Run, number: int) -> float:
    """All steps of one epoch; the mean loss. The device is waited for once, at the end."""
    run.network.train()
    generator = torch.Generator(run.device).manual_seed(derived(run.seed, number, "batches"))
    steps, recipe = run.training.steps, run.recipe
    total = torch.zeros((), device=run.device)
    batches = run.training.shuffled(generator, strength=recipe.augment)
    for step, (images, labels) in enumerate(batches, start=(number - 1) * steps):
        set_lr(run.optimizer, recipe.lr * factor(recipe.schedule, step, recipe.epochs * steps))
        total += _step(run, images, labels)
    return (total / steps).item()


def _step(run: _Run, images: Tensor, labels: Tensor) -> Tensor:
    """Forward, backward, update; the loss, still on the device."""
    recipe = run.recipe
    with _autocast(run.device, recipe.precision):
        logits = run.network(images)
    _check_logits(logits, len(labels), run.classes)
    loss = cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)
    loss.backward()  # type: ignore[no-untyped-call]
    if recipe.clip_norm is not None:
        clip_grad_norm_(run.network.parameters(), recipe.clip_norm)
    run.optimizer.step()
    run.optimizer.zero_grad(set_to_none=True)
    return loss.detach()


@torch.no_grad()
def _scores(
    network: nn.Module,
    batches: Batches,
    classes: int,
    device: torch.device,
    precision: str,
    confusion: bool = False,
) -> Scores:
    tally, was_training = Tally(classes), network.training
    network.eval()
    try:
        for images, labels in batches.in_order():
            with _autocast(device, precision):
                logits = network(images)
            _check_logits(logits, len(labels), classes)
            tally.add(logits, labels)
    finally:
        network.train(was_training)
    return tally.scores(confusion=confusion)


def _to_device(network: nn.Module, device: torch.device) -> None:
    # Convolutions are faster in this order; only 4-d weights are touched.
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def _autocast(device: torch.device, precision: str) -> torch.autocast:
    bf16 = precision == "bf16" or (
        precision == "auto"
        and device.type == "cuda"
        and torch.cuda.is_bf16_supported(including_emulation=False)
    )
    return torch.autocast(device.type, torch.bfloat16, enabled=bf16)


@contextmanager
def _fast_matmul(device: torch.device) -> Iterator[None]:
    """Allow TF32 for what stays fp32 on a GPU, for as long as an epoch lasts."""
    try:
        before = torch.get_float32_matmul_precision() if device.type == "cuda" else None
    except RuntimeError:  # set by torch's newer, finer switches: somebody has decided already
        before = None
    if before is None:
        yield
        return
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _check_logits(logits: object, count: int, classes: int) -> None:
    shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if shape != (count, classes):
        raise NetworkError(
            f"a network answers {count} images of {classes} classes with logits "
            f"({count}, {classes}); this one answered {shape}: end it with Linear({classes})"
        )


def _check_finite(epoch: int, loss: float, where: str) -> None:
    if not torch.isfinite(torch.tensor(loss)):
        raise Diverged(epoch, loss, where)
