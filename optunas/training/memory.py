"""The memory that a training by a recipe takes at its peak."""

from typing import TYPE_CHECKING

import torch
from torch import nn

from optunas.nn.memory import peak_mb
from optunas.nn.passes import device_of, restoring
from optunas.training.batches import resized
from optunas.training.inputs import Inputs
from optunas.training.optimizer import make_optimizer
from optunas.training.recipe import Recipe
from optunas.training.step import Step

if TYPE_CHECKING:
    from optunas.data import Data


def training_memory_mb(network: nn.Module, data: "Data", recipe: Recipe) -> float:
    """MiB that a training step holds at its peak on the network's device.

    network: x (B, C, H, W) float -> logits (B, classes), as it is trained: on its device and in
    its order of memory. Two whole steps are run, on black images: scaling, mixing, forward,
    backward, update. Weights, gradients, the optimizer's state, an average of the weights and the
    batch count, the data set does not.
    The network is left as it was.
    """
    device = device_of(network)
    batch = min(recipe.batch_size, len(data.train))
    black = torch.zeros(batch, *data.input_shape, dtype=torch.uint8)
    images = resized(black, recipe.resolution).to(device)
    labels = torch.zeros(batch, dtype=torch.long, device=device)
    inputs = Inputs(data, device)
    with restoring(network):
        optimizer = make_optimizer(network, recipe)
        step = Step(network.train(), optimizer, inputs, recipe, len(data.classes), device)
        u = torch.full((step.numbers, batch), 0.5, device=device)
        own = [*network.parameters(), *network.buffers(), *step.average.tensors]
        known = [*own, images, labels, u]
        return peak_mb(lambda: step(images, labels, u), known)
