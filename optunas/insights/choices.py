"""The choices that trials made, as tables of codes: one row a trial, one column a parameter."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial

from optunas.numeric import is_number, is_whole
from optunas.ranks import Array

MANY = 8
"""A numeric parameter with more different values than this is cut into ranges."""

RANGES = 4
ABSENT = -1
LABEL_LENGTH = 60
DEEPEST = 20

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Column:
    """A parameter. `codes` (n,): which of `labels` each trial chose, `ABSENT` where it has none or
    its choice has no effect (see `active`)."""

    name: str
    labels: tuple[str, ...]
    codes: Codes


def columns(trials: Sequence[FrozenTrial]) -> list[Column]:
    """Every parameter of the trials with two choices or more that somebody took, by name."""
    acting = [active(trial.params) for trial in trials]
    known: dict[str, BaseDistribution] = {}
    for trial in trials:
        known |= trial.distributions
    found = []
    for name in sorted(known):
        pairs = zip(trials, acting, strict=True)
        values = [trial.params.get(name) if name in on else None for trial, on in pairs]
        is_choice = isinstance(known[name], CategoricalDistribution)
        column = _choices(name, values) if is_choice else _numbers(name, values)
        if len(column.labels) > 1:
            found.append(column)
    return found


def active(params: Mapping[str, Any]) -> set[str]:
    """The parameters that can have an effect: not those of a stage or block that is not there.

    Spaces of optunas always suggest every decision (so that every sampler can model it). What is
    not there is told by name: `stage3.*` where `stages` is 2, `stage1.block2.*` where
    `stage1.depth` or `stage1.block.count` is 1, `block7.*` where `depth` is 6. Whether, say,
    `head.features` matters can't be read off a stored study; such a parameter is taken to matter,
    and its effect is then a mean over networks with and without it: too small, not wrong in sign.
    """
    return {name for name in params if _is_there(name, params)}


_NUMBERED = re.compile(r"(?P<before>(?:.*\.)?)(?P<word>[A-Za-z_]+)(?P<number>\d{1,9})\Z")


def _is_there(name: str, params: Mapping[str, Any]) -> bool:
    for number, counts in _stands_in(name):
        sizes = [params[count] for count in counts if count in params]
        size = sizes[0] if sizes else None
        if is_whole(size, 0) and number > size:
            return False
    return True


@lru_cache(maxsize=4096)
def _stands_in(name: str) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """The numbered parts that a parameter stands in, each with the names that would count them:
    `stage2.block1.op` in the 2nd of `stages`, and in the 1st of `stage2.blocks`, `stage2.depth`.
    """
    parts = name.split(".")[:DEEPEST]
    found = []
    for end in range(1, len(parts)):
        numbered = _NUMBERED.match(".".join(parts[:end]))
        if numbered is not None:
            before, word = numbered["before"], numbered["word"]
            counts = (f"{before}{word}s", f"{before}{word}.count", f"{before}depth")
            found.append((int(numbered["number"]), counts))
    return tuple(found)


def one_hot(columns: Sequence[Column], rows: int) -> Array:
    """(rows, choices) zeros and ones; all zero where a parameter is not there."""
    blocks = [column.codes[:, None] == np.arange(len(column.labels)) for column in columns]
    return np.hstack([np.zeros((rows, 0)), *blocks]).astype(np.float64)


def shown(choice: Any) -> str:
    """A choice as a short text."""
    said = f"{choice:.6g}" if isinstance(choice, float) else str(choice)
    said = said[:LABEL_LENGTH]
    if not said.isprintable():
        said = "".join(c if c.isprintable() else " " for c in said)
    return said or "''"


def _choices(name: str, values: Sequence[Any]) -> Column:
    """Choices in the order of numbers where they are numbers, else of their names."""
    said = [None if value is None else shown(value) for value in values]
    taken = {label: value for label, value in zip(said, values, strict=True) if label is not None}
    labels = sorted(taken, key=lambda label: _order(taken[label]))
    places = {label: place for place, label in enumerate(labels)}
    codes = [ABSENT if label is None else places[label] for label in said]
    return Column(name, tuple(labels), np.array(codes, dtype=np.int64))


def _numbers(name: str, values: Sequence[Any]) -> Column:
    """A number with few values by value, one with many by ranges that hold equally many."""
    numbers = np.array([np.nan if value is None else float(value) for value in values])
    there = np.isfinite(numbers)
    taken = np.unique(numbers[there])
    if len(taken) <= MANY:
        return _choices(name, [v if ok else None for v, ok in zip(values, there, strict=True)])
    edges = np.unique(np.quantile(numbers[there], np.linspace(0, 1, RANGES + 1)))
    codes = np.full(len(numbers), ABSENT, dtype=np.int64)
    codes[there] = np.clip(
        np.searchsorted(edges, numbers[there], side="right") - 1, 0, len(edges) - 2
    )
    labels = tuple(f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges))
    return Column(name, labels, codes)


def _order(choice: Any) -> tuple[int, float, str]:
    return (0, float(choice), "") if is_number(choice) else (1, 0.0, str(choice))
