"""Whether two networks are the same, decided without their keys."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..architecture import Architecture, Shape
from ..nn import build

BATCH = 4
TOLERANCE = 1e-9


def structure(network: nn.Module) -> str:
    """What torch prints of a network, and the names and shapes of all its numbers."""
    numbers = [f"{name} {tuple(value.shape)}" for name, value in network.state_dict().items()]
    return "\n".join([repr(network), *numbers])


def same_function(first: Architecture, second: Architecture, shape: Shape, classes: int) -> bool:
    """Whether two networks answer alike, in training, when like parameters hold like numbers.

    Every parameter is filled by a rule that looks at its shape alone, so it makes no difference
    where a description puts it. A test on made-up inputs: equal networks pass it, and others only
    by a rare accident.
    """
    one, other = (_answer(network, shape, classes) for network in (first, second))
    finite = bool(one.isfinite().all())
    scale = TOLERANCE * (1 + float(one.abs().max()))
    return finite and bool(torch.allclose(one, other, rtol=TOLERANCE, atol=scale))


@torch.no_grad()
def _answer(architecture: Architecture, shape: Shape, classes: int) -> Tensor:
    network = _filled(build(architecture, shape, classes).double()).train()
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(BATCH, *shape, dtype=torch.float64, generator=generator)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # for dropout
        answer: Tensor = network(inputs)
    return answer


def _filled(network: nn.Module) -> nn.Module:
    """Matrices of unit gain, and vectors between 1 and 2, which no activation lets pass alike."""
    for parameter in network.parameters():
        wave = torch.arange(parameter.numel(), dtype=torch.float64).mul(1.7).add(1).sin()
        fan_in = math.prod(parameter.shape[1:])
        gain = math.sqrt(2 / fan_in) if parameter.ndim > 1 and fan_in > 1 else 0.5
        shift = 0.0 if parameter.ndim > 1 and fan_in > 1 else 1.5
        parameter.copy_((shift + gain * wave).reshape(parameter.shape))
    return network
