"""The optimizer and the learning rate that a recipe asks for."""

import math
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from optunas.training.errors import NetworkError
from optunas.training.recipe import Recipe

_NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
_FUSED = ("cpu", "cuda")  # where torch has fused kernels that take a tensor as learning rate
WARM_UP = 0.2  # share of the steps of "onecycle" before the peak


def make_optimizer(network: nn.Module, recipe: Recipe) -> Optimizer:
    """AdamW or SGD with Nesterov momentum, fused: one kernel for all parameters, not ten for each.

    The learning rates are tensors on the parameters' device, so that a captured step can be given
    another one. Parameters that no fused kernel takes (complex ones) get the plain optimizer.

    Biases, normalisation and other vectors (a layer scale) aren't decayed: decay is there to
    bound the weights of matrices and kernels (He et al. 2019, arXiv:1812.01187, section 3.1).

    A module may have an attribute `lr_factor`: the learning rate of its parameters is multiplied
    by it (0.1: a tenth of the rate for a pretrained part). An inner module's takes the place of an
    outer one's. Parameters that require no gradient are frozen.
    """
    decayed, spared = _split(network)
    groups = [
        *_groups(network, decayed, recipe.weight_decay),
        *_groups(network, spared, 0.0),
    ]
    if not groups:
        raise NetworkError(
            "a network needs parameters to train; this one has none that require a gradient"
        )
    for group in groups:
        group["lr"] = torch.tensor(recipe.lr, device=group["params"][0].device)
    fused = all(p.is_floating_point() and p.device.type in _FUSED for p in decayed + spared)
    if recipe.optimizer == "sgd":
        optimizer: Optimizer = SGD(
            groups, recipe.lr, recipe.momentum, nesterov=recipe.momentum > 0, fused=fused
        )
    else:
        on_gpu = all(p.is_cuda for p in decayed + spared)
        betas = (recipe.momentum, 0.999)
        optimizer = AdamW(groups, recipe.lr, betas, fused=fused, capturable=on_gpu)
    set_lr(optimizer, recipe.lr)
    return optimizer


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
    """Set the rate of every group; a group with an `lr_factor` takes that share of it."""
    for group in optimizer.param_groups:
        rate = lr * group.get("lr_factor", 1.0)
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)  # in place: a captured step reads from there
        else:
            group["lr"] = rate


def _groups(
    network: nn.Module, parameters: list[nn.Parameter], weight_decay: float
) -> list[dict[str, Any]]:
    """One group for each learning rate."""
    factors = _lr_factors(network)
    groups: dict[float, list[nn.Parameter]] = {}
    for parameter in parameters:
        groups.setdefault(factors.get(id(parameter), 1.0), []).append(parameter)
    return [
        {"params": members, "weight_decay": weight_decay, "lr_factor": lr_factor}
        for lr_factor, members in groups.items()
    ]


def _lr_factors(network: nn.Module) -> dict[int, float]:
    factors: dict[int, float] = {}
    for module in network.modules():  # the outer ones first
        lr_factor = getattr(module, "lr_factor", None)
        if lr_factor is not None:
            if not 0 < lr_factor < math.inf:
                raise NetworkError(f"an lr_factor is a finite number above 0; got {lr_factor!r}")
            factors.update((id(parameter), float(lr_factor)) for parameter in module.parameters())
    return factors


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
