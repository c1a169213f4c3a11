"""Networks as rows of numbers, in three blocks that the Gaussian process weighs.

* what the network consists of: `architecture.features`, the same words for every space;
* which choices made it: a column for each choice of each categorical parameter;
* which numbers made it: each on its own scale, from 0 to 1.

Each block is scaled so that two of the known networks are 1 apart in the middle: one prior on
lengths fits all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from scipy.spatial.distance import pdist

from optunas.ranks import Array
from optunas.spaces.draw import MISSING
from optunas.spaces.sight import View

ABSENT = 0.5  # where a number stands that a network does not have
PAIRED = 200  # so many networks tell how far apart two are in the middle

Reader = Callable[[View], list[float]]
"""Some neighbouring columns of a network's row."""


class Encoder:
    """Turns views into blocks. Columns: what `known` and `others` have; `known` sets the scale."""

    def __init__(self, known: Sequence[View], others: Sequence[View] = ()) -> None:
        views = [*known, *others]
        distributions: dict[str, BaseDistribution] = {}
        for view in views:
            distributions |= view.distributions
        features = sorted({name for view in views for name in view.features})
        described = _Block([_features(features)], views, len(known), True)
        choices = _Block(_choices(distributions), views, len(known), False)
        numbers = _Block(_numbers(distributions), views, len(known), False)
        self._blocks = [block for block in (described, choices, numbers) if block.varies.any()]

    def __call__(self, views: Sequence[View]) -> tuple[Array, ...]:
        """A matrix (len(views), columns) for each block in which networks differ."""
        return tuple(block(views) for block in self._blocks) or (np.zeros((len(views), 1)),)


class _Block:
    """Columns that vary; standardised where they are measured in different units."""

    def __init__(
        self, readers: Sequence[Reader], views: Sequence[View], known: int, standardise: bool
    ) -> None:
        self._readers = readers
        self._rows: dict[int, tuple[View, list[float]]] = {}  # by the id of a view that is kept
        raw = self._table(views)
        self.varies = np.ptp(raw, axis=0) > 0 if len(raw) else np.zeros(0, dtype=bool)
        if not self.varies.any():
            return
        seen = raw[:known, self.varies]
        deviation = seen.std(0) if standardise and known else np.ones(seen.shape[1])
        # what varies among the others only is something that no known network has
        self._unit = np.where(deviation > 0, deviation, 1.0)
        self._unit = self._unit * _middle(seen / self._unit)

    def __call__(self, views: Sequence[View]) -> Array:
        return self._table(views)[:, self.varies] / self._unit

    def _table(self, views: Sequence[View]) -> Array:
        rows = [self._row(view) for view in views]
        return np.array(rows, dtype=np.float64).reshape(len(views), -1 if views else 0)

    def _row(self, view: View) -> list[float]:
        if id(view) not in self._rows:
            self._rows[id(view)] = view, [value for read in self._readers for value in read(view)]
        return self._rows[id(view)][1]


def _middle(rows: Array) -> float:
    """The median distance of two different rows; 1 where there are none."""
    chosen = rows[np.linspace(0, len(rows) - 1, min(len(rows), PAIRED)).round().astype(int)]
    squares = pdist(chosen, "sqeuclidean") if len(chosen) > 1 else np.zeros(0)
    apart = squares[squares > 0]
    return float(np.sqrt(np.median(apart))) if len(apart) else 1.0


def _features(names: Sequence[str]) -> Reader:
    return lambda view: [view.features.get(name, 0.0) for name in names]


def _choices(distributions: Mapping[str, BaseDistribution]) -> list[Reader]:
    return [
        _which(name, distribution.choices)
        if isinstance(distribution, CategoricalDistribution)
        else _has(name)  # a conditional number: whether it is there
        for name, distribution in sorted(distributions.items())
    ]


def _numbers(distributions: Mapping[str, BaseDistribution]) -> list[Reader]:
    return [
        _position(name)
        for name, distribution in sorted(distributions.items())
        if not isinstance(distribution, CategoricalDistribution)
    ]


def _which(name: str, choices: Sequence[Any]) -> Reader:
    rows, none = np.eye(len(choices)).tolist(), [0.0] * len(choices)

    def read(view: View) -> list[float]:
        value = view.params.get(name, MISSING)
        return rows[choices.index(value)] if value in choices else none

    return read


def _has(name: str) -> Reader:
    return lambda view: [float(name in view.params)]


def _position(name: str) -> Reader:
    return lambda view: [
        position(view.distributions[name], view.params[name]) if name in view.params else ABSENT
    ]


def position(distribution: BaseDistribution, value: float) -> float:
    """Where a number lies in its range, from 0 to 1."""
    match distribution:
        case (
            IntDistribution(low=low, high=high, log=log)
            | FloatDistribution(low=low, high=high, log=log)
        ):
            if high == low:
                return ABSENT
            if log:
                return float(np.log(value / low) / np.log(high / low))
            return float((value - low) / (high - low))
    raise TypeError(f"a number has a range; got {distribution!r}")
