"""The JSON form of an architecture, as trials store it: names and values, defaults left out.

`{"layer": "Conv", "channels": 32, "kernel": 5}`. Stored studies outlive versions: a layer's name,
its fields and their defaults are promises (tests/architecture/promises.json holds them).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from optunas.architecture.compose import Parallel, Sequential
from optunas.architecture.graph import Graph, Node
from optunas.architecture.layer import Layer
from optunas.errors import OptunasError

SPREAD: dict[type[Layer], str] = {
    Sequential: "layers",
    Parallel: "branches",
    Graph: "nodes",
    Node: "sources",
}
"""Compositions take their parts one by one: `Sequential(a, b)`."""


def to_json(architecture: Layer) -> dict[str, Any]:
    """A dictionary of strings, numbers, lists and dictionaries that `from_json` reads back."""
    said = {"layer": type(architecture).__name__}
    for field in fields(architecture):
        value = getattr(architecture, field.name)
        if field.default is MISSING or value != field.default:
            said[field.name] = _plain(value)
    return said


def from_json(said: Mapping[str, Any]) -> Layer:
    """The architecture that `to_json` described; checked as if written by hand.

    Raises `OptunasError` for an unknown kind of layer, a missing or unknown field, a bad value.
    """
    try:
        return _read(said)
    except RecursionError:
        raise OptunasError("the architecture is nested too deeply to be read") from None


def _read(said: Any) -> Layer:
    if not isinstance(said, Mapping) or "layer" not in said:
        raise OptunasError(f'an architecture is an object with a "layer"; got {said!r:.80}')
    kind = Layer.kinds.get(said["layer"]) if isinstance(said["layer"], str) else None
    if kind is None:
        raise OptunasError(
            f"unknown kind of layer {said['layer']!r:.80}: import the module that defines it "
            "before reading the architecture"
        )
    values = {name: _live(value) for name, value in said.items() if name != "layer"}
    parts = values.pop(SPREAD[kind], ()) if kind in SPREAD else ()
    try:
        return kind(*parts, **values)
    except TypeError as error:
        raise OptunasError(f"{kind.__name__} can't be read from {said!r:.80}: {error}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Layer):
        return to_json(value)
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def _live(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _read(value)
    return tuple(_live(part) for part in value) if isinstance(value, list) else value
