"""What changed between two trials: layers, parameters, recipe, costs and scores. No torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from math import isfinite
from typing import Any

from optuna.trial import FrozenTrial

from optunas.architecture import Row
from optunas.attributes import number
from optunas.described import described
from optunas.errors import OptunasError
from optunas.insights.choices import active
from optunas.wording import COUNT, SHARE

ROWS_LIMIT = 500  # layers of a network that are held against another's; none of ours has as many
SCORES = {"accuracy": SHARE, "f1": SHARE}
COSTS = {
    "params": "",
    "macs": COUNT,
    "latency_ms": "ms",
    "inference_memory_mb": "MiB",
    "memory_mb": "MiB",
    "train_seconds": "s",
}
"""The units of the attributes."""


@dataclass(frozen=True)
class Change:
    """A setting that differs; None is none: the other network alone has it."""

    name: str
    one: Any
    other: Any


@dataclass(frozen=True)
class Gap:
    """A number of both trials; None where a trial lacks it. `unit` as `wording` has it."""

    name: str
    unit: str
    one: float | None
    other: float | None

    @property
    def difference(self) -> float | None:
        """Other minus one."""
        return None if self.one is None or self.other is None else self.other - self.one


@dataclass(frozen=True)
class LayerLine:
    """A line of the diff of two networks: a layer of both (`=`), of one (`-`), of the other (`+`).

    `row` is the other's where both have it; its cost differs where its input does.
    """

    mark: str
    row: Row


@dataclass(frozen=True)
class Difference:
    """What changed from trial `one` to trial `other`.

    parameters: those that differ, without those of stages and blocks that neither network has;
    `alike` is the number of those that do not. layers: None where
    one of the networks can't be read, and `unread` says why. same_network: equal canonical keys,
    None where a trial has none. scores, costs: those that at least one trial has.
    """

    one: int
    other: int
    parameters: tuple[Change, ...]
    alike: int
    recipe: tuple[Change, ...]
    layers: tuple[LayerLine, ...] | None
    unread: str
    same_network: bool | None
    scores: tuple[Gap, ...]
    costs: tuple[Gap, ...]


def difference(one: FrozenTrial, other: FrozenTrial) -> Difference:
    """What changed between two trials of a study, or of two with the same kind of network.

    Never raises for what a trial holds: whatever can't be read is told in `unread` or left out.
    """
    mine, theirs = _acting(one), _acting(other)
    parameters = tuple(_changes(mine, theirs))
    layers, unread = _layers(one, other)
    return Difference(
        one=one.number,
        other=other.number,
        parameters=parameters,
        alike=len(mine.keys() | theirs.keys()) - len(parameters),
        recipe=tuple(_changes(_mapping(one, "recipe"), _mapping(other, "recipe"))),
        layers=layers,
        unread=unread,
        same_network=_same(one.user_attrs.get("key"), other.user_attrs.get("key")),
        scores=(*_gaps(one, other, SCORES), *_values(one, other)),
        costs=_gaps(one, other, COSTS),
    )


def _acting(trial: FrozenTrial) -> dict[str, Any]:
    """The parameters that the network follows from: not those of a stage that it does not have."""
    acting = active(trial.params)
    return {name: value for name, value in trial.params.items() if name in acting}


def _changes(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys([*one, *other]):
        change = Change(str(name), one.get(name), other.get(name))
        if not _equal(change.one, change.other):
            yield change


def _equal(one: Any, other: Any) -> bool:
    return bool(one == other) or (one != one and other != other)  # two NaNs are no change


def _mapping(trial: FrozenTrial, name: str) -> Mapping[str, Any]:
    found = trial.user_attrs.get(name)
    return found if isinstance(found, dict) else {}


def _same(one: Any, other: Any) -> bool | None:
    return one == other if isinstance(one, str) and isinstance(other, str) else None


def _gaps(one: FrozenTrial, other: FrozenTrial, units: Mapping[str, str]) -> tuple[Gap, ...]:
    gaps = [Gap(n, unit, _finite(one, n), _finite(other, n)) for n, unit in units.items()]
    return tuple(gap for gap in gaps if not gap.one is gap.other is None)


def _finite(trial: FrozenTrial, name: str) -> float | None:
    found = number(trial, name)
    return found if found is not None and isfinite(found) else None


def _values(one: FrozenTrial, other: FrozenTrial) -> Iterator[Gap]:
    """The values, where they are not the accuracy once more."""
    left, right = one.values or [], other.values or []
    several = max(len(left), len(right)) > 1
    for index in range(max(len(left), len(right))):
        pair = [found[index] if index < len(found) else None for found in (left, right)]
        known = [(trial, v) for trial, v in zip((one, other), pair, strict=True) if v is not None]
        if not all(_told(trial, value) for trial, value in known):
            yield Gap(f"value {index + 1}" if several else "value", "", *pair)


def _told(trial: FrozenTrial, value: float) -> bool:
    return any(_finite(trial, name) == value for name in (*SCORES, *COSTS))


def _layers(one: FrozenTrial, other: FrozenTrial) -> tuple[tuple[LayerLine, ...] | None, str]:
    rows: list[list[Row]] = []
    for trial in (one, other):
        try:
            rows.append(_rows(trial))
        except OptunasError as error:
            return None, f"trial {trial.number}: {error}"
    return tuple(_diff(*rows)), ""


def _rows(trial: FrozenTrial) -> list[Row]:
    rows = described(trial).rows()
    if len(rows) > ROWS_LIMIT:
        raise OptunasError(f"a network of {len(rows)} layers is too long to be held against one")
    return rows


def _diff(one: Sequence[Row], other: Sequence[Row]) -> Iterator[LayerLine]:
    texts = [[str(row.layer) for row in rows] for rows in (one, other)]
    for kind, a, b, c, d in SequenceMatcher(a=texts[0], b=texts[1], autojunk=False).get_opcodes():
        if kind == "equal":
            yield from (LayerLine("=", row) for row in other[c:d])
        else:
            yield from (LayerLine("-", row) for row in one[a:b])
            yield from (LayerLine("+", row) for row in other[c:d])
