"""Seeded first weights: drawn on the CPU, so that every device starts from the same network."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from optunas.errors import OptunasError


def initialise(network: nn.Module, generator: torch.Generator) -> nn.Module:
    """Give a network on the meta device its memory (on the CPU) and its first weights.

    Convolutions: normal with the variance 2 / fan-out (He et al. 2015); fully connected layers:
    normal with the variance 1 / fan-in, and so do a recurrent layer's two sides; normalisation: 1
    and 0; biases: 0, but 1 at an LSTM's forget gate (Jozefowicz et al. 2015). The last layer starts
    at a tenth of that, so that the first loss is close to ln(classes). Other modules with numbers
    of their own set them in `reset_parameters()`, as torch's do.
    """
    network.to_empty(device="cpu")
    modules = list(network.modules())
    last = [m for m in modules if isinstance(m, nn.Conv2d | nn.Linear)][-1:]
    with torch.no_grad():
        for module in modules:
            _first_weights(module, generator, 0.1 if module in last else 1.0)
    return network


def _first_weights(module: nn.Module, generator: torch.Generator, gain: float) -> None:
    match module:
        case nn.Conv2d():
            fan_out = module.weight[0, 0].numel() * module.out_channels // module.groups
            _normal(module.weight, gain * math.sqrt(2 / fan_out), generator)
        case nn.Linear():
            _normal(module.weight, gain / math.sqrt(module.in_features), generator)
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            module.reset_running_stats()
            nn.init.ones_(module.weight)
        case nn.GroupNorm() | nn.LayerNorm():
            nn.init.ones_(module.weight)
        case nn.RNNBase():
            return _recurrent(module, generator)
        case _:
            return _by_itself(module, generator)
    if isinstance(module.bias, Tensor):
        nn.init.zeros_(module.bias)


def _recurrent(module: nn.RNNBase, generator: torch.Generator) -> None:
    """As a fully connected layer for each side; an LSTM remembers at first."""
    for name, parameter in module.named_parameters():
        if name.startswith("weight"):
            _normal(parameter, 1 / math.sqrt(parameter.shape[1]), generator)
            continue
        nn.init.zeros_(parameter)
        if isinstance(module, nn.LSTM) and name.startswith("bias_ih"):
            parameter[module.hidden_size : 2 * module.hidden_size].fill_(1.0)


def _normal(weight: Tensor, std: float, generator: torch.Generator) -> None:
    weight.normal_(0.0, std, generator=generator)


def _by_itself(module: nn.Module, generator: torch.Generator) -> None:
    """Let a module that isn't known here set its own numbers, from our random numbers."""
    if not [*module.parameters(recurse=False), *module.buffers(recurse=False)]:
        return
    reset = getattr(module, "reset_parameters", None)
    if reset is None:
        raise OptunasError(
            f"{type(module).__name__} has numbers of its own and no reset_parameters() to set "
            "them: give it that method"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        reset()
