"""Parameters beside the space: what an objective suggests itself, a learning rate perhaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial

from optunas.spaces.draw import Draw
from optunas.spaces.sight import Sight, View, key_of


@dataclass(frozen=True)
class WithForeign:
    """A sight that suggests further parameters after the space's own; the space may be missing.

    Equal networks with other foreign values are other candidates: their keys differ.
    """

    sight: Sight | None
    foreign: Mapping[str, BaseDistribution] = field(default_factory=dict)

    def suggest(self, trial: BaseTrial) -> Any:
        """The space's network and the further values: a change of either is a change."""
        network = None if self.sight is None else self.sight.suggest(trial)
        return network, tuple(ask(trial, name, d) for name, d in self.foreign.items())

    def view(self, drawn: Draw) -> View:
        values = {name: drawn.params[name] for name in self.foreign}
        said = key_of(values) if values else ""
        if self.sight is None:
            return View(drawn.params, drawn.distributions, said)
        view = self.sight.view(self._own(drawn))
        return View(
            drawn.params,
            drawn.distributions,
            view.key + said,
            view.margin,
            view.costly,
            lambda: view.features,
            view.proxy,
        )

    def _own(self, drawn: Draw) -> Draw:
        """What the space itself has drawn."""
        return Draw(
            {n: value for n, value in drawn.params.items() if n not in self.foreign},
            {n: found for n, found in drawn.distributions.items() if n not in self.foreign},
            drawn.architecture[0],
        )


def ask(trial: BaseTrial, name: str, distribution: BaseDistribution) -> Any:
    """`trial.suggest_*` by a distribution."""
    match distribution:
        case CategoricalDistribution(choices=choices):
            return trial.suggest_categorical(name, choices)
        case IntDistribution(low=low, high=high, step=step, log=log):
            return trial.suggest_int(name, low, high, step=step, log=log)
        case FloatDistribution(low=low, high=high, step=float_step, log=log):
            return trial.suggest_float(name, low, high, step=float_step, log=log)
    raise TypeError(f"Optuna's distributions are categorical, int and float; got {distribution!r}")
