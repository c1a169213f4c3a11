"""A network as the Python expression that makes it, of torch's layers and ours."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Any

from torch import Tensor, nn

from optunas.errors import OptunasError

WIDTH = 100
PLACE = {"device", "dtype"}


def expression(network: nn.Module, indent: int = 0) -> str:
    """The expression that makes a network of this structure, its lines `indent` spaces further in.

    Raises `OptunasError` for a module of which it is not known how it was made.
    """
    return _written(_call(network), indent)


def own_classes(network: nn.Module) -> list[type[nn.Module]]:
    """The classes of its modules that torch does not have, by name."""
    found = {type(module) for module in network.modules() if not _is_torchs(type(module))}
    return sorted(found, key=lambda kind: kind.__name__)


class _Call(tuple[str, tuple[Any, ...]]):
    """What is called, and the arguments: texts, calls, and lists of them."""


def _call(module: nn.Module) -> _Call:
    kind = type(module)
    name = f"nn.{kind.__name__}" if _is_torchs(kind) else kind.__name__
    if isinstance(module, nn.Sequential):
        return _Call((name, tuple(map(_call, module))))
    return _Call((name, tuple(_arguments(module))))


def _arguments(module: nn.Module) -> Iterator[Any]:
    """Those of `__init__` without a default, and those that differ from it."""
    for parameter in _parameters(type(module)):
        name, default = parameter.name, parameter.default
        try:
            value = _given(module, name)
        except AttributeError:
            raise OptunasError(
                f"a module keeps what it was made with; {type(module).__name__} has no "
                f"{name!r}: it can't be written down as Python"
            ) from None
        if isinstance(value, nn.Module | nn.ModuleList):
            yield _value(value)
        elif default is inspect.Parameter.empty:
            yield repr(value)
        elif value != default:
            yield f"{name}={value!r}"


def _value(value: nn.Module) -> Any:
    return [_value(one) for one in value] if isinstance(value, nn.ModuleList) else _call(value)


def _parameters(kind: type[nn.Module]) -> list[inspect.Parameter]:
    if issubclass(kind, nn.RNNBase):  # whose subclasses say *args
        known = inspect.signature(nn.RNNBase).parameters
        skipped = {"mode", "proj_size", *PLACE}
    else:
        known, skipped = inspect.signature(kind).parameters, set(PLACE)
    skipped |= {name for name, found in known.items() if found.kind in _ANY}
    return [parameter for name, parameter in known.items() if name not in skipped]


_ANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _given(module: nn.Module, name: str) -> Any:
    """What `__init__` was given under a name: a pair of equal numbers as one number."""
    value = getattr(module, name)
    if name == "bias" and (value is None or isinstance(value, Tensor)):
        return value is not None
    if isinstance(value, tuple) and _is_torchs(type(module)) and len(set(value)) == 1:
        return value[0]
    return value


def _is_torchs(kind: type[nn.Module]) -> bool:
    return kind.__module__.partition(".")[0] == "torch"


def _written(what: Any, indent: int) -> str:
    """On one line where there is room, else an argument a line."""
    if isinstance(what, str):
        return what
    name, inner, ends = (*what, "()") if isinstance(what, _Call) else ("", what, "[]")
    line = name + ends[0] + ", ".join(_written(one, 0) for one in inner) + ends[1]
    has_parts = any(not isinstance(one, str) for one in inner)
    if "\n" not in line and indent + len(line) < WIDTH and not (has_parts and name == SEQUENCE):
        return line
    return "\n".join([name + ends[0], *_lines(inner, indent + 4), " " * indent + ends[1]])


SEQUENCE = "nn.Sequential"  # always a layer a line: that is what one reads


def _lines(inner: Iterable[Any], indent: int) -> Iterator[str]:
    for one in inner:
        yield " " * indent + _written(one, indent) + ","
