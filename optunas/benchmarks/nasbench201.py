"""NAS-Bench-201 and NATS-Bench as objectives: from a CSV, or from the benchmarks' own files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from optunas.benchmarks.files import all_numbers, existing, read_csv, texts
from optunas.benchmarks.nats import is_native, read_nats, spelled
from optunas.benchmarks.table import Table, tabulated
from optunas.benchmarks.tabular import TabularBenchmark, names_of
from optunas.spaces import NASBench201, NATSSize

NAME = "arch_str"
"""The column of a CSV that holds the benchmark's own string."""


def nasbench201(
    path: str | Path,
    metric: str | Sequence[str] = "cifar10_test200",
    direction: str | Sequence[str] = "maximize",
    *,
    curve: bool = False,
) -> TabularBenchmark:
    """NAS-Bench-201 (Dong & Yang 2020, arXiv:2001.00326): 15,625 cells, trained on three data sets.

    `path`: a CSV file (.csv, .csv.gz, .csv.xz, .csv.bz2) with the column `arch_str` and columns of
    numbers, or a file of the benchmark (see `optunas.benchmarks.nats`): `NAS-Bench-201-v1_1-*.pth`,
    `NATS-tss-v1_0-*.pickle.pbz2`, or the folder `NATS-tss-v1_0-*-simple`. The latter take minutes
    and memory: `benchmark.table.to_csv("nasbench201.csv.xz", "arch_str")` is read in a second.

    `metric`: a column. Those of the benchmark's files are called `cifar10_val12`: after the data
    (cifar10, cifar100, imagenet16), the split (val, test) and how many epochs the training had (12,
    200); accuracies in %, means over the seeds. Seconds are those of the benchmark, for training
    and one validation (columns like `cifar10_seconds200`); without them a trial takes 1.

    `curve`: also report what is known on the way, so that pruners can be tried (Optuna's
    `create_study` has one by default): the metric after each epoch of its training, where the file
    knows that; else, for a training of 200 epochs, the validation accuracy of the one that had 12,
    which is another training with its own schedule.

    Raises `OptunasError` for a file that is missing or something else, and an unknown column.
    """
    return _benchmark(NASBench201(), path, metric, direction, curve)


def natssize(
    path: str | Path,
    metric: str | Sequence[str] = "cifar10_test90",
    direction: str | Sequence[str] = "maximize",
    *,
    curve: bool = False,
) -> TabularBenchmark:
    """NATS-Bench's size space (Dong et al. 2021, arXiv:2009.00437): 32,768 networks.

    As `nasbench201`. Files: `NATS-sss-v1_0-*.pickle.pbz2` or the folder `NATS-sss-v1_0-*-simple`;
    trainings have 1, 12 and 90 epochs, `arch_str` is `8:16:32:48:64`.
    """
    return _benchmark(NATSSize(), path, metric, direction, curve)


def _benchmark(
    space: NASBench201 | NATSSize,
    path: str | Path,
    metric: str | Sequence[str],
    direction: str | Sequence[str],
    curve: bool,
) -> TabularBenchmark:
    path, metrics = existing(path), names_of(metric)
    if is_native(path):
        table = read_nats(path, space, metrics, curve)
    else:
        columns = read_csv(path)
        keys = [spelled(space, text) for text in texts(columns, NAME)]
        table = tabulated(keys, all_numbers(columns), metrics)
    parts = re.fullmatch(r"(\w+)_(?:val|test)(\d+)", metrics[0]) if metrics else None
    data, epochs = parts.groups() if parts else ("", "0")
    known = _curve(table, metrics[0], data, int(epochs)) if curve and len(metrics) == 1 else {}
    seconds = f"{data}_seconds{epochs}"
    return TabularBenchmark(
        space,
        table,
        space.to_string,
        metric,
        direction,
        known,
        int(epochs) if known else None,
        seconds if seconds in table.columns else 1.0,
    )


def _curve(table: Table, metric: str, data: str, epochs: int) -> dict[int, str]:
    """The columns of what is known before the metric's training ends."""
    before = (column.partition("@") for column in table.columns)
    curve = {int(step): f"{metric}@{step}" for name, _, step in before if step and name == metric}
    if not curve and epochs > 12:
        curve = {12: f"{data}_val12"}
    return {step: name for step, name in curve.items() if table.is_full(name)}
