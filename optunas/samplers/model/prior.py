"""What was known before the study began: results of earlier studies, and people's guesses.

Both lie in the study's user attributes as JSON, where every worker finds them:
`optunas.prior.<study>.<part>` is a list of `[params, merits]`, the greater a merit the better;
`optunas.guess.<n>` is `[params, confidence]`. `warm.py` writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from optunas.ranks import Array
from optunas.samplers.model.table import position
from optunas.samplers.model.targets import Result, scores
from optunas.spaces.sight import View

RESULTS = "optunas.prior."
GUESSES = "optunas.guess."

Viewer = Callable[[Mapping[str, Any]], View | None]


@dataclass(frozen=True)
class Source:
    """An earlier study: networks, and targets (n, objectives) within that study."""

    views: tuple[View, ...]
    targets: Array


@dataclass(frozen=True)
class Guess:
    """Parameters that somebody believes in, and how many results it takes to outweigh that."""

    params: Mapping[str, Any]
    confidence: float

    def away(self, view: View) -> float:
        """The share of the guess that a network does otherwise, from 0 to 1."""
        gaps = [
            _gap(view, name, value) for name, value in self.params.items() if name in view.params
        ]
        return float(np.mean(gaps)) if gaps else 0.0


def _gap(view: View, name: str, value: Any) -> float:
    distribution, found = view.distributions[name], view.params[name]
    if isinstance(value, str | bool | None) or hasattr(distribution, "choices"):
        return float(found != value)
    return abs(position(distribution, found) - position(distribution, value))


@dataclass(frozen=True)
class Prior:
    """All that was known."""

    sources: tuple[Source, ...] = ()
    guesses: tuple[Guess, ...] = ()

    @property
    def views(self) -> list[View]:
        return [view for source in self.sources for view in source.views]

    @classmethod
    def of(cls, attributes: Mapping[str, Any], view_of: Viewer) -> Prior:
        """Read a study's user attributes; networks that this space can't make are left out."""
        rows: dict[str, list[Any]] = {}
        for name in sorted(attributes):
            if name.startswith(RESULTS):
                rows.setdefault(name.rpartition(".")[0], []).extend(attributes[name])
        sources = (_source(results, view_of) for results in rows.values())
        guesses = (
            Guess(*attributes[name]) for name in sorted(attributes) if name.startswith(GUESSES)
        )
        return cls(tuple(source for source in sources if source.views), tuple(guesses))

    @property
    def best(self) -> list[View]:
        """The earlier studies' networks, each study's best ones first."""
        told = [
            (target.mean(), view)
            for source in self.sources
            for target, view in zip(source.targets, source.views, strict=True)
        ]
        return [view for _, view in sorted(told, key=lambda one: -one[0])]

    def pull(self, view: View, results: int) -> float:
        """What the guesses add to the logarithm of a network's promise.

        It fades with the number of results (Hvarfner et al. 2022, arXiv:2204.11051).
        """
        return -sum(guess.confidence / (1 + results) * guess.away(view) for guess in self.guesses)


def _source(results: list[Any], view_of: Viewer) -> Source:
    told = [(view_of(params), Result(tuple(merits))) for params, merits in results]
    kept = [(view, result) for view, result in told if view is not None]
    targets = scores([result for _, result in kept]) if kept else np.zeros((0, 1))
    return Source(tuple(view for view, _ in kept), targets)
