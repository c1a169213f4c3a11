"""`NASBench101`: modules given by a matrix of edges, in the benchmark's skeleton."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from optuna.trial import BaseTrial

from optunas.architecture import Architecture, ConvNorm, GlobalPool, Layer, Linear, Pool, Sequential
from optunas.architecture.checks import positive
from optunas.errors import OptunasError
from optunas.spaces.arguments import Law, among, check, prefer
from optunas.spaces.modelspec import OPS, ModelSpec

VERTICES, EDGES = 7, 9
MODULES = {2: 1, 3: 6, 4: 84, 5: 2441, 6: 62010, 7: 359082}
"""Different modules by their number of vertices: 423,624 together, as in the paper."""


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
    first, but as long as possible none without which a vertex would be pruned.
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
    """At most nine edges, taken away one by one."""
    while spec.edges > EDGES:
        size = range(len(spec.matrix))
        edges = [(i, j) for j in reversed(size) for i in reversed(size[:j]) if spec.matrix[i][j]]
        fewer = [less for i, j in edges if (less := _without(spec, i, j)).connected]
        spec = max((less.pruned() for less in fewer), key=lambda less: len(less.matrix))
    return spec


def _without(spec: ModelSpec, i: int, j: int) -> ModelSpec:
    rows = [list(row) for row in spec.matrix]
    rows[i][j] = 0
    return ModelSpec(tuple(map(tuple, rows)), spec.ops)
