"""What a search must beat: networks of the field, as large as the same limits allow.

A ResNet-18 and a MobileNetV3, narrowed until they are within the limits, and, where weights lie on
this machine already, the largest pretrained backbone that is. Where neither computation nor latency
is limited they are no costlier than the costliest network that the search trained: their training
must end some day, too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from optuna.trial import FixedTrial, FrozenTrial
from torch.hub import get_dir

from optunas.architecture import Layer
from optunas.attributes import evaluated, number
from optunas.delivery.race import Entrant
from optunas.errors import OptunasError, ShapeError
from optunas.limits import Limits
from optunas.metrics import MEASURED
from optunas.objective import Candidate, Objective
from optunas.objective.candidate import propose
from optunas.objective.failure import free_memory
from optunas.objective.measured import measured
from optunas.references.scaled import WIDTHS, mobilenet_v3_like, resnet18_like
from optunas.spaces import Backbone
from optunas.training import Recipe

_log = logging.getLogger("optunas")

LIKE: tuple[tuple[str, Callable[[int, float], Layer]], ...] = (
    ("ResNet-18-like", resnet18_like),
    ("MobileNetV3-like", mobilenet_v3_like),
)
KINDS = tuple(name for name, _ in LIKE)
PRETRAINED = ("efficientnet_b0", "resnet18", "mobilenet_v3_large", "mobilenet_v3_small")
"""The best first, by torchvision's table of their accuracy on ImageNet."""

GENTLER = 10  # times lower is the rate at which pretrained weights go on learning


def baselines(
    objective: Objective, trials: Iterable[FrozenTrial], recipe: Recipe
) -> Iterator[Entrant]:
    """Those that fit the images and the limits, to be trained by this recipe."""
    limits = _limits(objective.limits, trials)
    for name, make in LIKE:
        found = _widest(name, make, objective, limits, recipe)
        if found is not None:
            yield found
    yield from _pretrained(objective, limits, recipe)


def _limits(limits: Limits, trials: Iterable[FrozenTrial]) -> Limits:
    """The limits, and one on computation where there is none of time."""
    if limits.macs is not None or limits.latency_ms is not None:
        return limits
    known = [macs for trial in evaluated(trials) if (macs := number(trial, "macs"))]
    return replace(limits, macs=round(max(known))) if known else limits


def _widest(
    name: str,
    make: Callable[[int, float], Layer],
    objective: Objective,
    limits: Limits,
    recipe: Recipe,
) -> Entrant | None:
    """The widest within the limits; None where none is, or the images are too small."""
    side = min(objective.data.input_shape[1:])
    for width in WIDTHS:
        with suppress(ShapeError):
            network = make(side, width)
            found = _within(name, lambda trial, n=network: n, objective, limits, recipe)
            if found is not None:
                return found
    return None


def _within(
    name: str,
    space: Any,
    objective: Objective,
    limits: Limits,
    recipe: Recipe,
    params: Mapping[str, Any] = {},
) -> Entrant | None:
    """The network that a space has for these parameters, if it is within the limits."""
    data = objective.data
    trial = FixedTrial(dict(params))
    candidate = propose(space, recipe, trial, data.input_shape, len(data.classes))
    costs: dict[str, float] = {"params": candidate.params, "macs": candidate.macs}
    if not _meets(limits, costs):
        return None
    costs |= _measured(candidate, objective, limits)
    return Entrant(name, candidate, recipe, values=costs) if _meets(limits, costs) else None


def _meets(limits: Limits, costs: Mapping[str, float]) -> bool:
    return all(margin <= 0 for margin in limits.margins(**costs).values())


def _measured(candidate: Candidate, objective: Objective, limits: Limits) -> dict[str, float]:
    """What must be measured: for the limits, and for the objectives."""
    wanted = {name for name, _ in limits} | set(objective.metrics)
    names = [name for name in MEASURED if name in wanted]
    if not names:
        return {}
    network = candidate.build(objective.seed, torch.device(objective.device))
    network.to(memory_format=torch.channels_last)
    data, recipe = objective.data, candidate.recipe
    try:
        return {name: measured(name, network, data, recipe)[name] for name in names}
    finally:
        del network
        free_memory(objective.device)


def _pretrained(objective: Objective, limits: Limits, recipe: Recipe) -> Iterator[Entrant]:
    """The first backbone whose weights are at hand and that is within the limits."""
    gentle = replace(recipe, lr=recipe.lr / GENTLER)
    for model in PRETRAINED:
        weights = _at_hand(model)
        if weights is None or objective.data.input_shape[0] not in (1, 3):
            continue
        space = Backbone(objective.data, models=(model,), weights={model: str(weights)})
        name = f"pretrained {model}"
        try:
            found = _within(name, space, objective, limits, gentle, space.baseline())
            if found is not None:
                found.candidate.build(objective.seed, torch.device("cpu"))  # reads the weights
        except OptunasError as error:  # a damaged download, say: no reason to deliver nothing
            _log.warning("%s does not take part: %s", name, error)
            continue
        if found is not None:
            yield found
            return


def _at_hand(model: str) -> Path | None:
    """The file that torchvision has downloaded, if it has."""
    files = sorted((Path(str(get_dir())) / "checkpoints").glob(f"{model}-*.pth"))
    return files[0] if files else None
