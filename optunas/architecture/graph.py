"""Graphs: layers whose outputs are used in several places, as in the cells of the benchmarks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from optunas.architecture.checks import one_of, positive
from optunas.architecture.compose import JOINS, Sequential
from optunas.architecture.layer import Layer
from optunas.architecture.layers import Identity, put
from optunas.errors import OptunasError

Source = int | tuple[int, Layer]
"""An edge's beginning: the number of an input or an earlier node, and a layer on the way."""


@dataclass(frozen=True, init=False)
class Node(Layer):
    """A node of a `Graph`: `Node(0, (2, Conv(32)), join="concat", then=Activation())`.

    Joins what comes from its `sources`, each a number, or a number and a layer that stands on that
    edge; `then` applies a layer. Joins are those of `Parallel`. A `Graph` of several inputs as
    `then` takes the sources one by one instead.
    """

    sources: tuple[Source, ...]
    join: str = "sum"
    then: Layer | None = None

    def __init__(self, *sources: Source, join: str = "sum", then: Layer | None = None) -> None:
        put(self, "sources", tuple(map(_source, sources)))
        one_of(self, join=(join, JOINS))
        apart = isinstance(then, Graph) and then.inputs > 1
        put(self, "join", "sum" if len(sources) < 2 or apart else join)
        put(self, "then", None if then in _NOTHING else then)
        if not sources:
            raise OptunasError("Node needs at least one source; got none")
        if then is not None and not isinstance(then, Layer):
            raise OptunasError(f"Node.then must be a layer; got {then!r:.80}")
        if isinstance(then, Graph) and then.inputs not in (1, len(sources)):
            raise OptunasError(
                f"a Graph of {then.inputs} inputs needs a Node of as many sources; "
                f"got {len(sources)}"
            )

    @property
    def edges(self) -> Iterator[tuple[int, Layer]]:
        """(number, layer) of every source."""
        for source in self.sources:
            yield source if isinstance(source, tuple) else (source, _NOTHING[0])

    def __str__(self) -> str:
        edges = [f"{n}" if layer in _NOTHING else f"{n} > {layer}" for n, layer in self.edges]
        joined = edges[0] if len(edges) == 1 else f"{self.join}({', '.join(edges)})"
        return joined if self.then is None else f"{joined} > {self.then}"


@dataclass(frozen=True, init=False)
class Graph(Layer):
    """A directed acyclic graph of layers: `Graph(Node(0), Node(0, (1, Conv(8))), Node(1, 2))`.

    Number 0 is the input, the nodes are 1, 2, ... in their order, the last one is the output. What
    two nodes take from one source is shared. Nodes that do not lead to the output are no part of
    the network.

    With `inputs=2` the numbers 0 and 1 are inputs and the nodes begin at 2; such a graph is what
    a `Node` with two sources does `then`: a cell that sees the two cells before it is one.
    """

    nodes: tuple[Node, ...]
    inputs: int = 1

    def __init__(self, *nodes: Node, inputs: int = 1) -> None:
        put(self, "nodes", nodes)
        put(self, "inputs", inputs)
        positive(self, inputs=inputs)
        if not nodes:
            raise OptunasError("Graph needs at least one node; got none")
        for number, node in enumerate(nodes, inputs):
            if not isinstance(node, Node):
                raise OptunasError(
                    f"Graph is made of nodes; got {node!r:.80} (write for example "
                    f"Node({number - 1}, then=Conv(32)))"
                )
            wrong = [source for source, _ in node.edges if source >= number]
            if wrong:
                raise OptunasError(
                    f"node {number} of a Graph takes from inputs and earlier nodes, 0 to "
                    f"{number - 1}; got {wrong[0]}"
                )

    def __hash__(self) -> int:
        known = self.__dict__.get("_hash")  # a cell is looked up once for each of its repetitions
        if known is None:
            known = hash((self.nodes, self.inputs))
            put(self, "_hash", known)
        return int(known)

    def __getstate__(self) -> dict[str, object]:
        return {"nodes": self.nodes, "inputs": self.inputs}  # hashes differ between processes

    def __str__(self) -> str:
        said = (f"{number}: {node}" for number, node in enumerate(self.nodes, self.inputs))
        return f"graph[{'; '.join(said)}]"


_NOTHING = (Sequential(), Identity())


def _source(source: object) -> Source:
    match source:
        case bool():
            pass
        case int() if source >= 0:
            return source
        case (int() as number, layer) if not isinstance(number, bool) and number >= 0:
            if isinstance(layer, Layer):
                return number if layer in _NOTHING else (number, layer)
    raise OptunasError(
        "a source is a number, 0 for the input, or a number and a layer, (0, Conv(32)); "
        f"got {source!r:.80}"
    )
