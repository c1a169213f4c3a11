"""A study as the model sees it: networks with results, and networks in training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from optuna.trial import TrialState

from optunas.ranks import Array
from optunas.samplers.model.targets import Result, Weighting, results, scores
from optunas.samplers.scene import Scene
from optunas.spaces.sight import View


@dataclass(frozen=True)
class History:
    """What a study's trials tell, in their order.

    `views`, `results` and `constraints` go together; `running` are the networks of
    trials that began before: those that begin later mind this one.
    """

    views: tuple[View, ...]
    results: tuple[Result, ...]
    constraints: tuple[Mapping[str, float], ...]
    running: tuple[View, ...]

    @classmethod
    def of(cls, scene: Scene) -> History:
        """Read the study as a trial finds it."""
        known = results(scene.trials, scene.study.directions)
        told = [t for t in scene.trials if t.number in known and t.number in scene.views]
        return cls(
            tuple(scene.views[t.number] for t in told),
            tuple(known[t.number] for t in told),
            tuple(t.constraints for t in told),
            tuple(
                scene.views[t.number]
                for t in scene.trials
                if t.state is TrialState.RUNNING and t.number < scene.number
                if t.number in scene.views
            ),
        )

    @cached_property
    def feasible(self) -> list[bool]:
        """Which of the networks with results met all their constraints."""
        return [all(value <= 0 for value in one.values()) for one in self.constraints]

    @cached_property
    def targets(self) -> Array:
        """(n, objectives) normal scores."""
        return scores(self.results) if self.results else np.zeros((0, 1))

    def best(self, weighting: Weighting) -> list[View]:
        """The networks with results, feasible ones first, then by weighted target."""
        feasible, value = self.feasible, weighting(self.targets)
        order = sorted(range(len(value)), key=lambda i: (not feasible[i], -value[i]))
        return [self.views[i] for i in order]
