"""A sampler whose random numbers depend on the seed and the trial's number, and on nothing else.

An Optuna sampler draws from one stream that starts with the process. Two workers with one seed then
propose the same networks, and a resumed search repeats its first ones; without a seed nothing can
be repeated. Here every trial gets a sampler of its own, seeded by (seed, trial number): a resumed
search draws what the uninterrupted one would have drawn, and workers never draw alike.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState


class PerTrial(BaseSampler):
    """Asks ``make(seed of the trial)`` for a fresh sampler at each trial and passes the calls on.

    Only for samplers that learn from the study's trials and keep nothing else in memory; all of
    Optuna's are so, apart from caches. Safe under threads: each trial has its own sampler.
    """

    def __init__(self, make: Callable[[int], BaseSampler], *, seed: int) -> None:
        self._make = make
        self._seed = seed
        self._samplers: dict[int, BaseSampler] = {}
        self._make(0)  # wrong settings are refused here, not in the middle of the first trial

    def __str__(self) -> str:
        return f"PerTrial({self._make(0)})"

    def _of(self, trial: FrozenTrial) -> BaseSampler:
        if trial.number not in self._samplers:
            self._samplers[trial.number] = self._make(trial_seed(self._seed, trial.number))
        return self._samplers[trial.number]

    def reseed_rng(self) -> None:
        """Nothing to do: Optuna asks for it so that threads differ, and trials already do."""

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Pass on to the trial's own sampler."""
        self._of(trial).before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Pass on to the trial's own sampler."""
        return self._of(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Pass on to the trial's own sampler."""
        return self._of(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Pass on to the trial's own sampler."""
        return self._of(trial).sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Pass on to the trial's own sampler, and forget it."""
        self._of(trial).after_trial(study, trial, state, values)
        self._samplers.pop(trial.number, None)


def trial_seed(seed: int, number: int) -> int:
    """A seed for this trial, 32 bits, spread so that neighbours have nothing in common."""
    return int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
