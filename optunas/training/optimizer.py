"""The optimizer and the learning rate that a recipe asks for."""

import math

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from .errors import NetworkError
from .recipe import Recipe

_NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
WARM_UP = 0.2  # share of the steps of "onecycle" before the peak


def make_optimizer(network: nn.Module, recipe: Recipe) -> Optimizer:
    """AdamW or SGD with Nesterov momentum; fused on CUDA.

    Biases, normalisation and other vectors (a layer scale) aren't decayed: decay is there to
    bound the weights of matrices and kernels (He et al. 2019, arXiv:1812.01187, section 3.1).
    """
    decayed, spared = _split(network)
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": spared, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if not groups:
        raise NetworkError(
            "a network needs parameters to train; this one has none that require a gradient"
        )
    fused = all(p.is_cuda for p in decayed + spared) or None
    if recipe.optimizer == "sgd":
        nesterov = recipe.momentum > 0
        return SGD(groups, recipe.lr, recipe.momentum, nesterov=nesterov, fused=fused)
    return AdamW(groups, recipe.lr, (recipe.momentum, 0.999), fused=fused)


def factor(schedule: str, step: int, steps: int) -> float:
    """What the peak learning rate is multiplied by in `step` (from 0) of `steps`.

    No step is wasted on a rate of zero: the warm-up begins above it, the cosine ends above it.
    A pure function of the step, so that a schedule has no state to lose.
    """
    if schedule == "constant":
        return 1.0
    warm = round(WARM_UP * steps) if schedule == "onecycle" else 0
    if step < warm:
        return (step + 1) / (warm + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))


def set_lr(optimizer: Optimizer, lr: float) -> None:
    """Set the rate of every group."""
    for group in optimizer.param_groups:
        group["lr"] = lr


def _split(network: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    decayed: list[nn.Parameter] = []
    spared: list[nn.Parameter] = []
    norms = {id(p) for m in network.modules() if isinstance(m, _NORMS) for p in m.parameters()}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            spare = id(parameter) in norms or _is_vector(name, parameter)
            (spared if spare else decayed).append(parameter)
    return decayed, spared


def _is_vector(name: str, parameter: torch.Tensor) -> bool:
    """One number a channel: a bias, a scale, a layer scale as (C, 1, 1)."""
    per_channel = parameter.ndim == 3 and tuple(parameter.shape[1:]) == (1, 1)
    return parameter.ndim < 2 or per_channel or name.rpartition(".")[2] == "bias"
