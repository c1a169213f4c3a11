"""Which networks are worth a look: random ones, children and neighbours of the best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from optunas.samplers.model.memory import stretch
from optunas.samplers.model.recall import Recall
from optunas.samplers.scene import Scene
from optunas.spaces.neighbours import changes
from optunas.spaces.sight import View, look

RANDOM = 120
PARENTS = 8
CHILDREN = 20
NEIGHBOURS = 24
COSTLY = 10  # so many times fewer, where a look takes building a module
STEPS = (1, 1, 2, 3)
"""How many choices a child differs in, each as likely."""
IDLE = 2  # changes of a choice that change nothing, after which it is one that the network ignores


@dataclass
class Pool:
    """Different new networks within their limits, by key."""

    scene: Scene
    recall: Recall
    views: dict[str, View] = field(default_factory=dict)
    divisor: int = 1

    def fill(self, parents: Sequence[View]) -> None:
        """Random networks, children of the first parents, neighbours of the first of all."""
        self.divisor = COSTLY if any(view.costly for view in parents[:1]) else 1
        strangers = self._strangers()
        self._add(strangers)
        for parent in parents[:PARENTS]:
            self._add(self._children(parent, strangers))
        if parents:
            self.around(parents[0])
        if not self.views:  # limits that random draws don't meet
            self._add([self.scene.random()])

    def around(self, view: View) -> list[View]:
        """Add neighbours of a network, some where there are many; gives the new ones."""
        return self._add(self._neighbours(view))

    def _strangers(self) -> Sequence[View]:
        """Random networks, the same ones throughout a stretch of trials."""
        scene, begin = self.scene, stretch(self.scene.number)
        return self.recall.drawn(scene.sight, (scene.seed, begin), RANDOM // self.divisor)

    def _children(self, parent: View, strangers: Sequence[View]) -> Iterator[View | None]:
        """Networks that differ from a parent in one to three choices, which are as a stranger's."""
        rng, heeded = self.scene.rng, self._heeded(parent)
        for _ in range(CHILDREN // self.divisor if strangers else 0):
            params = strangers[int(rng.integers(len(strangers)))].params
            others = [n for n in heeded if n in params and params[n] != parent.params[n]]
            chosen = rng.permutation(len(others))[: STEPS[rng.integers(len(STEPS))]]
            changed = {others[i]: params[others[i]] for i in chosen}
            yield look(self.scene.sight, rng, {**parent.params, **changed})

    def _neighbours(self, view: View) -> Iterator[View | None]:
        """Networks one choice away, in random order; choices that change nothing are left alone."""
        rng, steps = self.scene.rng, list(changes(view.distributions, view.params))
        idle: Counter[str] = Counter()
        left = NEIGHBOURS // self.divisor
        for i in rng.permutation(len(steps)):
            name, value = steps[i]
            if not left:
                return
            if idle[name] < IDLE:
                other = look(self.scene.sight, rng, {**view.params, name: value})
                if other is not None and other.key == view.key:
                    idle[name] += 1
                else:
                    left -= 1
                    yield other

    def _heeded(self, view: View) -> list[str]:
        """The choices that a network does not ignore, as far as some looks tell."""
        steps: dict[str, list[Any]] = {}
        for name, value in changes(view.distributions, view.params):
            steps.setdefault(name, []).append(value)
        if view.costly:
            return list(steps)
        return [name for name, values in steps.items() if not self._ignored(view, name, values)]

    def _ignored(self, view: View, name: str, values: Sequence[Any]) -> bool:
        """Whether the first and the last of other values change nothing."""
        rng = np.random.default_rng(0)
        looks = (look(self.scene.sight, rng, {**view.params, name: values[i]}) for i in (0, -1))
        return all(other is not None and other.key == view.key for other in looks)

    def _add(self, views: Iterable[View | None]) -> list[View]:
        new = []
        for view in views:
            if view is not None and self.scene.is_new(view) and view.key not in self.views:
                self.views[view.key] = view
                new.append(view)
        return new
