"""The numbers of networks, each read once: a row for a network, a column for all that can be told.

Columns are added as they are met, and keep their places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from optunas.ranks import Array
from optunas.spaces.sight import View

ABSENT = 0.5  # where a number stands that a network does not have
MOST = 10_000  # rows, after which a table begins anew
KINDS = FEATURE, CHOICE, NUMBER = 0, 1, 2
"""What the network consists of; which choices made it; which numbers made it, from 0 to 1."""

Indices = NDArray[np.int64]
Column = tuple[int, str, int]
"""A kind, a name, and which of the choices that go by this name."""


class Table:
    """Numbers of networks, as one process has met them."""

    def __init__(self) -> None:
        self._rows: dict[int, tuple[View, int]] = {}  # by the id of a view that is kept
        self._columns: dict[Column, int] = {}
        self._choices: dict[str, list[Any]] = {}
        self._values = np.zeros((64, 64))

    @property
    def is_full(self) -> bool:
        """Whether it is better to begin another one."""
        return len(self._rows) > MOST

    def rows(self, views: Sequence[View]) -> Indices:
        """The row of each network."""
        found = [self._rows.get(id(view)) or self._read(view) for view in views]
        return np.array([row for _, row in found], dtype=np.int64)

    def columns(self, kind: int) -> Indices:
        """The columns of a kind so far, in an order that is the same in every process."""
        names = sorted(column for column in self._columns if column[0] == kind)
        return np.array([self._columns[name] for name in names], dtype=np.int64)

    def values(self, rows: Indices, columns: Indices) -> Array:
        """(rows, columns) numbers."""
        return np.asarray(self._values[rows[:, None], columns])

    def _read(self, view: View) -> tuple[View, int]:
        columns, values = self._told(view)  # this may add columns
        row = len(self._rows)
        if row == len(self._values):
            self._values = np.concatenate([self._values, self._blank(row)])
        self._values[row, columns] = values
        self._rows[id(view)] = view, row
        return view, row

    def _told(self, view: View) -> tuple[list[int], list[float]]:
        """What a network has, as columns and their values."""
        columns = [self._column(FEATURE, name) for name in view.features]
        values = list(view.features.values())
        for name, value in view.params.items():
            distribution = view.distributions[name]
            if isinstance(distribution, CategoricalDistribution):
                columns.append(self._choice(name, distribution, value))
                values.append(1.0)
            else:  # of a conditional space, so that a number may be there or not
                columns += self._column(CHOICE, name), self._column(NUMBER, name)
                values += 1.0, position(distribution, value)
        return columns, values

    def _choice(self, name: str, distribution: CategoricalDistribution, value: Any) -> int:
        known = self._choices.setdefault(name, list(distribution.choices))
        if value not in known:  # a parameter with other choices, depending on another one
            known.append(value)
        return self._column(CHOICE, name, known.index(value))

    def _column(self, kind: int, name: str, which: int = 0) -> int:
        column = self._columns.get((kind, name, which))
        if column is None:
            column = self._columns[kind, name, which] = len(self._columns)
            if column == self._values.shape[1]:
                self._values = np.concatenate([self._values, np.zeros_like(self._values)], axis=1)
            self._values[:, column] = ABSENT if kind == NUMBER else 0.0
        return column

    def _blank(self, rows: int) -> Array:
        """Rows of networks that have nothing."""
        blank = np.zeros((rows, self._values.shape[1]))
        numbers = [c for (kind, *_), c in self._columns.items() if kind == NUMBER]
        blank[:, numbers] = ABSENT
        return blank


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
