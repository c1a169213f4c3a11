"""A candidate: what one trial proposes, priced, and not yet built.

A search space describes its network, so the price is a matter of arithmetic. A person's own
function `trial -> nn.Module` writes it, so the network is built on the meta device, without memory,
and counted there. After this file nobody needs to know which of the two it was.
"""

from __future__ import annotations

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from optuna.trial import BaseTrial
from torch import nn
from torch.nn.parameter import UninitializedParameter

from optunas.architecture import Architecture, cost, key
from optunas.architecture.layer import Layer, Shape
from optunas.errors import OptunasError, ShapeError, StudyError
from optunas.nn import build
from optunas.nn.count import count
from optunas.spaces import Space
from optunas.spaces.space import suggestion
from optunas.training.recipe import Recipe
from optunas.training.recipe_space import RecipeSpace

Suggest = Space | Callable[[BaseTrial], "Architecture | nn.Module"]
"""A search space, or a function of a trial that gives a description or a network."""


@dataclass(frozen=True)
class Candidate(ABC):
    """A network to be evaluated and the recipe to train it by."""

    recipe: Recipe
    key: str
    params: int
    macs: int

    @property
    def architecture(self) -> Architecture | None:
        """The description, where there is one."""
        return None

    @abstractmethod
    def build(self, seed: int, device: torch.device) -> nn.Module:
        """The network with its first weights. x: (B, C, H, W) -> logits (B, classes)."""


@dataclass(frozen=True)
class Described(Candidate):
    """A candidate from a search space."""

    description: Architecture
    input_shape: Shape
    classes: int

    @property
    def architecture(self) -> Architecture:
        return self.description

    def build(self, seed: int, device: torch.device) -> nn.Module:
        return build(self.description, self.input_shape, self.classes, seed=seed, device=device)


@dataclass(frozen=True)
class Written(Candidate):
    """A candidate from a person's own function, which is called again to build it in earnest."""

    write: Callable[[], nn.Module]
    input_shape: Shape

    def build(self, seed: int, device: torch.device) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = self.write()
            if any(isinstance(p, UninitializedParameter) for p in network.parameters()):
                count(network, self.input_shape)  # a lazy module takes shape at the first call
            return network.to(device)


def propose(
    space: Suggest,
    recipe: Recipe | RecipeSpace,
    trial: BaseTrial,
    input_shape: Shape,
    classes: int,
) -> Candidate:
    """Let the trial choose a network and a recipe, and price the network.

    Raises `ShapeError` where the network can't be built for these inputs.
    """
    suggest = suggester(space)
    trained_by = recipe if isinstance(recipe, Recipe) else recipe.suggest(trial)
    network, on_meta = _on_meta(lambda: _suggested(suggest, trial))
    if isinstance(network, Layer):
        price = cost(network, input_shape, classes)
        if price.output_shape != (classes,):
            raise ShapeError(
                f"a classifier of {classes} classes must end in ({classes},) logits; this one ends "
                f"in {price.output_shape}: end it with GlobalPool() and Linear()"
            )
        name = key(network, input_shape, classes)
        return Described(trained_by, name, price.params, price.macs, network, input_shape, classes)
    write = partial(_suggested, suggest, trial)
    network, (params, macs) = _priced(network, write if on_meta else None, input_shape, classes)
    name = _written_key(network, trial.params)
    return Written(trained_by, name, params, macs, write, input_shape)


def suggester(space: Suggest) -> Callable[[BaseTrial], Any]:
    """The function of a trial that a space is, or has; raises `StudyError` for anything else."""
    suggest = suggestion(space)
    if not callable(suggest) or isinstance(space, type):
        made = f"; make one: {space.__name__}()" if isinstance(space, type) else ""
        raise StudyError(
            "a search space has a method suggest(trial), or is a function trial -> nn.Module; "
            f"got {space!r}{made}"
        )
    return suggest


def _suggested(suggest: Callable[[BaseTrial], Any], trial: BaseTrial) -> Any:
    network = suggest(trial)
    if not isinstance(network, Layer | nn.Module):
        raise StudyError(
            "a search space returns an architecture (optunas.architecture) or a torch.nn.Module; "
            f"{getattr(suggest, '__qualname__', suggest)} returned {network!r:.80}"
        )
    return network


def _on_meta(write: Callable[[], Any]) -> tuple[Any, bool]:
    """What `write` makes, without memory; on the CPU where its code needs real numbers."""
    try:
        with torch.device("meta"):
            return write(), True
    except _NEEDS_NUMBERS:
        with torch.random.fork_rng(devices=[]):
            return write(), False


_NEEDS_NUMBERS = (NotImplementedError, RuntimeError, TypeError)
"""What torch raises where somebody asks a tensor without memory for its numbers."""


def _priced(
    network: nn.Module, write: Callable[[], nn.Module] | None, shape: Shape, classes: int
) -> tuple[nn.Module, tuple[int, int]]:
    """The network, with parameters and MACs; made again where this one needs real numbers."""
    try:
        return network, _counted(network, shape, classes)
    except _NEEDS_NUMBERS:
        if write is None:
            raise
    with torch.random.fork_rng(devices=[]):
        again = write()
        return again, _counted(again, shape, classes)


def _counted(network: nn.Module, shape: Shape, classes: int) -> tuple[int, int]:
    answer: list[Any] = []
    hook = network.register_forward_hook(lambda module, inputs, output: answer.append(output))
    try:
        price = count(network, shape)
    finally:
        hook.remove()
    given = tuple(answer[-1].shape) if isinstance(answer[-1], torch.Tensor) else type(answer[-1])
    if given != (1, classes):
        raise ShapeError(
            f"a network for {classes} classes turns one image into logits of shape (1, {classes}); "
            f"this one gave {given}"
        )
    return price


def _written_key(network: nn.Module, params: dict[str, Any]) -> str:
    """Equal for equal choices in equal code: what a network computes can't be read off a module."""
    chosen = {name: value for name, value in params.items() if not name.startswith("recipe.")}
    shapes = {n: list(getattr(v, "shape", ())) for n, v in network.state_dict().items()}
    said = re.sub(r"0x[0-9a-fA-F]+", "", repr(network))  # addresses differ between processes
    text = json.dumps([chosen, said, shapes], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def check_choices(distributions: dict[str, Any]) -> None:
    """Choices must be strings and numbers: others come back from a database as something else."""
    for name, distribution in distributions.items():
        for choice in getattr(distribution, "choices", ()):
            if not isinstance(choice, str | int | float | bool | None):
                raise OptunasError(
                    "choices must be strings and numbers, which every storage gives back as they "
                    f"were; {name!r} has {choice!r}: suggest a name for it and look it up"
                )
