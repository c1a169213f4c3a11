"""The table of NAS-Bench-101: its TFRecord file, CSV or JSON.

A record of the benchmark is a JSON list: the module's hash, how many epochs it was trained, its
adjacency matrix as 0 and 1 row after row, its operations with commas between, and a `ModelMetrics`
message in base64 (model_metrics.proto in github.com/google-research/nasbench); there are three of
each module and number of epochs.
"""

from __future__ import annotations

import base64
import json
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np

from optunas.benchmarks.files import BROKEN, Columns, all_numbers, opened, read_csv, texts
from optunas.benchmarks.table import Numbers
from optunas.benchmarks.tfrecord import fields, records
from optunas.errors import OptunasError
from optunas.spaces import ModelSpec

NAME = "module_hash"
"""The column of a table that holds the benchmark's own hash (`ModelSpec.fingerprint`)."""

EVALUATION = {2: "seconds", 3: "train", 4: "val", 5: "test"}
"""The fields of an `EvaluationData` that are kept; 1 is the epoch, 6 a file name."""


Named = tuple[list[str], dict[str, Numbers]]
"""What each row is called, and the columns."""


def read_modules(path: Path) -> Named:
    """What the modules are called, and every number that is known of them."""
    if ".tfrecord" in path.suffixes:
        return _averaged(records(path))
    if ".json" not in path.suffixes:
        return _named(read_csv(path))
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            rows = json.load(file)
    except (*BROKEN, json.JSONDecodeError) as error:
        raise OptunasError(f"{path.name!r} can't be read as JSON: {error}") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise OptunasError(
            f"a table in JSON is a list of objects; {path.name!r} holds something else"
        )
    names = dict.fromkeys(name for row in rows for name in row)
    return _named({name: [_cell(row.get(name)) for row in rows] for name in names})


def _cell(value: Any) -> str:
    """As a CSV has it: a matrix row after row, a list with commas between."""
    if isinstance(value, list):
        matrix = all(isinstance(row, list) for row in value)
        return (
            "".join(str(int(e)) for row in value for e in row)
            if matrix
            else ",".join(map(str, value))
        )
    return "" if value is None else str(value)


def _named(columns: Columns) -> Named:
    """A table; modules without a hash get it from their graph."""
    if NAME in columns:
        keys = columns[NAME]
    else:
        graphs = zip(texts(columns, "adjacency"), texts(columns, "operations"), strict=True)
        keys = [_spec(adjacency, operations).fingerprint() for adjacency, operations in graphs]
    others = {name: cells for name, cells in columns.items() if name not in (NAME, "adjacency")}
    return keys, all_numbers(others)


def _spec(adjacency: str, operations: str) -> ModelSpec:
    size = isqrt(len(adjacency))
    if size * size != len(adjacency) or set(adjacency) - {"0", "1"}:
        raise OptunasError(
            f"an adjacency is a square matrix of 0 and 1, row after row; got {adjacency!r:.80}"
        )
    rows = [adjacency[row * size : (row + 1) * size] for row in range(size)]
    return ModelSpec(tuple(tuple(map(int, row)) for row in rows), tuple(operations.split(",")))


class _Means:
    """Means by row and column, of numbers that come in any order."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self._sums: dict[str, array[float]] = defaultdict(lambda: array("d"))
        self._counts: dict[str, array[float]] = defaultdict(lambda: array("d"))

    def add(self, key: str, column: str, number: float) -> None:
        row = self.rows.setdefault(key, len(self.rows))
        for numbers, more in ((self._sums[column], number), (self._counts[column], 1.0)):
            numbers.extend([0.0] * (row + 1 - len(numbers)))
            numbers[row] += more

    def columns(self) -> dict[str, Numbers]:
        """The means; NaN where nothing was added."""
        with np.errstate(invalid="ignore"):  # of 0 / 0
            return {
                name: self._full(sums) / self._full(self._counts[name])
                for name, sums in self._sums.items()
            }

    def _full(self, numbers: array[float]) -> Numbers:
        return np.pad(np.array(numbers), (0, len(self.rows) - len(numbers)))


def _averaged(found: Iterable[bytes]) -> Named:
    """The benchmark's records: hash, epochs, adjacency, operations, metrics."""
    means = _Means()
    for number, record in enumerate(found):
        try:
            key, epochs, adjacency, operations, metrics = json.loads(record)
            if not number and _spec(adjacency, operations).fingerprint() != key:
                raise OptunasError(f"the hash {key!r:.80} is not the one of its module")
            for column, value in _metrics(epochs, base64.b64decode(metrics)):
                means.add(key, column, value)
        except (ValueError, TypeError) as error:
            raise OptunasError(f"record {number + 1} is none of NAS-Bench-101: {error}") from None
    return list(means.rows), means.columns()


def _metrics(epochs: int, message: bytes) -> Iterator[tuple[str, float]]:
    """Of a `ModelMetrics`: evaluations before, half way through and after the training."""
    evaluations = []
    for number, value in fields(message):
        if number == 1 and isinstance(value, bytes):
            evaluations.append(value)
        elif number == 2:
            yield "params", float(value)
    suffixes = f"{epochs}@{epochs // 2}", f"{epochs}"
    for suffix, evaluation in zip(suffixes, evaluations[1:], strict=True):
        for number, value in fields(evaluation):
            if number in EVALUATION:
                yield EVALUATION[number] + suffix, float(value)
