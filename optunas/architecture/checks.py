"""Checks that layers make of their values when they are made; what passes is trusted afterwards."""

from __future__ import annotations

from typing import Any

from optunas.architecture.layer import Layer
from optunas.errors import OptunasError
from optunas.numeric import is_number, is_whole


def positive(owner: object, **numbers: object) -> None:
    """Check that each named value is a whole number of at least 1."""
    for name, value in numbers.items():
        if not is_whole(value, 1):
            raise _wrong(owner, name, value, "a whole number of at least 1")


def positive_pair(owner: object, **pairs: object) -> None:
    """Check that each named value is a whole number of at least 1, or two of them."""
    for name, value in pairs.items():
        if not _whole_pair(value, 1):
            raise _wrong(owner, name, value, "a whole number of at least 1, or a pair of them")


def natural_pair(owner: object, **pairs: object) -> None:
    """Check that each named value is a whole number of at least 0, or two of them."""
    for name, value in pairs.items():
        if not _whole_pair(value, 0):
            raise _wrong(owner, name, value, "a whole number of at least 0, or a pair of them")


def fraction(owner: object, **numbers: Any) -> None:
    """Check that each named number lies in [0, 1)."""
    for name, value in numbers.items():
        if not is_number(value) or not 0 <= value < 1:
            raise _wrong(owner, name, value, "at least 0 and below 1")


def number(owner: object, **numbers: Any) -> None:
    """Check that each named value is a finite number."""
    for name, value in numbers.items():
        if not is_number(value):
            raise _wrong(owner, name, value, "a finite number")


def boolean(owner: object, **values: object) -> None:
    """Check that each named value is True or False."""
    for name, value in values.items():
        if not isinstance(value, bool):
            raise _wrong(owner, name, value, "True or False")


def layer_or_none(owner: object, **values: object) -> None:
    """Check that each named value is a layer, or None."""
    for name, value in values.items():
        if value is not None and not isinstance(value, Layer):
            raise _wrong(owner, name, value, "a layer, or None")


def one_of(owner: object, **values: tuple[object, tuple[object, ...]]) -> None:
    """Check that each named value is among its allowed ones."""
    for name, (value, allowed) in values.items():
        if value not in allowed:
            raise _wrong(owner, name, value, f"one of {', '.join(map(str, allowed))}")


def _wrong(owner: object, name: str, value: object, law: str) -> OptunasError:
    return OptunasError(f"{type(owner).__name__}.{name} must be {law}; got {value!r:.80}")


def _whole_pair(value: object, least: int) -> bool:
    if isinstance(value, tuple):
        return len(value) == 2 and all(is_whole(part, least) for part in value)
    return is_whole(value, least)
