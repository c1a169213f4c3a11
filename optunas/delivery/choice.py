"""Which network is the best one, of one objective or of several: a rule that is stated.

Of several objectives nobody can say it but the person; until then it is the network of the Pareto
front that is nearest to the ideal: the point that has the best value of each objective that the
front has (compromise programming, Zeleny 1973). Each objective counts from its worst value on the
front, 0, to its best, 1, and the distance is Euclidean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import hypot, isfinite

from optunas._named import unknown
from optunas.errors import StudyError
from optunas.metrics import DIRECTIONS, LEARNED
from optunas.wording import title

BALANCED = "balanced"


@dataclass(frozen=True)
class Rule:
    """What makes a network better than another. `metrics`: those that count; `ends`: of several,
    the best and the worst value of each on the Pareto front."""

    metrics: tuple[str, ...]
    ends: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def learned(self) -> str:
        """The metric that training decides, and by which a race is told."""
        return next((name for name in self.metrics if name in LEARNED), LEARNED[0])

    @property
    def is_of_one(self) -> bool:
        """Whether one learned metric decides alone: then its spread between seeds says how sure
        the choice is."""
        return self.metrics == (self.learned,)

    def merit(self, values: Mapping[str, float]) -> float:
        """How good a network with these values is; minus infinity where one is not known."""
        known = [values.get(name, float("nan")) for name in self.metrics]
        if not all(map(isfinite, known)):
            return -float("inf")
        if len(self.metrics) == 1:
            return known[0] if DIRECTIONS[self.metrics[0]] == "maximize" else -known[0]
        return -hypot(*map(self._away, self.metrics, known))

    def _away(self, metric: str, value: float) -> float:
        """0 is the best of the front, 1 the worst; better than the best counts as the best."""
        best, worst = self.ends[metric]
        return max(0.0, (value - best) / (worst - best)) if worst != best else 0.0

    def __str__(self) -> str:
        """`the highest accuracy`, or what is weighed against what."""
        if len(self.metrics) > 1:
            names = ", ".join(title(name) for name in self.metrics)
            return f"nearest to the best of the Pareto front in all of {names}"
        (only,) = self.metrics
        return f"the {'highest' if DIRECTIONS[only] == 'maximize' else 'lowest'} {title(only)}"


def rule_for(
    metrics: Sequence[str], front: Iterable[Sequence[float]], wanted: str | None = None
) -> Rule:
    """The rule of a study that aims at `metrics`, and whose Pareto front has these values.

    `wanted` is `balanced`, the rule for several, or one of the metrics. Raises `StudyError` for
    anything else.
    """
    choices = (*metrics, *([BALANCED] if len(metrics) > 1 else []))
    if wanted is not None and wanted not in choices:
        raise StudyError(unknown("rule of choice", wanted, list(choices)))
    if wanted is not None and wanted != BALANCED:
        return Rule((wanted,))
    if len(metrics) == 1:
        return Rule((metrics[0] if metrics[0] in LEARNED else LEARNED[0],))
    columns = zip(*front, strict=True)
    ends = {
        name: (max(column), min(column))
        if DIRECTIONS[name] == "maximize"
        else (min(column), max(column))
        for name, column in zip(metrics, columns, strict=True)
    }
    return Rule(tuple(metrics), ends)
