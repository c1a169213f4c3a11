"""What is read off a trial once: an ended trial stays as it is, and there may be many thousands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from optuna.trial import FrozenTrial

from optunas.samplers.scene import whole_view
from optunas.spaces.sight import Sight, View

T = TypeVar("T")


class OfTrials(Generic[T]):
    """`read(trial)`, remembered for ended trials, as long as the storage gives the same objects."""

    def __init__(self, read: Callable[[FrozenTrial], T]) -> None:
        self._read = read
        self._known: dict[int, tuple[FrozenTrial, T]] = {}

    def of(self, trial: FrozenTrial) -> T:
        """What is read off this trial."""
        known = self._known.get(trial.number)
        if known is not None and known[0] is trial:
            return known[1]
        found = self._read(trial)
        if trial.state.is_finished():
            self._known[trial.number] = trial, found
        return found


class Views:
    """The networks of trials, as a sight sees them; equal parameters are looked at once."""

    def __init__(self, sight: Sight) -> None:
        self.sight = sight
        self._named: dict[str, View | None] = {}
        self._ended = OfTrials(self._look)

    def of(self, trial: FrozenTrial) -> View | None:
        """The network of a trial; None where its parameters do not make every choice of one."""
        return self._ended.of(trial)

    def _look(self, trial: FrozenTrial) -> View | None:
        name = repr(trial.params)
        if name not in self._named:
            self._named[name] = whole_view(self.sight, trial.params)
        return self._named[name]
