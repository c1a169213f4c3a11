"""What a sampler sees of a network before anyone builds it: its key, its features, its limits.

An Optuna sampler sees names and values. A `Sight` turns a draw of the space into a `View`; every
sampler of ours looks at candidates through one, and none of them knows which space it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.exceptions import TrialPruned
from optuna.trial import BaseTrial

from optunas.architecture import cost, features, key
from optunas.architecture.layer import Layer, Shape
from optunas.errors import OptunasError, StudyError
from optunas.limits import Limits
from optunas.spaces.draw import Draw, draw
from optunas.spaces.space import Suggests, suggestion


def _unknown(name: str) -> None:
    """No proxy is known."""


@dataclass(frozen=True)
class View:
    """A candidate as samplers see it.

    `key` is equal for equal networks that would be trained alike; `margin` is how far the network
    is over its worst limit, as a share; 0 or less is within. `costly`: looking took building a
    module, which is some hundred times as long as reading a description.
    """

    params: Mapping[str, Any]
    distributions: Mapping[str, BaseDistribution]
    key: str
    margin: float = 0.0
    costly: bool = False
    describe: Callable[[], Mapping[str, float]] = field(default=dict, repr=False, compare=False)
    judge: Callable[[str], float | None] = field(default=_unknown, repr=False, compare=False)

    @cached_property
    def features(self) -> Mapping[str, float]:
        """What the network consists of (`architecture.features`); empty where nothing is known."""
        return self.describe()

    def proxy(self, name: str) -> float | None:
        """What a zero-cost proxy (`optunas.proxies`) says of it, the greater the better.

        None where nothing is known: `params` and `macs` of any described network are,
        `objective.prospect` knows the others if it has images to look at.
        """
        return self.judge(name)

    @property
    def over(self) -> float:
        """How far it is over its worst limit; 0 within."""
        return max(self.margin, 0.0)

    @property
    def fits(self) -> bool:
        """Whether it can be built and is within the limits."""
        return self.margin <= 0


@runtime_checkable
class Sight(Protocol):
    """A search space that can be looked at. `objective.prospect` is one, with recipe and limits."""

    def suggest(self, trial: BaseTrial) -> Any:
        """Choose a candidate by `trial.suggest_*` calls; raises `ShapeError` for a misfit."""
        ...

    def view(self, drawn: Draw) -> View:
        """What is to be seen of a draw of `suggest`."""
        ...


@dataclass(frozen=True)
class SpaceSight:
    """A space, or a function of a trial, seen by itself: no data, no recipe.

    A function that writes a `torch.nn.Module` shows its parameters only, since pricing it would
    need torch; `objective.prospect` shows its cost as well.
    """

    space: Suggests
    input_shape: Shape = (3, 32, 32)
    classes: int = 10
    limits: Limits = Limits()

    def suggest(self, trial: BaseTrial) -> Any:
        return suggestion(self.space)(trial)

    def view(self, drawn: Draw) -> View:
        network = drawn.architecture
        if not isinstance(network, Layer):
            return View(drawn.params, drawn.distributions, key_of(drawn.params), costly=True)
        price = cost(network, self.input_shape, self.classes)
        margins = self.limits.margins(params=price.params, macs=price.macs)
        return View(
            drawn.params,
            drawn.distributions,
            key(network, self.input_shape, self.classes),
            max(margins.values(), default=0.0),
            describe=lambda: features(network, self.input_shape, self.classes),
            judge={"params": price.params, "macs": price.macs}.get,
        )


def sight_of(
    space: Suggests | Sight,
    input_shape: Shape = (3, 32, 32),
    classes: int = 10,
    limits: Limits | None = None,
) -> Sight:
    """The space as a sampler sees it; a `Sight` is one already and knows shape and limits."""
    if isinstance(space, Sight):
        if limits is not None:
            raise StudyError(
                f"{type(space).__name__} knows its own limits; set them where it is made"
            )
        return space
    if isinstance(space, type) or not callable(getattr(space, "suggest", space)):
        raise StudyError(
            f"a sampler needs a search space, a function of a trial, or objective.prospect; got "
            f"{space!r:.80}"
        )
    return SpaceSight(space, tuple(input_shape), classes, limits or Limits())


def look(
    sight: Sight, rng: np.random.Generator, given: Mapping[str, Any] | None = None
) -> View | None:
    """The view of a random draw, with some values given; None where nothing can be built of it."""
    if given and isinstance(sight, Remembering) and (known := sight.known(given)) is not None:
        return known
    return seen(sight, lambda: draw(sight.suggest, rng, given))


def seen(sight: Sight, make: Callable[[], Draw]) -> View | None:
    """The view of what `make` draws; None for a misfit.

    `make` is a draw, or a step of `mutate` or `neighbours`.
    """
    try:
        return viewed(sight, make())
    except (OptunasError, TrialPruned):
        return None


def viewed(sight: Sight, drawn: Draw) -> View | None:
    """The view of a draw; None for a misfit."""
    try:
        return sight.view(drawn)
    except (OptunasError, TrialPruned):
        return None


def key_of(params: Mapping[str, Any]) -> str:
    """A key of the choices alone, where there is no description."""
    text = json.dumps(dict(params), sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class Remembering:
    """A sight that looks at equal choices once: samplers meet the same networks often."""

    def __init__(self, sight: Sight, most: int = 20_000) -> None:
        self._sight, self._most = sight, most
        self._views: dict[tuple[tuple[str, Any], ...], View] = {}

    def suggest(self, trial: BaseTrial) -> Any:
        return self._sight.suggest(trial)

    def known(self, params: Mapping[str, Any]) -> View | None:
        """What these choices were seen to make, in their order, where they are all that it takes:
        to draw them again would lead to the same network."""
        return self._views.get(tuple(params.items()))

    def view(self, drawn: Draw) -> View:
        name = tuple(drawn.params.items())
        known = self._views.get(name)
        if known is None:
            if len(self._views) >= self._most:
                self._views.clear()
            known = self._views[name] = self._sight.view(drawn)
        return known
