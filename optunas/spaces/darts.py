"""`DARTS`: a normal and a reduction cell, each seeing the two cells before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

from optuna.trial import BaseTrial

from optunas.architecture import (
    Architecture,
    Conv,
    FactorizedReduce,
    GlobalPool,
    Graph,
    Identity,
    Layer,
    Linear,
    Node,
    Norm,
    Pool,
    ReLUConvNorm,
    ReLUSeparable,
    Sequential,
    Zero,
)
from optunas.architecture.checks import positive
from optunas.errors import OptunasError
from optunas.spaces.arguments import Law, among, check, prefer

OPS = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
CELLS = ("normal", "reduce")

Edges = Sequence[tuple[str, int]]
"""(operation, input) twice for each node: inputs 0 and 1 are the cells before, 2 the first node."""


class Genotype(NamedTuple):
    """A network as DARTS writes it; two edges for each node, and the nodes that are the output."""

    normal: Edges
    normal_concat: Sequence[int]
    reduce: Edges
    reduce_concat: Sequence[int]


@dataclass(frozen=True)
class DARTS:
    """DARTS (Liu et al. 2019, arXiv:1806.09055): cells of four nodes, two inputs for each.

    A node is the sum of two operations, each on one of the two cells before or on an earlier node;
    the output concatenates the nodes. The network, as in the paper's code for evaluation: a 3x3
    convolution, `layers` cells with `channels` a node, of which those after a third and after two
    thirds are reduction cells (half the pixels, twice the channels), global pooling, classifier.
    Without the auxiliary head and without drop path; poolings are not normalised, as there.

    * `ops`: the operations to choose from; fewer narrow the space;
    * `nodes`, `channels`, `layers`: 4, 36 and 20 in the paper. Not searched.

    Parameters: `normal.node1.inputs` ("0+1", ...), `normal.node1.op1`, `normal.node1.op2`, ...,
    `reduce.node4.op2`.
    """

    ops: tuple[str, ...] = OPS
    nodes: int = 4
    channels: int = 36
    layers: int = 20

    def __post_init__(self) -> None:
        check(self, _LAWS)
        positive(self, nodes=self.nodes, channels=self.channels, layers=self.layers)

    def suggest(self, trial: BaseTrial) -> Architecture:
        """Choose a network."""
        params: dict[str, Any] = {}
        for cell in CELLS:
            for node in range(self.nodes):
                name = f"{cell}.node{node + 1}"
                params[f"{name}.inputs"] = trial.suggest_categorical(f"{name}.inputs", pairs(node))
                for op in (f"{name}.op1", f"{name}.op2"):
                    params[op] = trial.suggest_categorical(op, self.ops)
        return self.architecture(self.genotype(params))

    def genotype(self, params: Mapping[str, Any]) -> Genotype:
        """The genotype that a trial's parameters stand for."""
        ends = tuple(range(2, 2 + self.nodes))
        normal, reduce = (self._edges(params, cell) for cell in CELLS)
        return Genotype(normal, ends, reduce, ends)

    def _edges(self, params: Mapping[str, Any], cell: str) -> tuple[tuple[str, int], ...]:
        edges: list[tuple[str, int]] = []
        for node in range(1, self.nodes + 1):
            name = f"{cell}.node{node}"
            inputs = map(int, params[f"{name}.inputs"].split("+"))
            edges += zip((params[f"{name}.op1"], params[f"{name}.op2"]), inputs, strict=True)
        return tuple(edges)

    def params(self, genotype: Genotype) -> dict[str, Any]:
        """The parameters of a trial that chooses `genotype`.

        Raises `OptunasError` where the space does not hold it: it has other numbers of nodes, nodes
        that are not in the output, or a node that takes one input twice.
        """
        params: dict[str, Any] = {}
        for cell, edges, ends in _cells(genotype):
            if len(edges) != 2 * self.nodes or sorted(ends) != list(range(2, 2 + self.nodes)):
                raise OptunasError(
                    f"the {cell} cell must have {self.nodes} nodes of two edges, all in the "
                    f"output; got {len(edges)} edges and {tuple(ends)}"
                )
            if list(ends) != sorted(ends):
                raise OptunasError(f"the output takes nodes in their order; got {tuple(ends)}")
            for node in range(self.nodes):
                both = sorted(edges[2 * node : 2 * node + 2], key=lambda edge: edge[1])
                (op1, one), (op2, two) = both
                name = f"{cell}.node{node + 1}"
                if f"{one}+{two}" not in pairs(node) or {op1, op2} - set(self.ops):
                    raise OptunasError(
                        f"{name} takes two of {node + 2} inputs, by {', '.join(self.ops)}; "
                        f"got {both}"
                    )
                params |= {f"{name}.inputs": f"{one}+{two}", f"{name}.op1": op1, f"{name}.op2": op2}
        return params

    def architecture(self, genotype: Genotype) -> Architecture:
        """The network of any genotype, also one whose nodes take an input twice."""
        kinds = list(_cells(_checked(genotype)))
        stem = Sequential(Conv(3 * self.channels, 3), Norm())
        nodes = [Node((0, stem))]
        before, last, width, halved = 1, 1, self.channels, False
        for layer in range(self.layers):
            halves = layer in (self.layers // 3, 2 * self.layers // 3)
            width *= 2 if halves else 1
            _, edges, ends = kinds[halves]
            cell = _cell(tuple(edges), tuple(ends), width, halves, halved)
            nodes.append(Node(before, last, then=cell))
            before, last, halved = last, len(nodes), halves
        return Sequential(Graph(*nodes), GlobalPool(), Linear())

    def size(self) -> int:
        """How many genotypes: pairs of inputs and operations, of both cells."""
        cell = 1
        for node in range(self.nodes):
            cell *= len(pairs(node)) * len(self.ops) ** 2
        return cell * cell

    def baseline(self) -> dict[str, Any]:
        """Every node a separable convolution of each of the cells before."""
        params: dict[str, Any] = {}
        for cell in CELLS:
            for node in range(1, self.nodes + 1):
                params[f"{cell}.node{node}.inputs"] = "0+1"
                for op in ("op1", "op2"):
                    params[f"{cell}.node{node}.{op}"] = prefer("sep_conv_3x3", self.ops)
        return params


_LAWS: dict[str, Law] = {"ops": among(OPS)}


def pairs(node: int) -> tuple[str, ...]:
    """The pairs of inputs that a node, counted from 0, can choose from."""
    return tuple(f"{one}+{two}" for one, two in combinations(range(node + 2), 2))


def _cells(genotype: Genotype) -> Iterator[tuple[str, Edges, Sequence[int]]]:
    """Each cell's name, edges and output."""
    yield "normal", genotype.normal, genotype.normal_concat
    yield "reduce", genotype.reduce, genotype.reduce_concat


def _checked(genotype: Genotype) -> Genotype:
    for cell, edges, ends in _cells(genotype):
        for number, (op, source) in enumerate(edges):
            if op not in OPS or source not in range(number // 2 + 2):
                raise OptunasError(
                    f"edge {number} of the {cell} cell is one of {', '.join(OPS)} on an input from "
                    f"0 to {number // 2 + 1}; got {(op, source)!r:.80}"
                )
        if len(edges) % 2 or not ends or set(ends) - set(range(2 + len(edges) // 2)):
            raise OptunasError(
                f"the {cell} cell has two edges for each node and joins some of them; "
                f"got {len(edges)} edges and {tuple(ends)}"
            )
    cells = [
        (tuple((op, n) for op, n in edges), tuple(ends)) for _, edges, ends in _cells(genotype)
    ]
    return Genotype(*cells[0], *cells[1])


@lru_cache(maxsize=1024)
def _cell(
    edges: tuple[tuple[str, int], ...],
    ends: tuple[int, ...],
    channels: int,
    halves: bool,
    halved: bool,
) -> Graph:
    """A cell; `halves`: it is a reduction cell, `halved`: the one before it was."""
    first = FactorizedReduce(channels) if halved else ReLUConvNorm(channels, 1)
    nodes = [Node((0, first)), Node((1, ReLUConvNorm(channels, 1)))]
    for two in zip(edges[::2], edges[1::2], strict=True):
        # numbers 0 and 1 are the cells before, 2 and 3 the same with this cell's channels
        sources = [(2 + n, _operation(op, channels, 1 + (halves and n < 2))) for op, n in two]
        nodes.append(Node(*sources))
    return Graph(*nodes, Node(*(2 + end for end in ends), join="concat"), inputs=2)


@lru_cache(maxsize=1024)
def _operation(op: str, channels: int, stride: int) -> Layer:
    kind, size = op[:3], int(op[-1]) if op[-1].isdigit() else 0
    match kind:
        case "non":
            return Zero(stride)
        case "ski":
            return FactorizedReduce(channels) if stride > 1 else Identity()
        case "sep":
            return ReLUSeparable(channels, size, stride)
        case "dil":
            return ReLUSeparable(channels, size, stride, dilation=2, times=1)
    return Pool(kind, size, stride=stride, padding=1)
