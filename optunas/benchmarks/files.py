"""Tables in files: CSV with a header line, plain or compressed."""

from __future__ import annotations

import bz2
import csv
import gzip
import lzma
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from optunas._named import unknown
from optunas.errors import OptunasError

Columns = dict[str, list[str]]
"""The cells of each column, as texts."""

OPENERS: dict[str, Callable[..., IO[Any]]] = {".bz2": bz2.open, ".gz": gzip.open, ".xz": lzma.open}
BROKEN = (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError, csv.Error)


def existing(path: str | Path) -> Path:
    """The path, where a file or folder is; raises `OptunasError` where nothing is."""
    path = Path(path)
    if not path.exists():
        raise OptunasError(
            f"there is no {str(path)!r}; a benchmark's table is a file that you have, optunas "
            "brings none along"
        )
    return path


def opened(path: Path, mode: str, **settings: Any) -> IO[Any]:
    """Open a file that is compressed if its name ends in .gz, .xz or .bz2."""
    file: IO[Any] = OPENERS.get(path.suffix, open)(path, mode, **settings)
    return file


def read_csv(path: str | Path) -> Columns:
    """The columns of a CSV file whose first line names them.

    Raises `OptunasError` where the file is missing, broken or empty, or a line has another number
    of cells than the header.
    """
    path = existing(path)
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            header, *rows = [row for row in csv.reader(file) if row] or [[]]
    except BROKEN as error:
        raise OptunasError(f"{path.name!r} can't be read as CSV: {error}") from None
    header = [name.strip() for name in header]
    _check(path.name, header, rows)
    return {name: list(cells) for name, cells in zip(header, zip(*rows, strict=True), strict=True)}


def _check(name: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        raise OptunasError(
            f"a table has a line of column names and at least one row; {name!r} has "
            f"{'only the names' if header else 'neither'}"
        )
    twice = [column for column in dict.fromkeys(header) if header.count(column) > 1]
    if twice:
        raise OptunasError(f"columns have different names; {name!r} has two called {twice[0]!r}")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise OptunasError(
                f"every row of {name!r} has {len(header)} cells, as its header has; row {number} "
                f"has {len(row)}"
            )


def texts(columns: Columns, name: str) -> list[str]:
    """A column; raises `OptunasError` where there is none of this name."""
    if name not in columns:
        raise OptunasError(unknown("column", name, list(columns)))
    return columns[name]


def numbers(columns: Columns, name: str) -> NDArray[np.float64]:
    """A column as numbers, NaN where a cell is empty; raises `OptunasError` for other texts."""
    cells = texts(columns, name)
    for row, cell in enumerate(cells, start=1):
        if not is_number(cell):
            raise OptunasError(
                f"column {name!r} must hold numbers; in row {row} it is {cell!r:.80}"
            )
    return np.array([float(cell.strip() or "nan") for cell in cells])


def all_numbers(columns: Columns) -> dict[str, NDArray[np.float64]]:
    """Every column that holds nothing but numbers, and empty cells."""
    return {
        name: numbers(columns, name)
        for name, cells in columns.items()
        if all(map(is_number, cells))
    }


def is_number(cell: str) -> bool:
    """Whether a cell is empty or a number."""
    try:
        float(cell.strip() or "nan")
    except ValueError:
        return False
    return True
