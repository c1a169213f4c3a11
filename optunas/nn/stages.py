"""The stages of a network that somebody else wrote: what may be frozen, or learn more slowly."""

from __future__ import annotations

import math
from itertools import groupby

import torch
from torch import Tensor, nn

from optunas.nn.passes import evaluating

PARTS = 4
"""Stages of a network that keeps one resolution, as a vision transformer does."""


def stages(network: nn.Module, size: int) -> list[list[str]]:
    """Names of the submodules that make up each stage, from the input on.

    A stage ends where the resolution falls. Networks of one resolution are cut into four parts of
    about as many blocks. `network` is run once, for an image of `size` pixels, on its device.
    """
    positions = _positions(network, size)
    units = _units(network, positions)
    ends = [_last(positions, unit) for unit in units]
    falling = [max(ends[place:]) for place in range(len(ends))]  # 1x1 looks at the whole between
    if len(set(falling)) <= 2:
        falling = [place * PARTS // len(units) for place in range(len(units))]
    pairs = groupby(zip(falling, units, strict=True), key=lambda pair: pair[0])
    return [[unit for _, unit in run] for _, run in pairs]


def _positions(network: nn.Module, size: int) -> dict[str, int]:
    """For each layer that was called, in order, how many positions its output has."""
    found: dict[str, int] = {}

    def note(name: str, channels: int) -> None:
        def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
            found[name] = output.numel() // channels

        hooks.append(network.get_submodule(name).register_forward_hook(hook))

    hooks: list[torch.utils.hooks.RemovableHandle] = []
    for name, module in network.named_modules():
        if (channels := _channels(module)) and name:
            note(name, channels)
    try:
        with evaluating(network):
            network(torch.zeros(1, 3, size, size, device=next(network.parameters()).device))
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _channels(module: nn.Module) -> int | None:
    match module:
        case nn.Conv2d():
            return module.out_channels
        case nn.Linear():
            return module.out_features
        case nn.BatchNorm2d():
            return module.num_features
        case nn.LayerNorm():
            return math.prod(module.normalized_shape)
    return None


def _units(network: nn.Module, positions: dict[str, int]) -> list[str]:
    """Submodules that stay whole: at most one change of resolution in each, four at least."""
    units = _children(network, "")
    while True:
        mixed = [u for u in units if len(_all(positions, u) - {1}) > 2]
        if not mixed and len(units) < PARTS:
            mixed = sorted(units, key=lambda u: -_size(network, u))
        mixed = [u for u in mixed if _children(network, u)]
        if not mixed:
            return units
        place = units.index(mixed[0])
        units[place : place + 1] = _children(network, mixed[0])


def _children(network: nn.Module, name: str) -> list[str]:
    prefix = f"{name}." if name else ""
    children = network.get_submodule(name).named_children()
    return [f"{prefix}{child}" for child, module in children if _has_numbers(module)]


def _has_numbers(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None


def _all(positions: dict[str, int], unit: str) -> set[int]:
    return {n for name, n in positions.items() if name == unit or name.startswith(f"{unit}.")}


def _last(positions: dict[str, int], unit: str) -> int:
    last = [n for name, n in positions.items() if name == unit or name.startswith(f"{unit}.")]
    return last[-1] if last else 0


def _size(network: nn.Module, name: str) -> int:
    return sum(parameter.numel() for parameter in network.get_submodule(name).parameters())
