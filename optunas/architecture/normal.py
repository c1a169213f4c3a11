"""The normal form: one spelling for each network.

Blocks are expanded, sequences flattened, layers that do nothing dropped, windows said as simply as
the image allows, the terms of a sum and the factors of a product sorted. Two descriptions are the
same network exactly when their normal forms are equal; the key is the normal form's hash, and the
network is built from it, so equal keys give equal modules by construction. Costs come along, summed
over the same walk.

A concatenation keeps its order: another order is another network for the weights that follow. What
is equal only by algebra (a 1x1 convolution and an average pooling may change places) stays two
networks, and their costs differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import index

from ..errors import OptunasError, ShapeError
from .compose import Parallel, Residual, Sequential, joined
from .layer import Block, Layer, Primitive, Shape, spelled
from .layers import Linear
from .merge import extend
from .steps import Fork, Operation, Step, token


@dataclass(frozen=True)
class Lowered:
    """A description in its normal form: the steps in order, shapes around them, the cost."""

    steps: tuple[Step, ...]
    input: Shape
    output: Shape
    params: int
    macs: int


def lower(architecture: Layer, input_shape: Sequence[int], classes: int | None) -> Lowered:
    """Bring a description to its normal form for inputs of `input_shape`.

    Raises `ShapeError`, which names the layer and what stands before it, where shapes don't fit.
    """
    shape, classes = _inputs(input_shape, classes)
    if not isinstance(architecture, Layer):
        raise _no_layer(architecture)
    try:
        return _whole(architecture, shape, classes)
    except RecursionError:
        raise OptunasError(
            "the architecture is nested too deeply, or a block expands to itself"
        ) from None


def _inputs(input_shape: Sequence[int], classes: int | None) -> tuple[Shape, int | None]:
    try:
        shape = tuple(map(index, input_shape))
        classes = None if classes is None else index(classes)
    except TypeError:
        shape = ()
    if not shape or min(shape) < 1 or (classes is not None and classes < 1):
        raise ShapeError(
            "an input has a shape of whole numbers, (channels, height, width) for images, and at "
            f"least one class; got {input_shape!r:.80} and {classes!r:.80} classes"
        )
    return shape, classes


@lru_cache(maxsize=128)  # price, key and network of one candidate are asked for in a row
def _whole(architecture: Layer, shape: Shape, classes: int | None) -> Lowered:
    return _lower(architecture, shape, classes)


def _lower(layer: Layer, shape: Shape, classes: int | None) -> Lowered:
    match layer:
        case Block() | Primitive():
            return _part(layer, shape, classes)
        case Sequential():
            return _sequence(layer.layers, shape, classes)
        case Parallel():
            parts = [_lower(branch, shape, classes) for branch in layer.branches]
            return _meet(parts, layer.join, shape)
        case Residual():
            body = _lower(layer.body, shape, classes)
            beside = _lower(layer.beside(shape, body.output), shape, classes)
            return _meet([body, beside], "sum", shape)
    raise _no_layer(layer)


def _no_layer(thing: object) -> OptunasError:
    called = f": call it, {thing.__name__}(...)" if isinstance(thing, type) else ""
    return OptunasError(
        f"an architecture is made of layers, each a Block, a Primitive or a composition; "
        f"got {thing!r:.80}{called}"
    )


@lru_cache(maxsize=1 << 15)  # parts repeat, within a network and between candidates
def _part(layer: Block | Primitive, shape: Shape, classes: int | None) -> Lowered:
    if isinstance(layer, Block):
        return _lower(layer.expand(shape), shape, classes)
    if isinstance(layer, Linear) and layer.features is None and classes is not None:
        layer = replace(layer, features=classes)
    output, params, macs = layer.output(shape), layer.params(shape), layer.macs(shape)
    layer = layer.resolved(shape)
    operation = Operation(layer, spelled(layer), shape, output)
    steps = () if layer.is_identity(shape) else (operation,)
    return Lowered(steps, shape, output, params, macs)


def _sequence(layers: Sequence[Layer], input_shape: Shape, classes: int | None) -> Lowered:
    steps: list[Step] = []
    shape, params, macs = input_shape, 0, 0
    for position, layer in enumerate(layers):
        try:
            part = _lower(layer, shape, classes)
        except ShapeError as error:
            raise _placed(error, layers[:position]) from None
        extend(steps, part.steps)
        shape, params, macs = part.output, params + part.params, macs + part.macs
    return Lowered(tuple(steps), input_shape, shape, params, macs)


def _meet(parts: list[Lowered], join: str, shape: Shape) -> Lowered:
    output = joined(join, [part.output for part in parts])
    params, macs = sum(part.params for part in parts), sum(part.macs for part in parts)
    if len(parts) == 1:
        return Lowered(parts[0].steps, shape, output, params, macs)
    branches = [branch for part in parts for branch in _flat(part.steps, join)]
    tokens = list(map(token, branches))
    if join != "concat":
        order = sorted(range(len(tokens)), key=tokens.__getitem__)
        branches, tokens = [branches[i] for i in order], [tokens[i] for i in order]
    fork = Fork(join, tuple(branches), f"{join}[{'|'.join(tokens)}]", shape, output)
    return Lowered((fork,), shape, output, params, macs)


def _flat(branch: tuple[Step, ...], join: str) -> Sequence[tuple[Step, ...]]:
    """A sum that is a term of a sum gives its terms; so with concatenations and products."""
    match branch:
        case (Fork(join=inner, branches=branches),) if inner == join:
            return branches
    return (branch,)


def _placed(error: ShapeError, before: Sequence[Layer]) -> ShapeError:
    """Say once, at the innermost sequence that has something before the layer, where it stood."""
    text = str(error)
    if not before or ", after " in text:
        return error
    return ShapeError(f"{text}, after {' > '.join(map(str, before[-3:]))}")
