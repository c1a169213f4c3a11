"""What a sampler finds when a trial asks it: the study's trials, each as the network it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any

import numpy as np
from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from optunas.spaces.draw import draw
from optunas.spaces.neighbours import changes, mutate
from optunas.spaces.sight import Sight, View, look, seen

DRAWS = 300
"""So many networks are looked at in search of one that fits and is new, in each way to find one."""


@dataclass(frozen=True)
class Scene:
    """The study as `trial` finds it; made anew for every proposal.

    * `trials`: all others that have begun, by number; what ended just after this one began runs;
    * `views`: their networks by number, where all choices are made and this space can make them;
    * `sight`: the search space, with the parameters that are suggested beside it;
    * `rng`: random numbers that belong to this trial alone;
    * `taken`: the keys of `views`, and of what this process has just proposed to other trials;
    * `choosers`: trials that began before this one and have not chosen yet: other workers that are
      about to see the same study;
    * `seed`: the sampler's, for random numbers that several trials share;
    * `spelled`: the parameters of trials that were not looked at, in a long study.
    """

    study: Study
    trial: FrozenTrial
    trials: tuple[FrozenTrial, ...]
    views: Mapping[int, View]
    sight: Sight
    rng: np.random.Generator
    taken: frozenset[str]
    choosers: tuple[FrozenTrial, ...]
    seed: int
    spelled: frozenset[int] = frozenset()

    @property
    def number(self) -> int:
        """That of the trial."""
        return self.trial.number

    @property
    def running(self) -> int:
        """How many trials before this one are still running."""
        earlier = (trial for trial in self.trials if trial.number < self.number)
        return sum(trial.state is TrialState.RUNNING for trial in earlier)

    def knowing(self, views: Mapping[int, View]) -> Scene:
        """The same, with the networks of some trials that have not told theirs."""
        keys = frozenset(view.key for view in views.values())
        return replace(self, views={**self.views, **views}, taken=self.taken | keys)

    def view_of(self, trial: FrozenTrial) -> View | None:
        """The network of one of `trials`; None where it is not known."""
        return self.views.get(trial.number)

    def is_new(self, view: View | None) -> bool:
        """Whether it can be proposed: within the limits, and nobody had it."""
        if view is None or not view.fits or view.key in self.taken:
            return False
        return not self.spelled or spelling(view.params) not in self.spelled

    def new_of(self, make: Callable[[], View | None], tries: int = DRAWS) -> View | None:
        """The first new network that `make` makes."""
        return self.first_new(make() for _ in range(tries))

    def first_new(self, views: Iterable[View | None]) -> View | None:
        """The first new one of `views`."""
        return next((view for view in views if self.is_new(view)), None)

    def mutated(self, params: Mapping[str, Any]) -> View | None:
        """One choice changed at random, be it active or not; None for a misfit."""
        return seen(self.sight, partial(mutate, self.sight.suggest, params, self.rng, tries=1))

    def around(
        self, view: View, rng: np.random.Generator, most: int | None = None
    ) -> Iterator[View | None]:
        """The networks that are one changed choice away, in random order; None for misfits."""
        steps = list(changes(view.distributions, view.params))
        for i in rng.permutation(len(steps))[:most]:
            name, value = steps[i]
            yield look(self.sight, rng, {**view.params, name: value})

    def random(self) -> View | None:
        """A new network at random; None where none was found.

        Where draws are over the limits or taken, a walk from the best of them, a changed choice at
        a time and never further over the limits, leads to what there is.
        """
        best = None
        for _ in range(DRAWS):
            view = look(self.sight, self.rng)
            if self.is_new(view):
                return view
            best = _closer(best, view)
        return None if best is None else self.walk(best)

    def walk(self, view: View) -> View | None:
        """The first new network on a walk that never goes further over the limits."""
        for _ in range(DRAWS):
            view = _closer(view, self.mutated(view.params)) or view
            if self.is_new(view):
                return view
        return None

    def any(self) -> View | None:
        """A network for a space that has nothing new: a known one that fits, be it a twin.

        Without one, that of some random draws which is least over the limits.
        """
        known = [view for view in self.views.values() if view.fits]
        if known:
            return known[self.rng.integers(len(known))]
        return reduce(_closer, (look(self.sight, self.rng) for _ in range(DRAWS)), None)


def spelling(params: Mapping[str, Any]) -> int:
    """Parameters as something to compare: there may be many thousands."""
    try:
        return hash(frozenset(params.items()))
    except TypeError:  # a list
        return hash(repr(sorted(params.items())))


def whole_view(sight: Sight, params: Mapping[str, Any]) -> View | None:
    """The network of these parameters; None where they do not make every choice of one."""
    view = seen(sight, partial(draw, sight.suggest, np.random.default_rng(0), params))
    whole = view is not None and view.params.items() <= params.items()
    return view if whole else None


def _closer(view: View | None, other: View | None) -> View | None:
    """The one that is less over the limits; `other` where both are as much, or within."""
    if view is None or other is None:
        return view or other
    return view if view.over < other.over else other
