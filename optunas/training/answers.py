"""What a trained network answers on the validation split: its mistakes, for a person to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from optunas.training.engine import Engine
from optunas.training.inputs import Inputs
from optunas.training.kernels import chosen_kernels
from optunas.training.loop import answered, batch_for_answers
from optunas.training.metrics import Tally
from optunas.training.place import batches_of
from optunas.training.results import Answers, Mistake

if TYPE_CHECKING:
    from optunas.data import Data
    from optunas.training.recipe import Recipe

MOST_SIDE = 96
"""Pixels; a larger image is made smaller, as it is only looked at."""


def answers(
    network: nn.Module,
    data: Data,
    recipe: Recipe,
    *,
    device: str | torch.device,
    mistakes: int = 24,
    engine: Engine = Engine(),
) -> Answers:
    """The confusion matrix on `data.validation`, and the `mistakes` that the network was surest of.

    network: x (B, C, H, W) float -> logits (B, classes), on `device`. One pass over the split.
    """
    device = torch.device(device)
    size = batch_for_answers(data.validation, device)
    batches = batches_of(
        data.validation, device, engine, batch_size=size, resolution=recipe.resolution
    )
    inputs, classes = Inputs(data, device), len(data.classes)
    tally = Tally(classes, device)
    found: list[Mistake] = []
    with chosen_kernels(device, engine.deterministic):
        told = answered(network, batches, inputs, classes, recipe.precision)
        for images, labels, logits in told:
            tally.add(logits, labels)
            found += _mistakes(images, labels, logits.float(), mistakes)
            found = sorted(found, key=lambda one: -one.confidence)[:mistakes]
    confusion = tally.scores(confusion=True).confusion
    assert confusion is not None
    return Answers(confusion, tuple(found))


def _mistakes(images: Tensor, labels: Tensor, logits: Tensor, most: int) -> list[Mistake]:
    """The surest mistakes of a batch: images uint8 (B, C, H, W), logits (B, classes)."""
    confidence, answer = logits.softmax(1).max(1)
    wrong = (answer != labels).nonzero().flatten()
    surest = wrong[confidence[wrong].argsort(descending=True)[:most]]
    step = max(1, -(-max(images.shape[-2:]) // MOST_SIDE))
    pixels = images[surest][:, :, ::step, ::step].permute(0, 2, 3, 1).contiguous().cpu()
    numbers = torch.stack([labels[surest], answer[surest]], 1).tolist()
    return [
        Mistake(image.numpy(), true, said, sure)
        for image, (true, said), sure in zip(
            pixels, numbers, confidence[surest].tolist(), strict=True
        )
    ]
