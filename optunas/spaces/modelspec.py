"""`ModelSpec`: a module of NAS-Bench-101, as a matrix of edges and the vertices' operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import md5
from itertools import product

from optunas.architecture import ConvNorm, Graph, Layer, Node, Pool, Slice
from optunas.errors import OptunasError

OPS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")


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
