"""Genetic search: children of two good networks, fit for choices that have no order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from optunas.errors import StudyError
from optunas.samplers.proposing import Proposing, Settings
from optunas.samplers.ranking import Individual, individuals, ranked
from optunas.samplers.scene import Scene
from optunas.spaces.sight import Sight, View, look
from optunas.spaces.space import Suggests


class GeneticSampler(Proposing):
    """A genetic algorithm without generations, for one or several objectives.

    After `startup` random networks, the `population` best of all trials live; with several
    objectives the Pareto ranking of NSGA-II tells the best (Deb et al. 2002). Each parent is the
    better of two drawn at random. A child has each choice from one or the other; then each is drawn
    anew with a probability of one in the number of choices. Twins of a known network and networks
    over the limits are not born.

    Why not Optuna's `NSGAIISampler`, whose ranking this has: nothing keeps its children from being
    twins or over the limits, least of all the first, random generation; parents change once in a
    generation only, which with its default of 50 is four times in 200 trials; parameters that not
    all trials have are drawn at random; its crossovers but the uniform one, and its mutations, are
    for numbers; its random numbers go on with the process, so that a resumed search is another one.
    Its public `child_generation_strategy` could mend the first for later generations only: it is
    not told which trial asks, and is not asked for the first.

    The other arguments are those of `Proposing`. Raises StudyError for numbers that make no sense.
    """

    foresees = True

    def __init__(
        self,
        space: Suggests | Sight | None = None,
        *,
        population: int = 20,
        startup: int = 10,
        **settings: Unpack[Settings],
    ) -> None:
        super().__init__(space, **settings)
        if population < 2:
            raise StudyError(f"a child has two parents: population >= 2; got {population}")
        if startup < 1:
            raise StudyError(f"a genetic search starts with somebody: startup >= 1; got {startup}")
        self._population, self._startup = population, startup

    def propose(self, scene: Scene) -> View | None:
        """A child of two of the best."""
        found = individuals(scene)
        if not found or len(found) + scene.running < self._startup:
            return scene.random()
        alive = ranked(found)[: self._population]
        return scene.new_of(lambda: _child(scene, alive)) or scene.random()


def _child(scene: Scene, alive: Sequence[Individual]) -> View | None:
    rng = scene.rng
    mother, father = (alive[min(rng.integers(len(alive), size=2))].view.params for _ in range(2))
    names, given = {**mother, **father}, dict[str, Any]()
    for name in names:
        first, second = (mother, father) if rng.random() < 0.5 else (father, mother)
        if rng.random() >= 1 / len(names):  # else it is drawn anew
            given[name] = first[name] if name in first else second[name]
    return look(scene.sight, rng, given)
