"""The normal form: one spelling for each network.

Blocks are expanded, sequences flattened, layers that do nothing dropped, the terms of a sum and
the factors of a product sorted. Two descriptions are the same network exactly when their normal
forms are equal; the key is the normal form's hash, and the network is built from it, so equal keys
give equal modules by construction. Costs come along, summed over the same walk.

A concatenation keeps its order: another order is another network for the weights that follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ..errors import OptunasError, ShapeError
from .compose import Parallel, Sequential
from .layer import Block, Layer, Primitive, Shape
from .layers import IDEMPOTENT, Activation, Flatten, GlobalPool, Linear


@dataclass(frozen=True)
class Operation:
    """A primitive at the shape where it stands."""

    layer: Primitive
    token: str
    input: Shape
    output: Shape


@dataclass(frozen=True)
class Fork:
    """Branches that see the same input and meet again."""

    join: str
    branches: tuple[tuple[Step, ...], ...]
    token: str
    input: Shape
    output: Shape


Step = Operation | Fork


@dataclass(frozen=True)
class Lowered:
    """A description in its normal form: the steps in order, the output's shape, the cost."""

    steps: tuple[Step, ...]
    output: Shape
    params: int
    macs: int


@lru_cache(maxsize=1 << 16)  # blocks repeat, within a network and between candidates
def lower(layer: Layer, shape: Shape, classes: int | None) -> Lowered:
    """Bring a description to its normal form for inputs of `shape`.

    Raises `ShapeError`, which names the layer and what stands before it, where shapes don't fit.
    """
    match layer:
        case Sequential(layers=layers):
            return _sequence(layers, shape, classes)
        case Parallel():
            return _parallel(layer, shape, classes)
        case Block():
            return lower(layer.expand(shape), shape, classes)
        case Primitive():
            return _primitive(layer, shape, classes)
    raise OptunasError(
        f"a layer is a Primitive, a Block or a composition; {type(layer).__name__} is neither: "
        "derive it from Block and give it expand(shape)"
    )


def _primitive(layer: Primitive, shape: Shape, classes: int | None) -> Lowered:
    if isinstance(layer, Linear) and layer.features is None and classes is not None:
        layer = replace(layer, features=classes)
    output, params, macs = layer.output(shape), layer.params(shape), layer.macs(shape)
    if layer.is_identity(shape):
        return Lowered((), output, params, macs)
    layer = layer.resolved(shape)
    return Lowered((Operation(layer, str(layer), shape, output),), output, params, macs)


def _sequence(layers: Sequence[Layer], shape: Shape, classes: int | None) -> Lowered:
    steps: list[Step] = []
    params = macs = 0
    for position, layer in enumerate(layers):
        try:
            part = lower(layer, shape, classes)
        except ShapeError as error:
            raise _placed(error, layers, position) from None
        for step in part.steps:
            _append(steps, step)
        shape, params, macs = part.output, params + part.params, macs + part.macs
    return Lowered(tuple(steps), shape, params, macs)


def _append(steps: list[Step], step: Step) -> None:
    """Add a step, or merge it into the one before where both together are a single operation."""
    before = steps[-1] if steps else None
    if isinstance(step, Operation) and isinstance(before, Operation):
        match before.layer, step.layer:
            case Activation(kind=first), Activation(kind=then) if first == then in IDEMPOTENT:
                return
            case GlobalPool(keep=True), Flatten():
                flat = replace(before.layer, keep=False)
                steps[-1] = Operation(flat, str(flat), before.input, step.output)
                return
    steps.append(step)


def _parallel(layer: Parallel, shape: Shape, classes: int | None) -> Lowered:
    parts = [lower(branch, shape, classes) for branch in layer.branches]
    output = layer.joined([part.output for part in parts])
    params, macs = sum(part.params for part in parts), sum(part.macs for part in parts)
    if len(parts) == 1:
        return Lowered(parts[0].steps, output, params, macs)
    branches = [branch for part in parts for branch in _flat(part.steps, layer.join)]
    if layer.join != "concat":
        branches.sort(key=token)
    text = f"{layer.join}[{'|'.join(map(token, branches))}]"
    return Lowered((Fork(layer.join, tuple(branches), text, shape, output),), output, params, macs)


def _flat(branch: tuple[Step, ...], join: str) -> list[tuple[Step, ...]]:
    """A sum that is a term of a sum gives its terms; so with concatenations and products."""
    match branch:
        case (Fork(join=inner, branches=branches),) if inner == join:
            return list(branches)
    return [branch]


def token(steps: tuple[Step, ...]) -> str:
    """Steps as a text, equal exactly where the steps are."""
    return ">".join(step.token for step in steps)


def _placed(error: ShapeError, layers: Sequence[Layer], position: int) -> ShapeError:
    """Say once, at the innermost sequence that has something before the layer, where it stood."""
    text = str(error)
    if position == 0 or ", after " in text:
        return error
    return ShapeError(f"{text}, after {' > '.join(map(str, layers[:position][-3:]))}")
