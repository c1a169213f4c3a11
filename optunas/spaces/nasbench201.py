"""`NASBench201`: the benchmark's cell in its macro skeleton, and its strings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

from optuna.trial import BaseTrial

from optunas.architecture import (
    Activation,
    Architecture,
    Conv,
    GlobalPool,
    Graph,
    Identity,
    Layer,
    Linear,
    Node,
    Norm,
    Pool,
    ReLUConvNorm,
    Residual,
    Sequential,
    Zero,
)
from optunas.architecture.checks import positive
from optunas.errors import OptunasError
from optunas.spaces.arguments import Law, among, check, prefer

OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""(from, to), in the order of the benchmark's strings."""

Cell = tuple[str, ...]
"""The operations of the six edges."""


@dataclass(frozen=True)
class NASBench201:
    """NAS-Bench-201 (Dong & Yang 2020, arXiv:2001.00326): 15,625 cells.

    A cell has four nodes and an operation on each of the six edges from an earlier node to a later
    one; nodes are sums. The network: a 3x3 convolution, three stages of `repeats` cells with
    `channels`, twice and four times as many, residual blocks that halve the image between them,
    global pooling, the classifier.

    * `ops`: the operations to choose from; fewer narrow the space;
    * `channels`, `repeats`: of the skeleton; 16 and 5 in the benchmark. Not searched.

    Parameters: `edge0_1`, `edge0_2`, `edge1_2`, `edge0_3`, `edge1_3`, `edge2_3`.

    Cost and key are those of the network that is left where `none` cuts a cell; the benchmark's own
    tables count the weights of what leads nowhere too.
    """

    ops: tuple[str, ...] = OPS
    channels: int = 16
    repeats: int = 5

    def __post_init__(self) -> None:
        check(self, _LAWS)
        positive(self, channels=self.channels, repeats=self.repeats)

    def suggest(self, trial: BaseTrial) -> Architecture:
        """Choose a network."""
        return self.architecture(
            [trial.suggest_categorical(name, self.ops) for name in map(_name, EDGES)]
        )

    def architecture(self, cell: Sequence[str]) -> Architecture:
        """The network of a cell, given by the operations of its edges."""
        return _network(_checked(cell), self.channels, self.repeats)

    def from_string(self, text: str) -> Architecture:
        """The network of the benchmark's `arch_str`."""
        return self.architecture(parsed(text))

    def params(self, text: str) -> dict[str, str]:
        """The parameters of a trial that chooses the benchmark's `arch_str`."""
        return dict(zip(map(_name, EDGES), parsed(text), strict=True))

    def to_string(self, cell: Mapping[str, str] | Sequence[str]) -> str:
        """The benchmark's `arch_str` of a trial's parameters, or of a cell's six operations."""
        if isinstance(cell, Mapping):
            cell = [cell[name] for name in map(_name, EDGES)]
        ops = dict(zip(EDGES, _checked(cell), strict=True))
        nodes = (
            "|".join(f"{op}~{source}" for (source, to), op in ops.items() if to == node)
            for node in (1, 2, 3)
        )
        return "+".join(f"|{node}|" for node in nodes)

    def cells(self) -> Iterator[Cell]:
        """Every cell of the space: the operations of its edges."""
        return product(self.ops, repeat=len(EDGES))

    def size(self) -> int:
        """How many cells; fewer are different networks."""
        return int(len(self.ops) ** len(EDGES))

    def baseline(self) -> dict[str, Any]:
        """A residual block of two 3x3 convolutions: the benchmark's ResNet."""
        ops = parsed(
            "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|"
        )
        return {_name(edge): prefer(op, self.ops) for edge, op in zip(EDGES, ops, strict=True)}


_LAWS: dict[str, Law] = {"ops": among(OPS)}


def parsed(text: str) -> Cell:
    """The six operations of an `arch_str` such as `|none~0|+|none~0|none~1|+|...~0|...~1|...~2|`.

    Raises `OptunasError` for what the benchmark does not write.
    """
    nodes = [node.strip("|").split("|") for node in text.split("+")]
    said = [word.partition("~")[::2] for node in nodes for word in node]
    wanted = [str(source) for source, _ in EDGES]
    if [len(node) for node in nodes] != [1, 2, 3] or [source for _, source in said] != wanted:
        raise OptunasError(
            "a cell of NAS-Bench-201 is written |op~0|+|op~0|op~1|+|op~0|op~1|op~2|; "
            f"got {text!r:.120}"
        )
    return _checked([op for op, _ in said])


def _checked(cell: Sequence[str]) -> Cell:
    wrong = [op for op in cell if op not in OPS]
    if len(cell) != len(EDGES) or wrong:
        raise OptunasError(
            f"a cell of four nodes has {len(EDGES)} edges, each one of {', '.join(OPS)}; "
            f"got {tuple(cell)!r:.120}"
        )
    return tuple(cell)


def _name(edge: tuple[int, int]) -> str:
    return "edge{}_{}".format(*edge)


@lru_cache(maxsize=1024)
def cell_graph(cell: Cell, channels: int, before: int | None = None) -> Graph:
    """The cell; `before` is the number of channels that come in, where it is another one."""
    nodes: list[list[tuple[int, Layer]]] = [[], [], []]
    for (source, to), op in zip(EDGES, cell, strict=True):
        changes = source == 0 and before not in (None, channels)
        nodes[to - 1].append((source, _operation(op, channels, changes)))
    return Graph(*(Node(*edges) for edges in nodes))


@lru_cache
def _operation(op: str, channels: int, changes: bool) -> Layer:
    pointwise: Layer = Sequential(Conv(channels, 1), Norm())
    match op:
        case "none":
            return Sequential(pointwise, Zero()) if changes else Zero()
        case "skip_connect":
            return pointwise if changes else Identity()
        case "avg_pool_3x3":
            pool = Pool("avg", 3, stride=1, padding=1)
            return Sequential(ReLUConvNorm(channels, 1), pool) if changes else pool
    return ReLUConvNorm(channels, int(op[-1]))


@lru_cache
def reduction(channels: int) -> Layer:
    """The residual block that halves the image and changes the channels.

    As in the benchmark; a size that is odd is rounded up in both branches.
    """
    body = Sequential(ReLUConvNorm(channels, 3, 2), ReLUConvNorm(channels, 3))
    return Residual(body, shortcut=Sequential(Pool("avg", 2, ceil=True), Conv(channels, 1)))


def skeleton(first: int, *body: Layer) -> Architecture:
    """Stem and head around the stages."""
    head = Norm(), Activation(), GlobalPool(), Linear()
    return Sequential(Conv(first, 3), Norm(), *body, *head)


def _network(cell: Cell, channels: int, repeats: int) -> Architecture:
    layers: list[Layer] = []
    for width in (channels, 2 * channels, 4 * channels):
        if layers:
            layers.append(reduction(width))
        layers += [cell_graph(cell, width)] * repeats
    return skeleton(channels, *layers)
