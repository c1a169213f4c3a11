"""Whether two networks are the same, decided without their keys."""

from __future__ import annotations

import math
from collections import Counter

import torch
from torch import Tensor, nn

from optunas.architecture import Architecture, Shape
from optunas.nn import build

BATCH = 4
TOLERANCE = 1e-9


def structure(network: nn.Module) -> str:
    """What torch prints of a network, and the names and shapes of all its numbers."""
    numbers = [f"{name} {tuple(value.shape)}" for name, value in network.state_dict().items()]
    return "\n".join([repr(network), *numbers])


def same_function(first: Architecture, second: Architecture, shape: Shape, classes: int) -> bool:
    """Whether two networks answer alike, in training, when like parameters hold like numbers.

    Numbers follow from what a module is and how many of its kind came before it, so branches may
    stand in any order. A test on made-up inputs: it finds networks that are equal but for the
    order of unlike parts, and takes unequal ones for equal by a rare accident only.
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
    seen: Counter[str] = Counter()
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            kind = f"{module!r} {name}"
            parameter.copy_(_numbers(parameter.shape, seen[kind]))
            seen[kind] += 1
    return network


def _numbers(shape: torch.Size, place: int) -> Tensor:
    """Those of a parameter that is the `place`-th of its kind."""
    wave = torch.arange(shape.numel(), dtype=torch.float64).mul(1.7).add(1 + 0.7 * place).sin()
    fan_in = math.prod(shape[1:])
    if len(shape) > 1 and fan_in > 1:
        return (math.sqrt(2 / fan_in) * wave).reshape(shape)
    return (1.5 + 0.5 * wave).reshape(shape)
