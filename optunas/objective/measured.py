"""Costs that only the built network can tell, measured on its device: once for equal networks.

Measuring takes a fifth of a second and two training steps. The same network is met again by
another recipe, without `reuse`, or in a trial that goes on: what an earlier trial of the study
found is then taken over. The rest is torch's business: see `nn.latency`, `nn.memory` and
`training.memory`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from optuna.trial import Trial
from torch import nn

from optunas.data import Data
from optunas.nn.latency import latency
from optunas.nn.memory import inference_memory_mb
from optunas.nn.passes import device_of
from optunas.training import Recipe
from optunas.training.memory import training_memory_mb
from optunas.training.precision import autocast

FACTS: Mapping[str, tuple[str, ...]] = {
    "latency_ms": ("latency_ms", "latency_iqr_ms", "latency_batch"),
    "memory_mb": ("memory_mb",),
    "inference_memory_mb": ("inference_memory_mb",),
}
"""The user attributes that a measurement writes, by the metric that asks for it."""

WRITTEN = tuple(name for names in FACTS.values() for name in names)

SAME = ("key", "device", "input_shape", "classes")
"""The attributes of which an earlier trial must have the same; of its recipe the precision too."""

NO_MATTER = ("epochs", "lr", "weight_decay", "schedule", "train_fraction")
"""What else two recipes may differ in where a training step takes the same memory."""


def measure(
    trial: Trial, names: Iterable[str], network: nn.Module, data: Data, recipe: Recipe
) -> dict[str, float]:
    """The costs of these names, which the trial's attributes then hold, with what belongs to them.

    The network is on its device, and gets the order of memory that it is trained in. The trial's
    attributes say already what it evaluates.
    """
    network.to(memory_format=torch.channels_last)
    costs: dict[str, float] = {}
    for name in names:
        facts = _found(trial, name) or measured(name, network, data, recipe)
        for fact, value in facts.items():
            trial.set_user_attr(fact, value)
        costs[name] = facts[name]
    return costs


def measured(name: str, network: nn.Module, data: Data, recipe: Recipe) -> dict[str, Any]:
    """What a network costs in this way, with what belongs to it, by the names of `FACTS`."""
    if name == "memory_mb":
        return {name: training_memory_mb(network, data, recipe)}
    within = autocast(device_of(network), recipe.precision)
    if name == "inference_memory_mb":
        return {name: inference_memory_mb(network, data.input_shape, within=within)}
    found = latency(network, data.input_shape, within=within)
    return dict(zip(FACTS[name], (found.median_ms, found.iqr_ms, found.batch), strict=True))


def _found(trial: Trial, name: str) -> dict[str, Any] | None:
    """What a trial of the study knows of an equal network; this one too, if it goes on."""
    mine = _circumstances(trial.user_attrs, name)
    for other in trial.study.get_trials(deepcopy=False):
        known = other.user_attrs
        if all(fact in known for fact in FACTS[name]) and _circumstances(known, name) == mine:
            return {fact: known[fact] for fact in FACTS[name]}
    return None


def _circumstances(known: Mapping[str, Any], name: str) -> tuple[Any, ...]:
    """What a measurement depends on."""
    same = tuple(known.get(attribute) for attribute in SAME)
    recipe = known.get("recipe")
    if not isinstance(recipe, dict):
        return same
    if name != "memory_mb":
        return (*same, recipe.get("precision"))
    return (*same, known.get("data"), {k: v for k, v in recipe.items() if k not in NO_MATTER})
