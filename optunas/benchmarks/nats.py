"""The files of NAS-Bench-201 and NATS-Bench, read without their code.

| file | what it is |
|---|---|
| `NAS-Bench-201-v1_*.pth` | all results of NAS-Bench-201, saved by torch |
| `NATS-{tss,sss}-v1_0-*.pickle.pbz2` | all results of NATS-Bench, a pickle in bzip2 |
| `NATS-{tss,sss}-v1_0-*-simple/` | the same, a file `000000.pickle.pbz2` for each network |

A pickle may run code when it is loaded. These are dictionaries of numbers and strings, so nothing
but dictionaries, sets and numpy's numbers is let in: a file that asks for anything else (those
with trained weights do) is refused, and nothing of it has been run.

Inside, a network has results by training (`12`, `200`; `less` and `full` in the older file), each
with one record a data set and seed: accuracies and seconds by epoch, counted from 0, on the sets
`x-valid`, `x-test` and `ori-test` (Dong et al. 2021, arXiv:2009.00437, section 3).
"""

from __future__ import annotations

import bz2
import pickle
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import nan
from pathlib import Path
from typing import IO, Any

import numpy as np

from optunas.benchmarks.table import Table, tabulated
from optunas.errors import OptunasError
from optunas.spaces import NASBench201, NATSSize

ENDINGS = (".pth", ".pickle", ".pbz2")
SETS = {
    "cifar10_val": ("cifar10-valid", ("x-valid",)),
    "cifar10_test": ("cifar10", ("ori-test",)),
    "cifar100_val": ("cifar100", ("x-valid", "ori-test")),
    "cifar100_test": ("cifar100", ("x-test", "ori-test")),
    "imagenet16_val": ("ImageNet16-120", ("x-valid", "ori-test")),
    "imagenet16_test": ("ImageNet16-120", ("x-test", "ori-test")),
}
"""Metric -> the data set it was trained on, the set it is measured on.

Validation and test set of CIFAR-100 and ImageNet16-120 are halves of `ori-test`, which alone is
known after every epoch: a curve is taken from there where it is not known of the half."""

Record = Mapping[str, Any]


def spelled(space: NASBench201 | NATSSize, text: str) -> str:
    """A network's string as the space writes it; raises `OptunasError` where it is none."""
    params: Any = space.params(text)
    return space.to_string(params)


def is_native(path: Path) -> bool:
    """Whether it is one of the benchmarks' own files or folders."""
    return path.is_dir() or path.suffix in ENDINGS


def read_nats(
    path: Path, space: NASBench201 | NATSSize, metrics: Sequence[str], curve: bool = False
) -> Table:
    """The table of such a file: what every training came to, and the curve of each metric.

    Columns: `cifar10_val12`, ... (accuracy in %), `cifar10_seconds12`, ... (training and one
    validation, as the benchmark counts its budget), `cifar10_flops`, `cifar10_params` (millions),
    `cifar10_latency` (seconds), and with `curve` `cifar10_val12@3`, after that many epochs. All
    are means over the seeds. A network that was not trained for one of the metrics is left out.
    """
    keys, rows = [], []
    for results in _networks(path):
        try:
            name, row = _row(results, metrics if curve else ())
            keys.append(spelled(space, name))
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise OptunasError(
                f"{path.name!r} is no table of NAS-Bench-201 or NATS-Bench: network {len(keys)} "
                f"has no {error}"
            ) from None
        rows.append(row)
    columns = dict.fromkeys(name for row in rows for name in row)
    numbers = {name: np.array([row.get(name, nan) for row in rows]) for name in columns}
    return tabulated(keys, numbers, metrics, partial=True)


def _networks(path: Path) -> Iterator[Mapping[str, Record]]:
    """Of each network its results by training."""
    if not path.is_dir():
        whole = _load(path)
        networks = whole.get("arch2infos") if isinstance(whole, dict) else None
        if not isinstance(networks, dict):
            raise OptunasError(
                f"{path.name!r} is no table of NAS-Bench-201 or NATS-Bench: it has no 'arch2infos'"
            )
        yield from networks.values()
        return
    files = sorted(file for file in path.iterdir() if re.match(r"\d+\b", file.name))
    if not files:
        raise OptunasError(
            f"the folder {path.name!r} has no file like 000000.pickle.pbz2, one for each network"
        )
    yield from map(_load, files)


def _row(results: Mapping[str, Record], curves: Sequence[str]) -> tuple[str, dict[str, float]]:
    """A network's string, and its numbers."""
    row: dict[str, float] = {}
    name = ""
    for training in results.values():
        name = training["arch_str"]
        for metric, (data, sets) in SETS.items():
            seeds = training["dataset_seed"].get(data, ())
            records = [training["all_results"][data, seed] for seed in seeds]
            if records:
                row |= _known(_numbers(metric, sets, records, curves))
    return name, row


def _numbers(
    metric: str, sets: Sequence[str], records: Sequence[Record], curves: Sequence[str]
) -> dict[str, float | None]:
    """What the records, of one data set and one seed each, say of a metric."""
    epochs = records[0]["epochs"]
    column = f"{metric}{epochs}"
    numbers = {column: _accuracy(records, sets[:1], epochs - 1)}
    if column in curves:
        for epoch in range(epochs - 1):
            numbers[f"{column}@{epoch + 1}"] = _accuracy(records, sets, epoch)
    if metric.endswith("_val"):
        numbers |= _costs(records, metric.removesuffix("_val"), epochs, sets)
    return numbers


def _known(numbers: Mapping[str, float | None]) -> dict[str, float]:
    return {name: number for name, number in numbers.items() if number is not None}


def _accuracy(records: Sequence[Record], sets: Sequence[str], epoch: int) -> float | None:
    """On the first of the sets on which it is known after this epoch."""
    for name in sets:
        found = [record["eval_acc1es"].get(f"{name}@{epoch}") for record in records]
        if None not in found:
            return _mean(found)
    return None


def _costs(
    records: Sequence[Record], data: str, epochs: int, sets: Sequence[str]
) -> dict[str, float | None]:
    return {
        f"{data}_seconds{epochs}": _seconds(records, sets),
        f"{data}_flops": _mean([record.get("flop") for record in records]),
        f"{data}_params": _mean([record.get("params") for record in records]),
        f"{data}_latency": _mean([_mean(record.get("latency") or []) for record in records]),
    }


def _seconds(records: Sequence[Record], sets: Sequence[str]) -> float | None:
    """All of the training, and one evaluation."""
    totals: list[float] = []
    for record in records:
        training = record.get("train_times") or {}
        evaluations: dict[str, list[float]] = defaultdict(list)
        for name, taken in (record.get("eval_times") or {}).items():
            evaluations[name.partition("@")[0]].append(taken)
        evaluation = [_mean(evaluations[name]) for name in sets if evaluations[name]]
        if not training or not evaluation or evaluation[0] is None:
            return None
        totals.append(sum(training.values()) + evaluation[0])
    return _mean(totals)


def _mean(numbers: Sequence[Any]) -> float | None:
    known = [float(number) for number in numbers if number is not None]
    return sum(known) / len(known) if known and len(known) == len(numbers) else None


def _load(path: Path) -> Any:
    """What is in a file, which can't run anything."""
    try:
        if path.suffix == ".pth":
            return _load_with_torch(path)
        with bz2.open(path, "rb") if path.suffix == ".pbz2" else path.open("rb") as file:
            return _Plain(file).load()
    except OptunasError:
        raise
    except _BROKEN as error:
        said = str(error).partition("\n")[0]
        raise OptunasError(f"{path.name!r} can't be read as a benchmark's file: {said}") from None


def _load_with_torch(path: Path) -> Any:
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL (\S+)", str(error))
        if asked is None:
            raise
        raise _refused(asked[1]) from None


def _refused(name: str) -> OptunasError:
    return OptunasError(
        f"a benchmark's file holds numbers and texts; this one asks for {name}, which may run "
        "code: take the benchmark's own file, without weights"
    )


class _Plain(pickle.Unpickler):
    """Loads dictionaries, lists, sets, texts and numbers, and nothing else."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)

    def find_class(self, module: str, name: str) -> Any:
        if f"{module}.{name}" not in PLAIN:
            raise _refused(f"{module}.{name}")
        return super().find_class(module, name)


PLAIN = (
    "_codecs.encode",  # how numpy's numbers store their bytes
    "builtins.frozenset",
    "builtins.set",
    "collections.OrderedDict",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray.scalar",
    "numpy.dtype",
)
_BROKEN = (
    OSError,
    EOFError,
    pickle.UnpicklingError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RuntimeError,
)
"""What loading raises where a file is cut off or something else altogether."""
