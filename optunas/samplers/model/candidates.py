"""Which networks are worth a look: random ones, children and neighbours of the best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from optuna.exceptions import TrialPruned

from optunas.errors import OptunasError
from optunas.samplers.scene import Scene
from optunas.spaces.draw import Draw
from optunas.spaces.neighbours import mutate
from optunas.spaces.sight import View, look, viewed

RANDOM = 120
PARENTS = 8
CHILDREN = 20
NEIGHBOURS = 40
COSTLY = 10  # so many times fewer, where a look takes building a module
STEPS = (1, 1, 2, 3)
"""How many choices a child differs in, each as likely."""


@dataclass
class Pool:
    """Different new networks within their limits, by key."""

    scene: Scene
    views: dict[str, View] = field(default_factory=dict)
    divisor: int = 1

    def fill(self, parents: Sequence[View]) -> None:
        """Random networks, children of the first parents, neighbours of the first of all."""
        self.divisor = COSTLY if any(view.costly for view in parents[:1]) else 1
        self._add(look(self.scene.sight, self.scene.rng) for _ in range(RANDOM // self.divisor))
        for parent in parents[:PARENTS]:
            self._add(self._child(parent.params) for _ in range(CHILDREN // self.divisor))
        if parents:
            self.around(parents[0])
        if not self.views:  # limits that random draws don't meet
            self._add([self.scene.random()])

    def around(self, view: View) -> list[View]:
        """Add neighbours of a network, some where there are many; gives the new ones."""
        return self._add(self.scene.around(view, self.scene.rng, NEIGHBOURS // self.divisor))

    def _child(self, params: Mapping[str, Any]) -> View | None:
        """A network that differs from the one of `params` in one to three choices."""
        sight, rng = self.scene.sight, self.scene.rng
        drawn: list[Draw] = []
        with suppress(OptunasError, TrialPruned):  # a step that makes no network is the last
            for _ in range(STEPS[rng.integers(len(STEPS))]):
                drawn.append(mutate(sight.suggest, params, rng))
                params = drawn[-1].params
        views = (viewed(sight, one) for one in reversed(drawn))
        return next((view for view in views if view is not None), None)

    def _add(self, views: Iterable[View | None]) -> list[View]:
        new = []
        for view in views:
            if view is not None and self.scene.is_new(view) and view.key not in self.views:
                self.views[view.key] = view
                new.append(view)
        return new
