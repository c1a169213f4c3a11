"""`Table`: the numbers that are known of each network."""

from __future__ import annotations

import csv
import logging
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from optunas._named import unknown
from optunas.benchmarks.files import opened
from optunas.errors import OptunasError

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Table:
    """A row for each network and a column for each number.

    * `columns`: their names;
    * `rows`: what a network is called -> which row of `numbers` is its;
    * `numbers`: (rows, columns).
    """

    columns: tuple[str, ...]
    rows: Mapping[Hashable, int]
    numbers: Numbers

    def __len__(self) -> int:
        return len(self.rows)

    def place(self, column: str) -> int:
        """Where the column stands; raises `OptunasError` where there is none of this name."""
        if column not in self.columns:
            raise OptunasError(unknown("column", column, sorted(self.columns)))
        return self.columns.index(column)

    def column(self, name: str) -> Numbers:
        """The numbers of a column, one for each network in the order of `rows`."""
        numbers: Numbers = self.numbers[list(self.rows.values()), self.place(name)]
        return numbers

    def is_full(self, name: str) -> bool:
        """Whether there is a column of this name, with a number for every network."""
        return name in self.columns and bool(np.isfinite(self.column(name)).all())

    def to_csv(self, path: str | Path, name: str) -> None:
        """Write the table; its first column, called `name`, is what the benchmark calls a network.

        A benchmark's file that takes minutes to read is read in seconds as such a CSV.
        """
        with opened(Path(path), "wt", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([name, *self.columns])
            writer.writerows([key, *self.numbers[row].tolist()] for key, row in self.rows.items())


def tabulated(
    keys: Sequence[Hashable],
    columns: Mapping[str, Numbers],
    needed: Sequence[str],
    *,
    partial: bool = False,
) -> Table:
    """The table of these columns, whose rows belong to the networks called `keys`.

    A network may come twice if the `needed` columns say the same of it; the first row counts. Where
    these columns have no number, a `partial` table leaves the network out. Raises `OptunasError`
    for an empty table, for numbers that are needed and are none, and for two rows that contradict
    each other.
    """
    if not keys or not columns:
        raise OptunasError("a table needs at least one row and a column of numbers; this has none")
    table = Table(tuple(columns), {}, np.column_stack([*columns.values()]))
    places = [table.place(name) for name in needed]
    if partial:
        keys, table = _without_holes(keys, table, places)
    wanted = table.numbers[:, places]
    _check_finite(wanted, keys, needed)
    rows: dict[Hashable, int] = {}
    for number, key in enumerate(keys):
        first = rows.setdefault(key, number)
        if first != number and not np.array_equal(wanted[first], wanted[number]):
            _contradiction(key, first, number, wanted, needed)
    return Table(table.columns, rows, table.numbers)


def _without_holes(
    keys: Sequence[Hashable], table: Table, places: Sequence[int]
) -> tuple[list[Hashable], Table]:
    full = np.asarray(np.isfinite(table.numbers[:, places]).all(axis=1))
    if not full.any():
        raise OptunasError(f"no network has {', '.join(table.columns[place] for place in places)}")
    if not full.all():
        names = ", ".join(table.columns[place] for place in places)
        logging.getLogger("optunas").warning(
            f"{len(keys) - full.sum():,} of {len(keys):,} networks have no {names} and are left out"
        )
    kept = [key for key, known in zip(keys, full, strict=True) if known]
    return kept, Table(table.columns, {}, table.numbers[full])


def _check_finite(wanted: Numbers, keys: Sequence[Hashable], needed: Sequence[str]) -> None:
    holes = np.argwhere(~np.isfinite(wanted))
    if len(holes):
        row, place = holes[0]
        raise OptunasError(
            f"column {needed[place]!r} must be a finite number in every row; in row {row + 1}, of "
            f"{keys[row]!r:.160}, it is {wanted[row, place]}: fill it, or leave the row out, and "
            "the network counts as one that does not exist"
        )


def _contradiction(
    key: Hashable, first: int, second: int, wanted: Numbers, needed: Sequence[str]
) -> None:
    place = int(np.flatnonzero(wanted[first] != wanted[second])[0])
    a, b = wanted[first, place], wanted[second, place]
    raise OptunasError(
        f"a network has one value in each column; rows {first + 1} and {second + 1} are both of "
        f"{key!r:.160}, and {needed[place]!r} is {a:g} and {b:g}: average them, or name the column "
        "that tells them apart as a parameter"
    )
