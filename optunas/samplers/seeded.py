"""A sampler that is seeded by the first trial it serves, so that workers never draw alike.

An Optuna sampler's random numbers start with the process. Two workers with one seed then propose
the same networks, and a resumed search repeats its first ones; without a seed nothing can be
repeated. Trial numbers are unique in a study: a sampler seeded by (seed, number of the first trial
that this process runs) draws as nobody did before, and a new study still repeats exactly.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState


class Seeded(BaseSampler):
    """Passes all calls on to the sampler ``make(seed)``, made when the first trial comes."""

    def __init__(self, make: Callable[[int], BaseSampler], *, seed: int) -> None:
        self._make = make
        self._seed = seed
        self._inner: BaseSampler | None = None
        self._lock = threading.Lock()
        self._name = str(make(0))  # also: wrong settings are refused here, not by the first trial

    def __str__(self) -> str:
        return f"Seeded({self._name})"

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def _from(self, trial: FrozenTrial) -> BaseSampler:
        with self._lock:
            if self._inner is None:
                self._inner = self._make(mixed(self._seed, trial.number))
            return self._inner

    def reseed_rng(self) -> None:
        """Pass on; Optuna asks for it so that threads differ."""
        if self._inner is not None:
            self._inner.reseed_rng()

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Pass on."""
        self._from(trial).before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Pass on."""
        return self._from(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Pass on."""
        return self._from(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Pass on."""
        return self._from(trial).sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Pass on."""
        self._from(trial).after_trial(study, trial, state, values)


def mixed(seed: int, number: int) -> int:
    """One seed from two numbers, 32 bits; neighbours have nothing in common."""
    return int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
