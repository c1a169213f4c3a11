"""`NASBench101`: modules given by a matrix of edges, in the benchmark's skeleton."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import md5
from itertools import product
from typing import Any

from optuna.trial import BaseTrial

from ..architecture import (
    Architecture,
    ConvNorm,
    GlobalPool,
    Graph,
    Layer,
    Linear,
    Node,
    Pool,
    Sequential,
    Slice,
)
from ..architecture.checks import positive
from ..errors import OptunasError
from .arguments import Law, among, check, prefer

OPS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
VERTICES, EDGES = 7, 9
MODULES = {2: 1, 3: 6, 4: 84, 5: 2441, 6: 62010, 7: 359082}
"""Different modules by their number of vertices: 423,624 together, as in the paper."""


@dataclass(frozen=True)
class ModelSpec:
    """A module as the benchmark writes it: `ModelSpec(matrix, ops)`.

    `matrix[i][j]` is 1 where an edge leads from vertex i to a later vertex j; `ops` names each
    vertex's operation, the first being "input" and the last "output".
    """

    matrix: tuple[tuple[int, ...], ...]
    ops: tuple[str, ...]

    def __post_init__(self) -> None:
        rows = tuple(tuple(int(edge) for edge in row) for row in self.matrix)
        object.__setattr__(self, "matrix", rows)
        object.__setattr__(self, "ops", tuple(self.ops))
        size = len(rows)
        if size < 2 or len(self.ops) != size or any(len(row) != size for row in rows):
            raise OptunasError(
                "a module has a square matrix of at least two vertices and an operation for each; "
                f"got rows of {[len(row) for row in rows]} and {len(self.ops)} operations"
            )
        cells = product(range(size), repeat=2)
        if any(rows[i][j] not in ((0, 1) if i < j else (0,)) for i, j in cells):
            raise OptunasError("edges of a module are 0 or 1, and 1 only above the diagonal")
        if (self.ops[0], self.ops[-1]) != ("input", "output"):
            raise OptunasError(
                f'ops begin with "input" and end with "output"; got {self.ops!r:.120}'
            )
        for op in self.ops[1:-1]:
            if op not in OPS:
                raise OptunasError(f"operations are {', '.join(OPS)}; got {op!r:.80}")

    @property
    def edges(self) -> int:
        """How many edges there are."""
        return sum(map(sum, self.matrix))

    @property
    def connected(self) -> bool:
        """Whether a path leads from the input to the output."""
        return len(self.matrix) - 1 in self._reached(range(len(self.matrix)), 0)

    def pruned(self) -> ModelSpec:
        """Without the vertices that are on no path from input to output."""
        last = len(self.matrix) - 1
        forth = self._reached(range(last + 1), 0)
        if last not in forth:
            raise OptunasError("no path leads from the module's input to its output")
        kept = sorted(forth & self._reached(range(last, -1, -1), last))
        rows = tuple(tuple(self.matrix[i][j] for j in kept) for i in kept)
        return ModelSpec(rows, tuple(self.ops[i] for i in kept))

    def _reached(self, order: Sequence[int], start: int) -> set[int]:
        """The vertices that `start` leads to, or, in falling order, that lead to it."""
        reached = {start}
        for vertex in order:
            if any(self.matrix[min(vertex, other)][max(vertex, other)] for other in reached):
                reached.add(vertex)
        return reached

    def fingerprint(self) -> str:
        """The benchmark's hash of the pruned module: equal for isomorphic modules.

        Vertices start from their degrees and operation, and as often as there are vertices each
        takes in the hashes of its neighbours (Ying et al. 2019, section 2.2).
        """
        spec = self.pruned()
        size = len(spec.matrix)
        into = [[i for i in range(size) if spec.matrix[i][j]] for j in range(size)]
        out = [[j for j in range(size) if spec.matrix[i][j]] for i in range(size)]
        labels = [-1, *(OPS.index(op) for op in spec.ops[1:-1]), -2]
        hashes = [_md5(str((len(out[v]), len(into[v]), labels[v]))) for v in range(size)]
        for _ in range(size):
            hashes = [
                _md5(
                    "|".join(
                        (
                            "".join(sorted(hashes[w] for w in into[v])),
                            "".join(sorted(hashes[w] for w in out[v])),
                            hashes[v],
                        )
                    )
                )
                for v in range(size)
            ]
        return _md5(str(sorted(hashes)))

    def channels(self, before: int, after: int) -> list[int]:
        """Each vertex's channels, in a module from `before` to `after` channels.

        Vertices that lead to the output share its channels, the first ones taking what is left
        over; any other has as many as the widest vertex that it leads to.
        """
        last = len(self.matrix) - 1
        ends = [vertex for vertex in range(1, last) if self.matrix[vertex][last]]
        channels = [before] + [0] * (last - 1) + [after]
        for place, vertex in enumerate(ends):
            channels[vertex] = after // len(ends) + (place < after % len(ends))
        for vertex in range(last - 1, 0, -1):
            if vertex not in ends:
                followers = (w for w in range(vertex + 1, last) if self.matrix[vertex][w])
                channels[vertex] = max((channels[w] for w in followers), default=0)
        return channels

    def graph(self, before: int, after: int) -> Graph:
        """The module as a layer: from `before` to `after` channels."""
        return _graph(self.pruned(), before, after)


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


@lru_cache(maxsize=1024)
def _graph(spec: ModelSpec, before: int, after: int) -> Graph:
    last = len(spec.matrix) - 1
    channels = spec.channels(before, after)
    if min(channels) < 1:
        raise OptunasError(f"{after} channels are too few for this module: take more")

    def edge(source: int, target: int) -> tuple[int, Layer]:
        width = channels[target]
        return source, ConvNorm(width, 1) if source == 0 else Slice(0, width)

    nodes = []
    for vertex in range(1, last):
        edges = [edge(source, vertex) for source in range(vertex) if spec.matrix[source][vertex]]
        nodes.append(Node(*edges, then=_operation(spec.ops[vertex], channels[vertex])))
    ends = [vertex for vertex in range(1, last) if spec.matrix[vertex][last]]
    if ends:
        nodes.append(Node(*ends, join="concat"))
    if spec.matrix[0][last]:
        nodes.append(Node(*([last] if ends else []), edge(0, last)))
    return Graph(*nodes)


def _operation(op: str, channels: int) -> Layer:
    if op == "maxpool3x3":
        return Pool("max", 3, stride=1, padding=1)
    return ConvNorm(channels, int(op[4]))


@dataclass(frozen=True)
class NASBench101:
    """NAS-Bench-101 (Ying et al. 2019, arXiv:1902.09635): 423,624 different modules.

    A module is a graph of up to 7 vertices and 9 edges between an input and an output: vertices are
    operations, what leads to the output is concatenated, what leads to another vertex is summed. A
    1x1 convolution projects the module's input wherever it is used; too many channels are cut off.
    The network: a 3x3 convolution of `channels`, three stacks of `repeats` modules, between them
    2x2 max pooling and twice the channels, global pooling, the classifier.

    * `ops`: the operations to choose from; `vertices`: at most so many; fewer narrow the space;
    * `channels`, `repeats`: of the skeleton; 128 and 3 in the benchmark. Not searched.

    Parameters: `edge0_1` to `edge5_6`, 0 or 1 for each pair of vertices, and `op1` to `op5`. Every
    draw is valid: where no path leads from input to output, the edge between them is added; where
    more than nine edges are left after pruning, edges are taken away, those of the latest vertices
    first, but none that the last path needs.
    """

    ops: tuple[str, ...] = OPS
    vertices: int = VERTICES
    channels: int = 128
    repeats: int = 3

    def __post_init__(self) -> None:
        check(self, _LAWS)
        positive(self, vertices=self.vertices, channels=self.channels, repeats=self.repeats)
        if not 2 <= self.vertices <= VERTICES:
            raise OptunasError(f"NASBench101.vertices must be 2 to 7; got {self.vertices}")

    def suggest(self, trial: BaseTrial) -> Architecture:
        """Choose a network."""
        params: dict[str, Any] = {
            name: trial.suggest_categorical(name, (0, 1)) for name in self._edges()
        }
        for vertex in range(1, self.vertices - 1):
            params[f"op{vertex}"] = trial.suggest_categorical(f"op{vertex}", self.ops)
        return self.architecture(self.spec(params))

    def _edges(self) -> dict[str, tuple[int, int]]:
        size = range(self.vertices)
        return {f"edge{i}_{j}": (i, j) for j in size for i in size[:j]}

    def spec(self, params: Mapping[str, Any]) -> ModelSpec:
        """The pruned module that a trial's parameters stand for, repaired where need be."""
        size = self.vertices
        matrix = [[0] * size for _ in range(size)]
        for name, (i, j) in self._edges().items():
            matrix[i][j] = params[name]
        ops = ("input", *(params[f"op{vertex}"] for vertex in range(1, size - 1)), "output")
        spec = ModelSpec(tuple(map(tuple, matrix)), ops)
        if not spec.connected:
            matrix[0][-1] = 1
            spec = ModelSpec(tuple(map(tuple, matrix)), ops)
        return _repaired(spec.pruned())

    def params(self, spec: ModelSpec) -> dict[str, Any]:
        """The parameters of a trial that chooses `spec`.

        Raises `OptunasError` where the space does not hold it.
        """
        spec = spec.pruned()
        size, last = len(spec.matrix), len(spec.matrix) - 1
        wrong = [op for op in spec.ops[1:-1] if op not in self.ops]
        if size > self.vertices or spec.edges > EDGES or wrong:
            raise OptunasError(
                f"the space holds modules of {self.vertices} vertices, {EDGES} edges and "
                f"{', '.join(self.ops)}; got {size} vertices, {spec.edges} edges, {spec.ops}"
            )
        # the output keeps its place, the vertices that are missing are those before it
        place = [*range(last), self.vertices - 1]
        params: dict[str, Any] = dict.fromkeys(self._edges(), 0)
        for i, j in product(range(size), repeat=2):
            if spec.matrix[i][j]:
                params[f"edge{place[i]}_{place[j]}"] = 1
        for vertex in range(1, self.vertices - 1):
            params[f"op{vertex}"] = spec.ops[vertex] if vertex < last else self.ops[0]
        return params

    def architecture(self, spec: ModelSpec) -> Architecture:
        """The network of a module."""
        spec = spec.pruned()
        layers: list[Layer] = [ConvNorm(self.channels, 3)]
        before = width = self.channels
        for stack in range(3):
            if stack:
                layers.append(Pool("max", 2, ceil=True))
                width *= 2
            for _ in range(self.repeats):
                layers.append(spec.graph(before, width))
                before = width
        return Sequential(*layers, GlobalPool(), Linear())

    def size(self) -> int:
        """How many different modules, as the benchmark's hash tells them apart.

        Counted one by one where `ops` are fewer than three, for up to five vertices.
        """
        if len(self.ops) == len(OPS):
            return sum(MODULES[size] for size in range(2, self.vertices + 1))
        if self.vertices > 5:
            raise OptunasError("modules of 6 and 7 vertices were counted for all three ops only")
        return len({spec.fingerprint() for spec in self._modules()})

    def _modules(self) -> Iterator[ModelSpec]:
        for size in range(2, self.vertices + 1):
            pairs = [(i, j) for j in range(size) for i in range(j)]
            for drawn in product((0, 1), repeat=len(pairs)):
                edges = dict(zip(pairs, drawn, strict=True))
                rows = tuple(tuple(edges.get((i, j), 0) for j in range(size)) for i in range(size))
                bare = ModelSpec(rows, ("input", *[self.ops[0]] * (size - 2), "output"))
                if bare.edges <= EDGES and bare.connected and bare.pruned() == bare:
                    for ops in product(self.ops, repeat=size - 2):
                        yield ModelSpec(rows, ("input", *ops, "output"))

    def baseline(self) -> dict[str, Any]:
        """Two 3x3 convolutions around a shortcut: a residual block."""
        if self.vertices < 4:
            rows: tuple[tuple[int, ...], ...] = ((0, 1), (0, 0))
            return self.params(ModelSpec(rows, ("input", "output")))
        rows = ((0, 1, 0, 1), (0, 0, 1, 0), (0, 0, 0, 1), (0, 0, 0, 0))
        op = prefer(OPS[0], self.ops)
        return self.params(ModelSpec(rows, ("input", op, op, "output")))


_LAWS: dict[str, Law] = {"ops": among(OPS)}


def _repaired(spec: ModelSpec) -> ModelSpec:
    """At most nine edges: the latest vertices lose theirs first."""
    size = range(len(spec.matrix))
    order = [(i, j) for j in reversed(size) for i in reversed(size[:j])]
    while spec.edges > EDGES:
        for i, j in order:
            if i < len(spec.matrix) and j < len(spec.matrix) and spec.matrix[i][j]:
                less = _without(spec, i, j)
                if less.connected:
                    spec = less.pruned()
                    break
    return spec


def _without(spec: ModelSpec, i: int, j: int) -> ModelSpec:
    rows = [list(row) for row in spec.matrix]
    rows[i][j] = 0
    return ModelSpec(tuple(map(tuple, rows)), spec.ops)
