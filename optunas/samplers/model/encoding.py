"""Networks as rows of numbers, in three blocks that the Gaussian process weighs.

* what the network consists of: `architecture.features`, the same words for every space;
* which choices made it: a column for each choice of each categorical parameter;
* which numbers made it: each on its own scale, from 0 to 1.

Each block is scaled so that two of the known networks are 1 apart in the middle: one prior on
lengths fits all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial.distance import pdist

from optunas.ranks import Array
from optunas.samplers.model.table import FEATURE, KINDS, Indices, Table
from optunas.spaces.sight import View

PAIRED = 200  # so many networks tell how far apart two are in the middle


class Encoder:
    """Turns views into blocks. Columns: what `known` and `others` have; `known` sets the scale.

    `table`: where numbers are kept that were read before.
    """

    def __init__(
        self, known: Sequence[View], others: Sequence[View] = (), table: Table | None = None
    ) -> None:
        self._table = Table() if table is None else table
        rows = self._table.rows([*known, *others])
        blocks = [_Block(self._table, kind, rows, len(known)) for kind in KINDS]
        self._blocks = [block for block in blocks if len(block.columns)]

    def __call__(self, views: Sequence[View]) -> tuple[Array, ...]:
        """A matrix (len(views), columns) for each block in which networks differ."""
        rows = self._table.rows(views)
        return tuple(block(rows) for block in self._blocks) or (np.zeros((len(views), 1)),)


class _Block:
    """The columns of a kind that vary; standardised where they are in different units."""

    def __init__(self, table: Table, kind: int, rows: Indices, known: int) -> None:
        self._table = table
        columns = table.columns(kind)
        raw = table.values(rows, columns)
        varies = np.ptp(raw, axis=0) > 0 if raw.size else np.zeros(len(columns), dtype=bool)
        self.columns = columns[varies]
        if not varies.any():
            return
        seen = raw[:known, varies]
        deviation = seen.std(0) if kind == FEATURE and known else np.ones(seen.shape[1])
        # what varies among the others only is something that no known network has
        self._unit = np.where(deviation > 0, deviation, 1.0)
        self._unit = self._unit * _middle(seen / self._unit)

    def __call__(self, rows: Indices) -> Array:
        return self._table.values(rows, self.columns) / self._unit


def _middle(rows: Array) -> float:
    """The median distance of two different rows; 1 where there are none."""
    chosen = rows[np.linspace(0, len(rows) - 1, min(len(rows), PAIRED)).round().astype(int)]
    squares = pdist(chosen, "sqeuclidean") if len(chosen) > 1 else np.zeros(0)
    apart = squares[squares > 0]
    return float(np.sqrt(np.median(apart))) if len(apart) else 1.0
