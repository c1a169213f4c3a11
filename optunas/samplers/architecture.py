"""`ArchitectureSampler`: the search strategy that sees the networks, not only their names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Unpack

from optuna import Study
from optuna.trial import FrozenTrial

from optunas.errors import StudyError
from optunas.samplers.model.history import FEWEST, History
from optunas.samplers.model.memory import remembered
from optunas.samplers.model.prior import Prior
from optunas.samplers.model.recall import Recall
from optunas.samplers.proposing import Proposing, Settings
from optunas.samplers.scene import Scene, whole_view
from optunas.spaces.sight import Sight, View
from optunas.spaces.space import Suggests


class ArchitectureSampler(Proposing):
    """Bayesian optimisation over what networks consist of.

    A Gaussian process learns from the ranks of the results so far, over the features of each
    network (its layers, depth, paths, parameters, MACs: `architecture.features`) and the choices
    that made it, those of the recipe included. It is asked about random networks, children of the
    best, and the neighbours of what it likes best; the one with the greatest expected improvement
    is proposed. Never a network over the limits, nor one that was evaluated or is in training.

    * Pruned trials count as the completed ones that stood where they did at that epoch.
    * Other workers' running trials count as what is expected of them.
    * Constraints that only training or measuring tells (`trial.set_constraint`) are learned.
    * Several objectives are learned one by one. Of two the area that a network adds to the Pareto
      front counts, of more a weighting at random for each proposal (after ParEGO, Knowles 2006).
    * Of a study beyond a thousand trials it looks at the best, the newest and some between.
    * Earlier studies (`warm_start`) and guesses (`guess`) are taken from the study's attributes.

    `startup`: so many random networks come first, unless an earlier study makes up for them. The
    other arguments are those of `Proposing`. Where nothing new is left (a small space that is
    evaluated throughout), networks come again.
    """

    foresees = True
    caches: ClassVar[tuple[str, ...]] = (*Proposing.caches, "_recall")

    def __init__(
        self,
        space: Suggests | Sight | None = None,
        *,
        startup: int = 10,
        **settings: Unpack[Settings],
    ) -> None:
        if startup < 1:
            raise StudyError(f"a model needs at least 1 random trial; got startup={startup}")
        super().__init__(space, **settings)
        self._startup = startup

    def _forget(self) -> None:
        super()._forget()
        self._recall = Recall()

    def remembered(self, study: Study, trials: Sequence[FrozenTrial]) -> Sequence[FrozenTrial]:
        """Some of a long study's trials (`model.memory`)."""
        return remembered(trials, study.directions)

    def propose(self, scene: Scene) -> View | None:
        """The network that promises most."""
        history = History.of(scene, self._recall.reported)
        attributes = scene.study.user_attrs
        prior = Prior.of(attributes, partial(whole_view, scene.sight))
        begun = len(history.views) + scene.running
        if prior.sources or (begun >= self._startup and len(history.views) >= FEWEST):
            from optunas.samplers.model.proposal import promising  # the model needs scipy

            return promising(scene, history, prior, self._recall)
        drawn = [scene.random() for _ in range(8 if prior.guesses else 1)]
        views = [view for view in drawn if view is not None]
        return max(views, key=lambda view: prior.pull(view, len(history.views)), default=None)
