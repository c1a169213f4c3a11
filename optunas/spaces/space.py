"""What a search space is: anything with `suggest(trial) -> Architecture`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast, runtime_checkable

from optuna.trial import BaseTrial

from optunas.architecture import Architecture


@runtime_checkable
class Space(Protocol):
    """One method is enough. A space may also have

    * `size() -> int`: how many networks it holds;
    * `baseline() -> dict`: the parameters of a plain network that an expert would try first.

    Choices must be strings and numbers, and names last: stored studies remember both.
    """

    def suggest(self, trial: BaseTrial) -> Architecture:
        """Choose an architecture by `trial.suggest_*` calls."""
        ...


Suggests = Space | Callable[[BaseTrial], Any]
"""A space, or a function of a trial that is one."""


def suggestion(space: Suggests) -> Callable[[BaseTrial], Any]:
    """The function of a trial that a space has, or is."""
    suggest: Any = getattr(space, "suggest", space)  # isinstance would take as long as a draw
    return cast(Callable[[BaseTrial], Any], suggest)
