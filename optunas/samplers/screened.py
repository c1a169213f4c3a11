"""`Screened`: any sampler, whose useless proposals are drawn again before anything is built."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from optunas.architecture.layer import Shape
from optunas.errors import StudyError
from optunas.limits import Limits
from optunas.samplers.proposing import Proposing
from optunas.samplers.scene import Scene
from optunas.samplers.screen import Screen
from optunas.spaces.draw import MISSING, Draw, DrawnTrial, held
from optunas.spaces.sight import Sight, View, look, seen
from optunas.spaces.space import Suggests

REDRAWS = 10  # times that the sampler is asked
STUBBORN = 2  # equal answers in a row: its state decides, not chance
LAST = 100  # random networks, where nothing else helped
DRAWS = 16  # networks that a proxy chooses among


class Screened(Proposing):
    """Passes proposals of `sampler` on that are within the limits and new: not evaluated before,
    nor running, by the network's canonical key.

    Others are drawn again: `sampler` is asked up to `REDRAWS` times, fewer where it gives the same
    answer always; then its proposal is changed, a choice at a time, towards the limits and away
    from what is known; then networks are random. A space where all that fits is taken has nothing
    new to give: there the sampler's own proposal is passed on, a twin.

    * `space`: a search space, a function of a trial, or `objective.prospect`, which knows the
      recipe and the limits too;
    * `limits`: parameters and MACs; what only a built network shows is the objective's affair;
    * `proxy`: of `draws` such proposals (16) the one is passed on that this zero-cost proxy ranks
      best (`optunas.proxies`: swap, naswot, synflow, grad_norm, params, macs). All but the last two
      build each network and need images to look at: give `objective.prospect` as the space.

    A proxy is believed until it is known better: from 20 trained networks on that carry it (as the
    attribute `proxy.<name>`, which the objective writes) only while its rank correlation in the
    study is above 0.2. Otherwise the screen is off, which is logged once, and costs nothing. (Among
    screened networks a proxy correlates less than among random ones, since they differ less in it.)

    Trials with enqueued values are left alone, whether all or some are given. Parameters beside the
    space come from the sampler too, and make a network another candidate. The sampler learns from
    the network that was tried; Optuna's `CmaEsSampler` with margin, which keeps a draw of its own
    beside the parameters, learns a little wrong from those that were changed. A grid loses points.

    Optuna's TPE repeats itself in 27 % of 300 trials on NAS-Bench-201; screened, in none. It then
    finds the best cell of CIFAR-10, -100 and ImageNet16-120 after 91, 97 and 140 evaluations
    instead of 119, 120 and 170 (mean of 20 seeds, 200 where it was not found within 200). With
    `proxy=params` it has the best cell of CIFAR-10 and -100 after 51 ± 7 and 50 ± 7 instead of 76 ±
    5 and 78 ± 6 evaluations (20 seeds, 100 where it was not found within 100;
    studies/nasbench201.py with `--budget 100` and the strategies that are named here).

    Raises StudyError for a sampler or a space that is none.
    """

    def __init__(
        self,
        sampler: BaseSampler,
        space: Suggests | Sight,
        limits: Limits | None = None,
        *,
        seed: int | None = None,
        input_shape: Shape = (3, 32, 32),
        classes: int = 10,
        proxy: str | None = None,
        draws: int | None = None,
    ) -> None:
        if not isinstance(sampler, BaseSampler):
            raise StudyError(f"Screened wraps an Optuna sampler; got {sampler!r:.80}")
        if space is None:
            raise StudyError("Screened looks at networks: give it the search space")
        if proxy is None and draws is not None:
            raise StudyError(f"a proxy chooses among draws={draws!r} networks: name one, proxy=")
        if proxy is not None and isinstance(sampler, Proposing):
            raise StudyError(
                f"a proxy chooses among several networks, and {type(sampler).__name__} proposes "
                "one network a trial: take random, tpe or nsgaii"
            )
        super().__init__(space, seed=seed, input_shape=input_shape, classes=classes, limits=limits)
        self._sampler = sampler
        self._screen = None if proxy is None else Screen(proxy, DRAWS if draws is None else draws)

    def __str__(self) -> str:
        return f"Screened({self._sampler})"

    def propose(self, scene: Scene) -> View | None:
        """The most promising of the sampler's useful answers, or the first of them."""
        if self._screen is not None and self._screen.is_useful(scene):
            found = self._found(scene, self._screen.draws)
            if found:
                return self._screen.best(found)
        return self._useful(scene)

    def _found(self, scene: Scene, draws: int) -> list[View]:
        """So many different useful answers; fewer where there are not that many."""
        found: dict[str, View] = {}
        for view in self._answers(scene, REDRAWS * draws):
            if scene.is_new(view):
                found.setdefault(view.key, view)
            if len(found) == draws:
                break
        return list(found.values())

    def _useful(self, scene: Scene) -> View | None:
        """The sampler's first useful answer, or something near its answers, or an answer."""
        answers: list[View] = []
        for view in self._answers(scene, REDRAWS):
            if scene.is_new(view):
                return view
            answers.append(view)
        near = min(answers, key=attrgetter("over"), default=None) or look(scene.sight, scene.rng)
        new = near and scene.walk(near)
        return new or scene.new_of(lambda: look(scene.sight, scene.rng), LAST) or near

    def _answers(self, scene: Scene, most: int) -> Iterator[View]:
        """The sampler's answers, fewer than `most` where it repeats itself."""
        last: dict[str, Any] = {}
        again = 0
        for _ in range(most):
            asking = _AskingTrial(self._sampler, scene)
            view = seen(scene.sight, asking.choose)
            if view is not None:
                yield view
            again = again + 1 if asking.params == last else 1
            last = asking.params
            if again == STUBBORN:
                return

    def reseed_rng(self) -> None:
        """Pass on; Optuna asks for it so that threads differ."""
        self._sampler.reseed_rng()

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Pass on."""
        self._sampler.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """That of a useful proposal; enqueued trials pass on."""
        if _enqueued(trial):
            return self._sampler.infer_relative_search_space(study, trial)
        return super().infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """A useful proposal; enqueued trials pass on."""
        if _enqueued(trial):
            return self._sampler.sample_relative(study, trial, search_space)
        return super().sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Pass on."""
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Pass on."""
        super().after_trial(study, trial, state, values)
        self._sampler.after_trial(study, trial, state, values)


class _AskingTrial(DrawnTrial):
    """A trial that is not in the study: it chooses as `sampler` has the real one choose."""

    def __init__(self, sampler: BaseSampler, scene: Scene) -> None:
        search_space = sampler.infer_relative_search_space(scene.study, scene.trial)
        given = sampler.sample_relative(scene.study, scene.trial, search_space)
        super().__init__(scene.rng, given)
        self._sampler, self._scene = sampler, scene

    def choose(self) -> Draw:
        """Ask the space."""
        made = self._scene.sight.suggest(self)
        return Draw(self.params, self.distributions, made)

    def _take(self, name: str, distribution: BaseDistribution) -> Any:
        unsaid = name not in self._given or held(distribution, self._given[name]) is MISSING
        if unsaid and not distribution.single():
            self._given = {**self._given, name: self._independent(name, distribution)}
        return super()._take(name, distribution)

    def _independent(self, name: str, distribution: BaseDistribution) -> Any:
        so_far = copy.copy(self._scene.trial)
        so_far.params, so_far.distributions = self.params, self.distributions
        return self._sampler.sample_independent(self._scene.study, so_far, name, distribution)


def _enqueued(trial: FrozenTrial) -> bool:
    return bool(trial.system_attrs.get("fixed_params"))
