"""Spaces made of spaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.trial import BaseTrial

from optunas.errors import OptunasError
from optunas.spaces.scope import Scope
from optunas.spaces.space import Space, Suggests, suggestion


@dataclass(frozen=True)
class Either:
    """One of several spaces: `Either({"convnet": ConvNet(), "mobilenet": MobileNet()})`.

    Which one is the choice `family`; its own parameters follow below its name:
    `mobilenet.stage1.depth`. Functions `trial -> nn.Module` are spaces too. The study is
    conditional: a trial has the parameters of its own family alone, which Optuna's TPE models with
    `TPESampler(multivariate=True, group=True)`. With `flat` all families are asked in every trial
    and the others' answers ignored, for samplers that need the same parameters everywhere.
    """

    spaces: Mapping[str, Suggests]
    flat: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.spaces, Mapping) or not self.spaces:
            raise OptunasError(
                "Either chooses between named spaces, for example "
                f'Either({{"small": ConvNet(stages=(1,)), "large": ConvNet()}}); '
                f"got {self.spaces!r:.80}"
            )
        for name, space in self.spaces.items():
            if not isinstance(name, str) or isinstance(space, type) or not _is_space(space):
                raise OptunasError(
                    "Either takes a name and a space (with a method suggest, or a function of a "
                    f"trial) for each; got {name!r:.80}: {space!r:.80}"
                )

    def suggest(self, trial: BaseTrial) -> Any:
        """Choose a family, then a network in it."""
        chosen = trial.suggest_categorical("family", tuple(self.spaces))
        asked = self.spaces if self.flat else (chosen,)
        return {name: suggestion(self.spaces[name])(Scope(trial, name)) for name in asked}[chosen]

    def size(self) -> int:
        """How many networks the families hold together, one in two of them counted twice."""
        sizes = [getattr(space, "size", None) for space in self.spaces.values()]
        if None in sizes:
            unknown = [n for n, s in zip(self.spaces, sizes, strict=True) if s is None]
            raise OptunasError(f"how many networks {', '.join(unknown)} holds is not known")
        return sum(size() for size in sizes if size is not None)

    def baseline(self) -> dict[str, Any]:
        """The baseline of the first family, and those of the others where all are asked for."""
        first = next(iter(self.spaces))
        params: dict[str, Any] = {"family": first}
        for name in self.spaces if self.flat else (first,):
            own: dict[str, Any] = getattr(self.spaces[name], "baseline", dict)()
            params |= {f"{name}.{key}": value for key, value in own.items()}
        return params


def _is_space(space: object) -> bool:
    return isinstance(space, Space) or callable(space)
