"""The normal form: one spelling for each network.

Blocks are expanded, sequences flattened, layers that do nothing dropped, windows said as simply as
the image allows, the terms of a sum and the factors of a product sorted, zeros and what only they
need left out; graphs become sequences and forks as far as they can (weave.py says how). Two
descriptions are the same network exactly when their normal forms are equal; the key is the normal
form's hash, and the network is built from it, so equal keys give equal modules by construction.
Costs come along, summed over the same walk.

A concatenation keeps its order: another order is another network for the weights that follow. What
is equal only by algebra (a 1x1 convolution and an average pooling may change places) stays two
networks, and their costs differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import index

from optunas.architecture.compose import Parallel, Residual, Sequential, joined
from optunas.architecture.flow import meet, silent
from optunas.architecture.graph import Graph, Node
from optunas.architecture.layer import Block, Layer, Primitive, Shape, spelled
from optunas.architecture.steps import Operation, Step, price
from optunas.architecture.weave import Weave, follow
from optunas.errors import OptunasError, ShapeError


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
        case Graph():
            return _graph(layer, shape, classes)
    raise _no_layer(layer)


def _no_layer(thing: object) -> OptunasError:
    if isinstance(thing, Node):
        return OptunasError(f"a Node stands in a Graph: Graph({thing!s:.60}, ...)")
    called = f": call it, {thing.__name__}(...)" if isinstance(thing, type) else ""
    return OptunasError(
        f"an architecture is made of layers, each a Block, a Primitive or a composition; "
        f"got {thing!r:.80}{called}"
    )


@lru_cache(maxsize=1 << 15)  # parts repeat, within a network and between candidates
def _part(layer: Block | Primitive, shape: Shape, classes: int | None) -> Lowered:
    if isinstance(layer, Block):
        return _lower(layer.expand(shape), shape, classes)
    if classes is not None:
        layer = layer.for_classes(classes)
    output, params, macs = layer.output(shape), layer.params(shape), layer.macs(shape)
    layer = layer.resolved(shape)
    operation = Operation(layer, spelled(layer), shape, output)
    steps = () if layer.is_identity(shape) else (operation,)
    return Lowered(steps, shape, output, params, macs)


def _sequence(layers: Sequence[Layer], input_shape: Shape, classes: int | None) -> Lowered:
    steps: list[Step] = []
    shape, params, macs, less = input_shape, 0, 0, False
    for position, layer in enumerate(layers):
        try:
            part = _lower(layer, shape, classes)
        except ShapeError as error:
            raise _placed(error, layers[:position]) from None
        less |= follow(steps, part.steps)
        shape, params, macs = part.output, params + part.params, macs + part.macs
    if less:
        params, macs = price(steps)
    return Lowered(tuple(steps), input_shape, shape, params, macs)


def _meet(parts: list[Lowered], join: str, shape: Shape) -> Lowered:
    output = joined(join, [part.output for part in parts])
    steps = meet([part.steps for part in parts], join, shape)
    if any(silent(part.steps) for part in parts):
        return Lowered(steps, shape, output, *price(steps))
    params, macs = sum(part.params for part in parts), sum(part.macs for part in parts)
    return Lowered(steps, shape, output, params, macs)


@lru_cache(maxsize=1 << 12)  # cells repeat
def _graph(graph: Graph, shape: Shape, classes: int | None) -> Lowered:
    if graph.inputs > 1:
        raise ShapeError(
            f"a Graph of {graph.inputs} inputs is what a Node with as many sources does `then`, in "
            "another Graph; it stands where there is one input"
        )
    weave = Weave(shape)
    sink = _woven(weave, graph, [0], classes)
    output, steps = weave.knots[sink].shape, weave.steps(sink)
    return Lowered(steps, shape, output, *price(steps))


def _woven(weave: Weave, graph: Graph, inputs: list[int], classes: int | None) -> int:
    """Add a graph to `weave`; gives the number of its output there."""
    numbers = list(inputs)
    for node in graph.nodes:
        try:
            numbers.append(_knotted(weave, node, numbers, classes))
        except ShapeError as error:
            raise _located(error, len(numbers)) from None
    return numbers[-1]


def _knotted(weave: Weave, node: Node, numbers: list[int], classes: int | None) -> int:
    sources = [numbers[number] for number, _ in node.edges]
    shapes = [weave.knots[source].shape for source in sources]
    layers = [layer for _, layer in node.edges]
    parts = [_lower(layer, shape, classes) for layer, shape in zip(layers, shapes, strict=True)]
    edges = [(source, part.steps) for source, part in zip(sources, parts, strict=True)]
    outputs = [part.output for part in parts]
    if isinstance(node.then, Graph) and node.then.inputs > 1:
        ends = [weave.add("sum", [e], shape) for e, shape in zip(edges, outputs, strict=True)]
        return _woven(weave, node.then, ends, classes)
    number = weave.add(node.join, edges, joined(node.join, outputs))
    if node.then is None:
        return number
    part = _lower(node.then, weave.knots[number].shape, classes)
    return weave.add("sum", [(number, part.steps)], part.output)


def _located(error: ShapeError, number: int) -> ShapeError:
    """Say once, at the innermost graph, which node it was."""
    text = str(error)
    return error if ", at node " in text else ShapeError(f"{text}, at node {number} of the graph")


def _placed(error: ShapeError, before: Sequence[Layer]) -> ShapeError:
    """Say once, at the innermost sequence that has something before the layer, where it stood."""
    text = str(error)
    if not before or ", after " in text:
        return error
    return ShapeError(f"{text}, after {' > '.join(map(_short, before[-3:]))}")


def _short(layer: Layer) -> str:
    text = str(layer)
    return text if len(text) <= 60 else f"{text[:57]}..."
