"""`Scope`: a trial seen through a prefix, so that names nest as the network does."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import BaseTrial


class Scope(BaseTrial):
    """A trial whose parameters have names below a prefix: `Scope(trial, "stage1")`.

    `suggest_int("width", ...)` asks the trial for `stage1.width`; a scope of a scope lengthens the
    prefix. It is a trial itself, so any search space can be put below a prefix:
    `ConvNet().suggest(Scope(trial, "convnet"))`.

    `flat` says how `optunas.spaces.primitives` ask: True, every alternative is always asked for
    its choices and those of the others are ignored, so that all trials have the same parameters
    and every sampler can model them; False, only the alternative that was chosen is asked.
    """

    def __init__(self, trial: BaseTrial, name: str = "", *, flat: bool | None = None) -> None:
        outer = trial if isinstance(trial, Scope) else None
        self.trial: BaseTrial = outer.trial if outer else trial
        self.path: str = ".".join(filter(None, (outer.path if outer else "", name)))
        self.flat: bool = (outer.flat if outer else True) if flat is None else flat

    def __truediv__(self, name: str) -> Scope:
        """`scope / "stage1"`: the scope below."""
        return Scope(self, name)

    def _named(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        return self.trial.suggest_float(self._named(name), low, high, step=step, log=log)

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        return self.trial.suggest_int(self._named(name), low, high, step=step, log=log)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self.trial.suggest_categorical(self._named(name), choices)

    def suggest_uniform(self, name: str, low: float, high: float) -> float:
        return self.suggest_float(name, low, high)

    def suggest_loguniform(self, name: str, low: float, high: float) -> float:
        return self.suggest_float(name, low, high, log=True)

    def suggest_discrete_uniform(self, name: str, low: float, high: float, q: float) -> float:
        return self.suggest_float(name, low, high, step=q)

    def _below(self, values: dict[str, Any]) -> dict[str, Any]:
        start = self._named("")
        return {n.removeprefix(start): v for n, v in values.items() if n.startswith(start)}

    @property
    def params(self) -> dict[str, Any]:
        """The parameters below the prefix, without it."""
        return self._below(self.trial.params)

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """What they were drawn from."""
        return self._below(self.trial.distributions)

    def report(self, value: float, step: int) -> None:
        self.trial.report(value, step)

    def should_prune(self) -> bool:
        return self.trial.should_prune()

    def set_user_attr(self, key: str, value: Any) -> None:
        self.trial.set_user_attr(key, value)

    def set_constraint(self, key: str, value: float) -> None:
        self.trial.set_constraint(key, value)

    @property
    def user_attrs(self) -> dict[str, Any]:
        return self.trial.user_attrs

    @property
    def datetime_start(self) -> datetime.datetime | None:
        return self.trial.datetime_start

    @property
    def number(self) -> int:
        return self.trial.number
