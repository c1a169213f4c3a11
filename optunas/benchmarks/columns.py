"""`ColumnSpace`: the search space that the columns of a table span."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, prod
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import BaseTrial

from optunas.benchmarks.files import Columns, texts
from optunas.errors import OptunasError
from optunas.spaces.draw import draw
from optunas.spaces.space import Suggests, suggestion

Choice = bool | int | float | str


@dataclass(frozen=True)
class ColumnSpace:
    """A parameter for each column, its choices the values that the table has.

    Whole numbers at equal distances are suggested as such; other numbers, truth values and texts
    are choices, in rising order. Not every combination need be in the table.
    """

    distributions: Mapping[str, BaseDistribution]

    @classmethod
    def read(cls, columns: Columns, params: Sequence[str]) -> ColumnSpace:
        """The space of these columns.

        Raises `OptunasError` for one that is not there or has empty cells.
        """
        return cls({name: _distribution(_values(columns, name)) for name in params})

    def __call__(self, trial: BaseTrial) -> dict[str, Any]:
        """Choose a value of each column: a search space that describes no network."""
        return {name: _suggested(trial, name, d) for name, d in self.distributions.items()}

    def size(self) -> int:
        """How many combinations."""
        return prod(map(_size, self.distributions.values()))


def key_of(names: Sequence[str], params: Mapping[str, Any]) -> Hashable:
    """What the table calls the network with these parameters: their values; None for one that a
    conditional space did not suggest."""
    return tuple(params.get(name) for name in names)


def keys_of(columns: Columns, names: Sequence[str], holes: bool = False) -> list[Hashable]:
    """What each row is called; with `holes` an empty cell is a parameter that is not there."""
    return list(zip(*(_values(columns, name, holes) for name in names), strict=True))


def space_of(
    columns: Columns,
    results: Sequence[str],
    params: Sequence[str] | None = None,
    space: Suggests | None = None,
) -> tuple[Suggests, tuple[str, ...]]:
    """A table's search space, and the columns that are its parameters.

    `results` are the columns that are none. Raises `OptunasError` where it is not clear which are.
    """
    if params is not None and (isinstance(params, str) or not params):
        raise OptunasError(f"params is a list of column names; got {params!r}")
    if params is None and space is not None:
        names = tuple(draw(suggestion(space), np.random.default_rng(0)).params)
    else:
        names = tuple(params or (name for name in columns if name not in results))
    both = [name for name in names if name in results]
    if both:
        raise OptunasError(f"column {both[0]!r} can't be a parameter and a result")
    if space is None:
        space = ColumnSpace.read(columns, names) if params else _plain_space(columns, names)
    return space, names


def _plain_space(columns: Columns, names: Sequence[str]) -> ColumnSpace:
    """The space of all these columns, if the table holds each of its combinations once."""
    if not names:
        raise OptunasError("a table needs at least one column more than the metrics: a parameter")
    space = ColumnSpace.read(columns, names)
    rows = len(columns[names[0]])
    if space.size() != rows or len(set(keys_of(columns, names))) != rows:
        raise OptunasError(
            f"taken as parameters, the columns {', '.join(names)[:200]} have {space.size():,} "
            f"combinations, and the table has {rows:,} rows: say which columns are parameters, "
            f"params=({names[0]!r}, ...)"
        )
    return space


def _values(columns: Columns, name: str, holes: bool = False) -> Sequence[Choice | None]:
    """The cells as whole numbers, numbers, truth values, or else as the texts they are."""
    cells = [cell.strip() for cell in texts(columns, name)]
    if "" in cells and not holes:
        raise OptunasError(
            f"a parameter has a value in every row; {name!r} is empty in row "
            f"{cells.index('') + 1}: write, for example, none, or leave it out of params=(...)"
        )
    different = set(cells) - {""}
    for kind in (_whole, _number, _truth, str):
        found = {cell: value for cell in different if (value := kind(cell)) is not None}
        if len(found) == len(different):
            break
    return [found.get(cell) for cell in cells]


def _whole(cell: str) -> int | None:
    return int(cell) if cell.removeprefix("-").isdecimal() else None


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _truth(cell: str) -> bool | None:
    return {"true": True, "false": False}.get(cell.lower())


def _distribution(values: Sequence[Choice | None]) -> BaseDistribution:
    choices: list[Any] = sorted(set(values))  # all of one kind
    gaps = {b - a for a, b in pairwise(choices)} if type(choices[0]) is int else set()
    if len(gaps) == 1:
        return IntDistribution(choices[0], choices[-1], step=gaps.pop())
    return CategoricalDistribution(choices)


def _suggested(trial: BaseTrial, name: str, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(name, distribution.low, distribution.high, step=distribution.step)
    assert isinstance(distribution, CategoricalDistribution)
    return trial.suggest_categorical(name, distribution.choices)


def _size(distribution: BaseDistribution) -> int:
    if isinstance(distribution, IntDistribution):
        return (distribution.high - distribution.low) // distribution.step + 1
    assert isinstance(distribution, CategoricalDistribution)
    return len(distribution.choices)
