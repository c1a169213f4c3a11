"""What our samplers share: the whole network is proposed at once, when a trial asks first."""

from __future__ import annotations

import copy
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, TypedDict

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from optunas.architecture.layer import Shape
from optunas.attributes import evaluated
from optunas.errors import StudyError
from optunas.limits import Limits
from optunas.samplers.blas import on_one_thread
from optunas.samplers.foreign import WithForeign, ask
from optunas.samplers.scene import Scene, spelling, whole_view
from optunas.samplers.views import OfTrials, Views
from optunas.spaces.draw import draw
from optunas.spaces.sight import Remembering, Sight, View, sight_of
from optunas.spaces.space import Suggests

MOMENT = timedelta(minutes=1)
FORESEEN, CROWD = 2, 16


class Settings(TypedDict, total=False):
    """The keyword arguments that all our samplers have (see `Proposing`)."""

    seed: int | None
    input_shape: Shape
    classes: int
    limits: Limits | None


class Proposing(BaseSampler, ABC):
    """An Optuna sampler with one thing left to say: `propose(scene) -> View`.

    * `space`: a search space, a function of a trial, or `objective.prospect`, which knows the
      recipe and the limits too. None: the parameters that all trials have in common.
    * `seed`: a whole number from 0 on; None draws one.
    * `input_shape`, `classes`, `limits`: what networks are seen with; not with a prospect.

    What an objective suggests beside the space, a learning rate perhaps, is part of the proposals
    as soon as trials with results have it. All is derived from the study's trials, and random
    numbers from the seed and the trial's number: any number of workers share a study, and a
    resumed search goes on as if it had not been interrupted.

    Raises StudyError for a space that is none, and a seed that is negative.
    """

    serves_several_objectives = True
    caches: ClassVar[tuple[str, ...]] = ("_lock", "_space", "_views", "_spellings", "_proposed")
    """What is not pickled: it can be found again."""

    foresees = False
    """Whether `propose` depends on the scene alone, so that one worker can tell what another one of
    the same seed, who began before and has not chosen yet, is about to choose."""

    def __init__(
        self,
        space: Suggests | Sight | None = None,
        *,
        seed: int | None = None,
        input_shape: Shape = (3, 32, 32),
        classes: int = 10,
        limits: Limits | None = None,
    ) -> None:
        if seed is not None and seed < 0:
            raise StudyError(f"a seed is a whole number from 0 on; got {seed}")
        if space is None and limits is not None:
            raise StudyError("limits are those of a space's networks: give the sampler a space too")
        self.seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
        self._given = None if space is None else sight_of(space, input_shape, classes, limits)
        self._forget()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._space = None if self._given is None else Remembering(self._given)
        self._views: dict[str, Views] = {}
        self._spellings = OfTrials(lambda trial: spelling(trial.params))
        self._proposed: dict[int, tuple[FrozenTrial, View | None]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key not in self.caches}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    @abstractmethod
    def propose(self, scene: Scene) -> View | None:
        """The network to evaluate next; None where there is none, and any will do."""

    def remembered(self, study: Study, trials: Sequence[FrozenTrial]) -> Sequence[FrozenTrial]:
        """The trials that `propose` shall see: all, unless that takes too long."""
        return trials

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Propose: which parameters there are depends on the network."""
        view = self._proposal(study, trial)
        return {} if view is None else dict(view.distributions)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The values of the proposal; at random what the search space has beside it."""
        of, view = self._proposed.get(trial.number, (None, None))
        if of is not trial:  # somebody asks without having asked for the search space
            view = self._proposal(study, trial)
        sight, given = WithForeign(None, search_space), {} if view is None else view.params
        return draw(sight.suggest, self._rng(trial, "relative"), given).params

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """A random value: a parameter that no trial before had, or that a fixed choice opened."""
        self._check(study)
        drawn = draw(lambda t: ask(t, param_name, param_distribution), self._rng(trial, param_name))
        return drawn.params[param_name]

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Forget what was proposed: it stands in the study now."""
        self._proposed.pop(trial.number, None)

    def _check(self, study: Study) -> None:
        if len(study.directions) > 1 and not self.serves_several_objectives:
            raise StudyError(
                f"{type(self).__name__} serves one objective; the study has "
                f"{len(study.directions)}: take ArchitectureSampler or GeneticSampler"
            )

    def _rng(self, trial: FrozenTrial, purpose: str = "") -> np.random.Generator:
        return np.random.default_rng((self.seed, trial.number, *purpose.encode()))

    def _proposal(self, study: Study, trial: FrozenTrial) -> View | None:
        self._check(study)
        with self._lock, on_one_thread():
            begun = study.get_trials(deepcopy=False)
            trials = self.remembered(study, begun)
            scene = self._scene(study, trial, trials)
            if scene is not None and len(trials) < len(begun):
                scene = replace(scene, spelled=self._spelled(begun, trials))
            if scene is not None and self.foresees:
                scene = scene.knowing(self._foreseen(scene, trials))
            view = None if scene is None else self._chosen(scene, begun)
            self._proposed[trial.number] = trial, view
        return view

    def _chosen(self, scene: Scene, trials: Sequence[FrozenTrial]) -> View | None:
        """What is proposed; again, where a worker of another seed was quicker with the same."""
        view = self.propose(scene) or scene.any()
        later = {
            t.number: other
            for t in trials
            if t.number > scene.number and t.number not in scene.views
            if t.state is not TrialState.WAITING and (other := self._said(scene, t)) is not None
        }
        if view is None or view.key not in {other.key for other in later.values()}:
            return view
        return self.propose(scene.knowing(later)) or view

    def _said(self, scene: Scene, trial: FrozenTrial) -> View | None:
        """The network of a trial, told or just proposed by this process."""
        if trial.number in self._proposed:
            return self._proposed[trial.number][1]
        return whole_view(scene.sight, trial.params)

    def _foreseen(self, scene: Scene, trials: Sequence[FrozenTrial]) -> dict[int, View]:
        """What the `choosers` will choose, each from what it sees, by number; of none where more
        than `FORESEEN` choose at once, or `CROWD` are at work.

        To foresee k choosers takes k + 1 proposals: among many workers that would be longer than
        until the next one begins to choose, and soon nobody would do anything else. Their random
        numbers differ, so few of them choose the same, and a twin is found before it is trained.
        """
        views: dict[int, View] = {}
        at_work = sum(trial.state is TrialState.RUNNING for trial in trials)
        if len(scene.choosers) > FORESEEN or at_work > CROWD:
            return views
        for other in scene.choosers:
            past = self._scene(scene.study, other, trials)
            view = past and self.propose(past.knowing(views))
            views |= {other.number: view} if view else {}
        return views

    def _scene(
        self, study: Study, trial: FrozenTrial, trials: Sequence[FrozenTrial]
    ) -> Scene | None:
        """None where no parameter is known yet."""
        others = _as_seen_by(trial, trials)
        foreign = self._foreign(others)
        if self._space is None and not foreign:
            return None
        view_of = self._viewer(foreign)
        views = {t.number: view for t in others if (view := view_of(t)) is not None}
        running = [t for t in others if t.state is TrialState.RUNNING and t.number not in views]
        unsaid = (self._proposed[t.number][1] for t in running if t.number in self._proposed)
        known = [*views.values(), *(view for view in unsaid if view is not None)]
        return Scene(
            study,
            trial,
            others,
            views,
            self._sight(foreign),
            self._rng(trial),
            frozenset(view.key for view in known),
            tuple(t for t in running if t.number < trial.number and t.number not in self._proposed),
            self.seed,
        )

    def _foreign(self, trials: Sequence[FrozenTrial]) -> dict[str, BaseDistribution]:
        """The parameters beside the space that all trials with results have, if of this space."""
        view_of = self._viewer({})
        told = [(trial, view_of(trial)) for trial in evaluated(trials) if trial.params]
        ours = [trial for trial, view in told if view is not None]
        names = set().union(*(view.params for _, view in told if view is not None))
        return {
            name: found
            for name, found in sorted(ours[-1].distributions.items() if ours else ())
            if name not in names and _is_plain(found)
            if all(trial.distributions.get(name) == found for trial in ours)
        }

    def _sight(self, foreign: Mapping[str, BaseDistribution]) -> Sight:
        return self._views_with(foreign).sight

    def _viewer(
        self, foreign: Mapping[str, BaseDistribution]
    ) -> Callable[[FrozenTrial], View | None]:
        """What a trial's parameters make; remembered."""
        return self._views_with(foreign).of

    def _views_with(self, foreign: Mapping[str, BaseDistribution]) -> Views:
        name = repr(foreign)
        if name not in self._views:
            own = self._space
            sight = own if own and not foreign else Remembering(WithForeign(own, foreign))
            self._views[name] = Views(sight)
        return self._views[name]

    def _spelled(
        self, trials: Sequence[FrozenTrial], looked_at: Sequence[FrozenTrial]
    ) -> frozenset[int]:
        """The parameters of the trials that were not looked at."""
        seen = {trial.number for trial in looked_at}
        return frozenset(self._spellings.of(t) for t in trials if t.number not in seen)


def _as_seen_by(trial: FrozenTrial, trials: Sequence[FrozenTrial]) -> tuple[FrozenTrial, ...]:
    """The other trials that have begun before; what ended just after this one began runs on.

    Whether a worker saw the end of a trial, or the beginning of a later one, depends on
    milliseconds; that way all workers agree on what each one knows. What ended later ended by
    another clock, or this trial waited: it counts.
    """
    begun = [
        t
        for t in trials
        if t.state is not TrialState.WAITING
        if t.number < trial.number or (t.number > trial.number and _before(t, trial))
    ]
    return tuple(_running(t) if _just_after(trial, t) else t for t in begun)


def _before(trial: FrozenTrial, other: FrozenTrial) -> bool:
    """Whether a trial ended before the other one began, which had waited in the queue."""
    ended, begun = trial.datetime_complete, other.datetime_start
    return ended is not None and begun is not None and ended <= begun


def _just_after(trial: FrozenTrial, other: FrozenTrial) -> bool:
    begun, ended = trial.datetime_start, other.datetime_complete
    return begun is not None and ended is not None and timedelta(0) < ended - begun < MOMENT


def _running(trial: FrozenTrial) -> FrozenTrial:
    running = copy.copy(trial)
    running.state = TrialState.RUNNING
    return running


def _is_plain(distribution: BaseDistribution) -> bool:
    """Of strings and numbers; other choices come back from a database as something else."""
    choices = getattr(distribution, "choices", ())
    return all(choice is None or isinstance(choice, str | int | float) for choice in choices)
