"""One proposal: believe, look around, choose what promises most."""

from __future__ import annotations

from collections.abc import Sequence

from optunas.samplers.model.belief import Belief
from optunas.samplers.model.candidates import Pool
from optunas.samplers.model.history import History
from optunas.samplers.model.prior import Prior
from optunas.samplers.model.recall import Recall
from optunas.samplers.model.targets import Weighting
from optunas.samplers.scene import Scene
from optunas.spaces.sight import View

CLIMBS = 2
CLIMBERS = 3
DIGITS = 4


def promising(scene: Scene, history: History, prior: Prior, recall: Recall) -> View | None:
    """The network that the model expects most of, among random ones and those around the best.

    None where every network that could be found is taken or over the limits.
    """
    weighting = Weighting.drawn(len(scene.study.directions), scene.rng)
    pool = Pool(scene, recall)
    pool.fill(history.best(weighting) or prior.best)
    if not pool.views:
        return None
    belief = Belief(history, prior, weighting, list(pool.views.values()), recall)
    promise = _valued(belief, list(pool.views.values()))
    for _ in range(CLIMBS):
        for view, _ in _ranked(promise)[:CLIMBERS]:
            promise += _valued(belief, pool.around(view))
    return _ranked(promise)[0][0]


def _valued(belief: Belief, views: Sequence[View]) -> list[tuple[View, float]]:
    return list(zip(views, belief.promise(views).tolist(), strict=True)) if views else []


def _ranked(promise: Sequence[tuple[View, float]]) -> list[tuple[View, float]]:
    # the last digits differ between processes, where memory lies otherwise; who wins must not
    return sorted(promise, key=lambda one: (-round(one[1], DIGITS), one[0].key))
