"""A graph of modules: values that are used in several places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import Tensor, nn

from optunas.nn.modules import JOIN


class Graph(nn.Module):
    """Nodes that join what comes over their edges from the input and from earlier nodes.

    `edges[i][k]` is the module on the k-th edge of node i; `sources[i][k]` says where it begins: 0
    is the input, n the n-th node. The last node is the output.
    """

    def __init__(
        self,
        edges: Iterable[Iterable[nn.Module]],
        sources: Sequence[Sequence[int]],
        joins: Sequence[str],
    ) -> None:
        super().__init__()
        self.edges = nn.ModuleList(nn.ModuleList(node) for node in edges)
        self.sources = [list(node) for node in sources]
        self.joins = list(joins)
        self._done = _done(self.sources)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, ...) -> what the last node gives."""
        values: dict[int, Tensor] = {0: x}
        for number in range(1, len(self.edges) + 1):
            values[number] = self._joined(number - 1, values)
            for source in self._done[number - 1]:
                del values[source]  # its memory is free for what follows
        return values[len(self.edges)]

    def _joined(self, node: int, values: dict[int, Tensor]) -> Tensor:
        edges = self.edges[node]
        assert isinstance(edges, nn.ModuleList)
        pairs = zip(edges, self.sources[node], strict=True)
        return JOIN[self.joins[node]]([edge(values[source]) for edge, source in pairs])

    def extra_repr(self) -> str:
        """Where edges begin and how they are joined, where torch prints the module."""
        nodes = zip(self.joins, self.sources, strict=True)
        return ", ".join(f"{join}{tuple(sources)}" for join, sources in nodes)


def _done(sources: list[list[int]]) -> list[list[int]]:
    """For each node the values that no later one needs."""
    last = {source: number for number, node in enumerate(sources) for source in node}
    return [[s for s, at in last.items() if at == number] for number in range(len(sources))]
