"""From a description to the scene: shapes and costs along the way, repeats folded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

from optunas.architecture.compose import Parallel, Residual, Sequential, joined
from optunas.architecture.graph import Graph
from optunas.architecture.graph import Node as GraphNode
from optunas.architecture.layer import Block, Layer, Primitive, Shape
from optunas.architecture.layers import Identity
from optunas.architecture.normal import lower
from optunas.architecture.picture.fold import repeats
from optunas.architecture.picture.scene import (
    After,
    Cell,
    Chain,
    Fork,
    Frame,
    Knot,
    Leaf,
    Node,
    absorbed,
)
from optunas.architecture.zero import Zero


@dataclass(frozen=True)
class Reader:
    """Reads a description into a scene. `detail`: how many levels of blocks are opened."""

    classes: int | None
    detail: int

    def read(self, layer: Layer, shape: Shape | None, detail: int | None = None) -> Node:
        """The scene of `layer` for an input of `shape`, or of no known shape."""
        detail = self.detail if detail is None else detail
        match layer:
            case Primitive() if shape is not None and layer.is_identity(shape):
                return Chain(After(shape, shape), ())
            case Sequential(layers=layers):
                return self._chain(layers, shape, detail)
            case Parallel(branches=branches, join=join):
                return self._fork(branches, join, layer, shape, detail)
            case Residual(body=body):
                beside = self._beside(layer, shape)
                return self._fork((body, beside), "sum", layer, shape, detail)
            case Graph(inputs=1):
                return self._graph(layer, [shape], detail)
            case Block() if detail > 0 and shape is not None:
                inside = self.read(layer.expand(shape), shape, detail - 1)
                return Frame(inside.after, inside, layer)
        return self._leaf(layer, shape)

    def _leaf(self, layer: Layer, shape: Shape | None) -> Leaf:
        if shape is None:
            return Leaf(None, layer)
        part = lower(layer, shape, self.classes)
        after = After(part.output, part.output)
        return Leaf(after, layer, part.params, part.macs, before=shape)

    def _chain(self, layers: Sequence[Layer], shape: Shape | None, detail: int) -> Chain:
        items: list[Node] = []
        for layer in layers:
            item = self.read(layer, shape, detail)
            # a sequence in a sequence is that sequence's parts
            items += item.items if isinstance(item, Chain) else [item]
            shape = item.after.last if item.after else None
        return Chain(After(shape, shape) if shape else None, tuple(folded(items)))

    def _fork(
        self,
        branches: Sequence[Layer],
        join: str,
        layer: Layer,
        shape: Shape | None,
        detail: int,
    ) -> Node:
        read = [self._branch(branch, shape, detail) for branch in branches]
        if len(read) == 1:
            return read[0]
        after = None
        if shape is not None:
            output = lower(layer, shape, self.classes).output
            after = After(output, output)
        return Fork(after, join, tuple(folded(read, beside=True)))

    def _branch(self, layer: Layer, shape: Shape | None, detail: int) -> Node:
        branch = self.read(layer, shape, detail)
        if isinstance(branch, Leaf) and isinstance(layer, Identity):
            return Chain(branch.after, ())
        return branch

    def _graph(self, graph: Graph, shapes: list[Shape | None], detail: int) -> Cell:
        shapes = list(shapes)
        knots = []
        for node in graph.nodes:
            edges = [(n, self._branch(way, shapes[n], detail)) for n, way in node.edges]
            heard = [edge for edge in edges if not _is_zero(edge[1])] or edges
            knot = Knot(node.join, tuple(heard), self._body(node, edges, detail))
            knots.append(knot)
            shapes.append(knot.body.after.last if knot.body.after else None)
        return Cell(knots[-1].body.after, graph, graph.inputs, tuple(knots))

    def _body(self, node: GraphNode, edges: list[tuple[int, Node]], detail: int) -> Node:
        """What a node of a graph applies to its joined sources."""
        outputs = [item.after.last for _, item in edges if item.after]
        if isinstance(node.then, Graph) and node.then.inputs > 1:
            inner = self._graph(node.then, [*outputs] or [None] * len(edges), detail)
            return Frame(inner.after, inner)
        shape = joined(node.join, outputs) if outputs else None
        return self.read(node.then or Sequential(), shape, detail)

    def _beside(self, layer: Residual, shape: Shape | None) -> Layer:
        if shape is None:
            return layer.shortcut or Sequential()
        return layer.beside(shape, lower(layer.body, shape, self.classes).output)


def folded(items: Sequence[Node], beside: bool = False) -> list[Node]:
    """The items, repeats folded; branches (`beside`) where three or more are equal."""
    done: list[Node] = []
    for start, size, count in repeats([item.key for item in items]):
        copies = [tuple(items[start + k * size :][:size]) for k in range(count)]
        if beside and (size > 1 or count < 3 or copies[0][0].is_empty):
            done += [item for copy in copies for item in copy]
        elif count == 1:
            done += copies[0]
        else:
            done.append(_fold(reduce(absorbed, copies), count, beside))
    return done


def _fold(group: tuple[Node, ...], count: int, beside: bool) -> Node:
    match group:
        case (Leaf() as leaf,) if not beside:
            return replace(leaf, count=leaf.count * count)
        case (Frame(count=1) as frame,) if not beside:
            return replace(frame, count=count)
        case (one,):
            return Frame(one.after, one, None, count, beside)
    last = group[-1].after
    return Frame(last, Chain(last, tuple(folded(group))), None, count, beside)


def _is_zero(node: Node) -> bool:
    return isinstance(node, Leaf) and isinstance(node.layer, Zero)
