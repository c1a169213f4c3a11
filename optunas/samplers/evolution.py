"""Regularized evolution: mutations of the young and good."""

from __future__ import annotations

from typing import Unpack

from optunas.errors import StudyError
from optunas.samplers.proposing import Proposing, Settings
from optunas.samplers.ranking import individuals, ranked
from optunas.samplers.scene import Scene
from optunas.spaces.sight import Sight, View
from optunas.spaces.space import Suggests


class RegularizedEvolutionSampler(Proposing):
    """Regularized (ageing) evolution (Real et al. 2019, arXiv:1802.01548), also called REA.

    After `startup` random networks, the `population` youngest trials with a result live, however
    good older ones were. Of `sample` of them, drawn with replacement, the best has a child: its
    network with one choice changed. Real et al. had 100, 100 and 25 for 20,000 evaluations; the
    defaults are those of naszilla (White et al. 2021, arXiv:1910.11858), for some hundred.

    What the papers do not say: children are new networks within the limits; a trial's number is its
    age; networks that broke constraints count as worse than all that did not, pruned trials as
    worse than completed ones; of several objectives the Pareto ranking of NSGA-II tells the best.

    The other arguments are those of `Proposing`. Raises StudyError for numbers that make no sense.
    """

    foresees = True

    def __init__(
        self,
        space: Suggests | Sight | None = None,
        *,
        population: int = 30,
        sample: int = 10,
        startup: int = 10,
        **settings: Unpack[Settings],
    ) -> None:
        super().__init__(space, **settings)
        if not 1 <= sample <= population:
            raise StudyError(
                "evolution takes the best of a sample of its population: 1 <= sample <= "
                f"population; got sample={sample}, population={population}"
            )
        if startup < 1:
            raise StudyError(f"evolution starts with somebody: startup >= 1; got {startup}")
        self._population, self._sample, self._startup = population, sample, startup

    def propose(self, scene: Scene) -> View | None:
        """A child of the best of a sample."""
        found = individuals(scene)
        if not found or len(found) + scene.running < self._startup:
            return scene.random()
        alive = ranked(found[-self._population :])

        def child() -> View | None:
            parent = alive[min(scene.rng.integers(len(alive), size=self._sample))]
            return scene.mutated(parent.view.params)

        return scene.new_of(child) or scene.random()
