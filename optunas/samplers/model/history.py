"""A study as the model sees it: networks with results, and networks in training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from optunas.pruners import reported
from optunas.ranks import Array
from optunas.samplers.model.memory import settled, stretch
from optunas.samplers.model.targets import Curve, Result, Weighting, results, scores
from optunas.samplers.scene import Scene
from optunas.spaces.sight import View

FEWEST = 3  # results, below which there is nothing to model


@dataclass(frozen=True)
class History:
    """What a study's trials tell.

    `views`, `results` and `constraints` go together: first what is in `settled`, all that had ended
    when this stretch of trials began (`memory.stretch`), then the others; each by number. `running`
    are the networks of trials that began before: those that begin later mind this one.
    """

    views: tuple[View, ...]
    results: tuple[Result, ...]
    constraints: tuple[Mapping[str, float], ...]
    running: tuple[View, ...]
    earlier: History | None = None

    @classmethod
    def of(cls, scene: Scene, read: Callable[[FrozenTrial], Curve] = reported) -> History:
        """The study as a trial finds it. `read`: what a trial reported."""
        begin = stretch(scene.number)
        before = [] if begin == scene.number else settled(scene.trials, begin)
        if before:
            earlier = cls._told(scene, before, read)
            first = {trial.number for trial in before}
            trials = sorted(scene.trials, key=lambda t: (t.number not in first, t.number))
            return replace(cls._told(scene, trials, read), earlier=earlier)
        return cls._told(scene, scene.trials, read)

    @classmethod
    def _told(
        cls, scene: Scene, trials: Sequence[FrozenTrial], read: Callable[[FrozenTrial], Curve]
    ) -> History:
        known = results(trials, scene.study.directions, read)
        told = [t for t in trials if t.number in known and t.number in scene.views]
        return cls(
            tuple(scene.views[t.number] for t in told),
            tuple(known[t.number] for t in told),
            tuple(t.constraints for t in told),
            tuple(
                scene.views[t.number]
                for t in trials
                if t.state is TrialState.RUNNING and t.number < scene.number
                if t.number in scene.views
            ),
        )

    @property
    def settled(self) -> History:
        """What had ended when this stretch of trials began; all, where that says too little."""
        return self.earlier if self.earlier and len(self.earlier.views) >= FEWEST else self

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
