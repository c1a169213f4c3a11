"""What a box says about its layer: its name, its important arguments, its kind of operation."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import MISSING, fields
from typing import Any

from optunas.architecture.layer import Block, Layer
from optunas.architecture.layers import Norm

KINDS = ("conv", "pool", "linear", "attention", "recurrent", "plain", "block")
"""Kinds of operation; each has its colour."""

_KIND = {
    "BasicBlock": "block", "Bottleneck": "block", "MBConv": "block", "ConvNeXt": "block",
    "Graph": "block",
    "Activation": "plain", "Norm": "plain", "Dropout": "plain", "DropPath": "plain",
}  # fmt: skip
_HINTS = {
    "attention": "attention", "transformer": "attention", "window": "attention",
    "lstm": "recurrent", "gru": "recurrent", "recurrent": "recurrent", "pool": "pool",
    "linear": "linear", "perceptron": "linear", "patch": "conv", "conv": "conv",
}  # fmt: skip


def kind_of(layer: Layer) -> str:
    """The kind of operation, by the layer's name: users' own layers have one as well."""
    name = type(layer).__name__
    if name in _KIND:
        return _KIND[name]
    hints = (kind for hint, kind in _HINTS.items() if hint in name.lower())
    return next(hints, "block" if isinstance(layer, Block) else "plain")


def words_of(layer: Layer, shaped: bool) -> list[str]:
    """The important arguments: those that always matter, and what differs from its default.

    `shaped`: the shape is written beside it, which says the channels already.
    """
    said, name = [], type(layer).__name__
    for field in fields(layer):
        value = getattr(layer, field.name)
        if field.name in _SILENT | _GROWS.get(name, set()) or (shaped and field.name in _IN_SHAPE):
            continue
        required = field.default is MISSING
        if required or field.name in _ALWAYS or value != field.default:
            say = _SAY.get(field.name)
            said.append(say(value) if say else _say(field.name, value))
    if said and getattr(layer, "kind", None) == said[0] and len(said) > 1:
        said[:2] = [f"{said[0]} {said[1]}"]  # "max 3×3"
    return [word for word in said if word]


def identity(layer: Layer) -> Hashable:
    """Equal for layers that are one for the eye: how often a path is dropped grows with depth."""
    kind = type(layer)
    values = ((f.name, getattr(layer, f.name)) for f in fields(layer))
    return (kind, *(v for name, v in values if name not in _GROWS.get(kind.__name__, _DEPTH)))


_DEPTH = {"drop_path"}
_GROWS = {"DropPath": {"p"}}
_SILENT = {
    "drop_path", "padding", "eps", "init", "ceil", "count_padding", "keep", "momentum", "layers",
    "branches",
}  # fmt: skip
"""Real, and in the tooltip; not what one looks for in a picture."""
_IN_SHAPE = {"channels", "features"}
_ALWAYS = {"kernel", "kind", "p", "features", "heads", "expansion"}


def _by(value: Any) -> str:
    return "×".join(map(str, value if isinstance(value, tuple) else (value, value)))


def _once(value: Any) -> str:
    return "×".join(map(str, value)) if isinstance(value, tuple) else str(value)


_SAY: dict[str, Callable[[Any], str]] = {
    "channels": lambda v: f"{v} channels",
    "features": lambda v: "one per class" if v is None else str(v),
    "kernel": _by,
    "stride": lambda v: f"stride {_once(v)}",
    "dilation": lambda v: f"dilation {_once(v)}",
    "groups": lambda v: "depthwise" if v == 0 else f"{v} groups",
    "squeezed": lambda v: f"by {v} channels",
    "kind": str,
    "times": lambda v: "once" if v == 1 else f"{v} times",
    "p": lambda v: f"{100 * v:.3g} %",
}


def _say(name: str, value: Any) -> str:
    name = name.replace("_", " ")
    match value:
        case bool():
            return name if value else f"no {name}"
        case None:
            return f"no {name}"
        case str() if name in ("activation", "mode"):
            return value
        case float():
            return f"{name} {value:.3g}"
        case Norm():
            return "" if value.kind == "batch" else f"{value.kind} norm"
        case Layer():
            kind = type(value).__name__
            return kind if name == "attention" else f"{name} {kind}"
        case tuple():
            return f"{name} {'-'.join(map(_short, value))}"
    return f"{name} {value}"


def _short(value: Any) -> str:
    return type(value).__name__ if isinstance(value, Layer) else str(value)
