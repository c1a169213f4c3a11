"""NAS-Bench-101 as an objective: from its TFRecord file, or from a table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from optunas.benchmarks.files import existing
from optunas.benchmarks.nasbench101_files import read_modules
from optunas.benchmarks.table import Table, tabulated
from optunas.benchmarks.tabular import TabularBenchmark, names_of
from optunas.spaces import NASBench101


def nasbench101(
    path: str | Path,
    metric: str | Sequence[str] = "test108",
    direction: str | Sequence[str] = "maximize",
    *,
    curve: bool = False,
) -> TabularBenchmark:
    """NAS-Bench-101 (Ying et al. 2019, arXiv:1902.09635): 423,624 modules, trained on CIFAR-10.

    `path`: the benchmark's own `nasbench_full.tfrecord` or `nasbench_only108.tfrecord` (some
    minutes; `benchmark.table.to_csv("nasbench101.csv.xz", "module_hash")` writes a table that is
    read faster); or a table, in CSV or as a JSON list of objects, whose rows have `module_hash`, or
    `adjacency` (0 and 1, row after row) and `operations` (with commas between), and numbers.

    `metric`: a column. Those of the benchmark are `train`, `val`, `test` (accuracies, 0 to 1) and
    `seconds` (of training), after 4, 12, 36 and 108 epochs (`val108`), and half way (`val108@54`),
    means over three repeats; and `params`, how many numbers are trained.

    `curve`: also report what is known on the way, so that pruners can be tried: the results of the
    shorter trainings, as if these were the beginning of the long one (they have schedules of their
    own); where the table has none, those from half way.

    Raises `OptunasError` for a file that is missing or something else, and an unknown column.
    """
    path, metrics, space = existing(path), names_of(metric), NASBench101()
    keys, columns = read_modules(path)
    table = tabulated(keys, columns, metrics, partial=".tfrecord" in path.suffixes)
    parts = re.fullmatch(r"(train|val|test)(\d+)", metrics[0]) if metrics else None
    split, epochs = parts.groups() if parts else ("", "0")
    known = _curve(table, split, int(epochs)) if curve and len(metrics) == 1 else {}
    seconds = f"seconds{epochs}"
    return TabularBenchmark(
        space,
        table,
        partial(fingerprint, space),
        metric,
        direction,
        known,
        int(epochs) if known else None,
        seconds if seconds in table.columns else 1.0,
    )


def fingerprint(space: NASBench101, params: Mapping[str, Any]) -> str:
    """What the benchmark calls the module of these parameters."""
    return space.spec(params).fingerprint()


def _curve(table: Table, split: str, last: int) -> dict[int, str]:
    """The columns of what is known before a training of `last` epochs ends."""
    shorter = {epochs: f"{split}{epochs}" for epochs in (4, 12, 36) if epochs < last}
    half = {last // 2: f"{split}{last}@{last // 2}"}
    for curve in (shorter, half):
        known = {epoch: name for epoch, name in curve.items() if table.is_full(name)}
        if known:
            return known
    return {}
