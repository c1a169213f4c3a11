"""A copy of a network that a proxy may use up, in the state in which proxies look at networks."""

from __future__ import annotations

from copy import deepcopy

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def twin(network: nn.Module) -> nn.Module:
    """A copy with the same weights, all of them to be learned, and without gradients.

    Batch normalisation takes the statistics of the batch, as in training: the running ones of a
    fresh network know nothing. All else is as in evaluation: dropout would be noise.
    """
    copy = deepcopy(network)
    for module in copy.modules():  # not eval(): somebody may have made it do more
        module.training = isinstance(module, _BatchNorm)
    for parameter in copy.parameters():
        parameter.grad = None
        if parameter.is_floating_point():
            parameter.requires_grad_(True)
    return copy


def weights(network: nn.Module) -> list[Tensor]:
    """What layers multiply by: kernels and matrices. Biases and scales have one axis only."""
    return [
        parameter
        for parameter in network.parameters()
        if parameter.requires_grad and sum(size > 1 for size in parameter.shape) > 1
    ]
