"""One training step: forward, loss, backward, update, and the average of the weights.

A step is a plain function of tensors that lie on the device. It reads nothing back, so that the
host can run ahead of the device and a CUDA graph can hold the whole of it (`steps`).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from optunas.training.augment import Mixing, mixed_loss
from optunas.training.average import Average
from optunas.training.errors import NetworkError
from optunas.training.inputs import Inputs
from optunas.training.precision import autocast
from optunas.training.recipe import Recipe


class Step:
    """A network's training step by a recipe. `total` is the sum of the losses, on the device.

    forward: what computes the logits, in place of the network itself (a compiled one).
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: Optimizer,
        inputs: Inputs,
        recipe: Recipe,
        classes: int,
        device: torch.device,
    ) -> None:
        self.network, self.optimizer, self.recipe = network, optimizer, recipe
        self.forward: Callable[[Tensor], Tensor] = network
        self.average = Average(network, recipe.ema)
        self.total = torch.zeros((), device=device)
        self._inputs, self._classes, self._device = inputs, classes, device
        self._mixing = Mixing.of(recipe, device)

    @property
    def numbers(self) -> int:
        """How many random numbers an image needs."""
        return self._mixing.numbers

    def __call__(self, images: Tensor, labels: Tensor, u: Tensor) -> None:
        """images uint8 (B, C, H, W), augmented; labels int64 (B,); u float32 (numbers, B)."""
        x, weight = self._inputs.scaled(images), None
        if self._mixing.numbers:
            x, weight = self._mixing(x, u)
        with autocast(self._device, self.recipe.precision):
            logits = self.forward(x)
        check_logits(logits, len(labels), self._classes)
        loss = self._loss(logits.float(), labels, weight)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.recipe.clip_norm is not None:
            clip_grad_norm_(self.network.parameters(), self.recipe.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.average.update()
        self.total += loss.detach()

    def _loss(self, logits: Tensor, labels: Tensor, weight: Tensor | None) -> Tensor:
        smoothing = self.recipe.label_smoothing
        if weight is None:
            return cross_entropy(logits, labels, label_smoothing=smoothing)
        return mixed_loss(logits, labels, weight, smoothing)


def check_logits(logits: object, count: int, classes: int) -> None:
    """Raise `NetworkError` for anything but logits (count, classes)."""
    shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if shape != (count, classes):
        raise NetworkError(
            f"a network answers {count} images of {classes} classes with logits "
            f"({count}, {classes}); this one answered {shape}: end it with Linear({classes})"
        )
