"""`NASBench101`: modules, their channels and hashes, and the networks made of them."""

import itertools
import random
from itertools import product

import networkx
import numpy as np
import pytest
import torch
from optuna.trial import FixedTrial
from torch import nn

from optunas.architecture import cost, from_json, key, to_json
from optunas.errors import OptunasError
from optunas.nn import build
from optunas.nn.count import count
from optunas.spaces import ModelSpec, NASBench101, draw

torch.set_num_threads(1)
CONV1, CONV3, POOL = "conv1x1-bn-relu", "conv3x3-bn-relu", "maxpool3x3"
SHAPE = (3, 32, 32)
INCEPTION = ModelSpec(
    [
        [0, 1, 1, 1, 0, 1, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 0],
    ],
    ["input", CONV1, CONV3, CONV3, CONV3, POOL, "output"],
)
"""The example of the benchmark's page."""
FULL, SMALL = NASBench101(), NASBench101(channels=10, repeats=1)


def drawn_spec(rng, size=7, density=0.5):
    while True:
        rows = [[int(i < j and rng.random() < density) for j in range(size)] for i in range(size)]
        ops = [rng.choice((CONV1, CONV3, POOL)) for _ in range(size - 2)]
        spec = ModelSpec(rows, ["input", *ops, "output"])
        if spec.connected and spec.pruned().edges <= 9:
            return spec.pruned()


class Conv(nn.Sequential):
    def __init__(self, before, after, kernel):
        conv = nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False)
        super().__init__(conv, nn.BatchNorm2d(after), nn.ReLU())


class Module(nn.Module):
    """A module by its matrix, vertex by vertex."""

    def __init__(self, spec, before, after):
        super().__init__()
        self.matrix, last = spec.matrix, len(spec.ops) - 1
        ends = [v for v in range(1, last) if spec.matrix[v][last]]
        self.width = {0: before, last: after}
        for place, v in enumerate(ends):
            self.width[v] = after // len(ends) + (1 if place < after % len(ends) else 0)
        for v in reversed(range(1, last)):
            if v not in self.width:
                self.width[v] = max(self.width[w] for w in range(v, last) if spec.matrix[v][w])
        self.projections, self.ops = nn.ModuleDict(), nn.ModuleDict()
        for v in range(1, last + 1):
            if spec.matrix[0][v]:
                self.projections[str(v)] = Conv(before, self.width[v], 1)
            if v < last and spec.ops[v] == POOL:
                self.ops[str(v)] = nn.MaxPool2d(3, 1, 1)
            elif v < last:
                self.ops[str(v)] = Conv(self.width[v], self.width[v], int(spec.ops[v][4]))

    def forward(self, x):
        last = len(self.matrix) - 1
        values = {}
        for v in range(1, last):
            terms = [values[w][:, : self.width[v]] for w in range(1, v) if self.matrix[w][v]]
            if self.matrix[0][v]:
                terms.append(self.projections[str(v)](x))
            values[v] = self.ops[str(v)](sum(terms))
        ends = [values[v] for v in range(1, last) if self.matrix[v][last]]
        if not ends:
            return self.projections[str(last)](x)
        out = torch.cat(ends, 1)
        return out + self.projections[str(last)](x) if self.matrix[0][last] else out


def benchmark(spec, channels=128, repeats=3, classes=10):
    """The benchmark's network, written anew in plain torch."""
    layers, before, width = [Conv(3, channels, 3)], channels, channels
    for stack in range(3):
        if stack:
            layers.append(nn.MaxPool2d(2))
            width *= 2
        for _ in range(repeats):
            layers.append(Module(spec, before, width))
            before = width
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes)
    return nn.Sequential(*layers, *head)


@torch.no_grad()
def answers(network):
    for parameter in network.parameters():  # numbers that follow from the size alone
        numbers = torch.arange(parameter.numel(), dtype=torch.float64) * 1.7 + parameter.ndim
        parameter.copy_(numbers.sin().reshape(parameter.shape) / 2)
    x = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(0))
    return network.double().eval()(x.double())


def test_the_published_number_of_weights():
    """The benchmark's page: 2,694,282 trainable parameters."""
    assert cost(FULL.architecture(INCEPTION), SHAPE, 10).params == 2_694_282
    assert sum(p.numel() for p in benchmark(INCEPTION).parameters()) == 2_694_282


def test_networks_are_the_benchmarks():
    rng = random.Random(0)
    for number in range(25):
        spec = INCEPTION if number == 0 else drawn_spec(rng)
        network = SMALL.architecture(spec)
        theirs = benchmark(spec, 10, 1)
        price = cost(network, SHAPE, 10)
        assert (price.params, price.macs) == count(theirs, SHAPE)
        torch.testing.assert_close(answers(build(network, SHAPE, 10)), answers(theirs))
    direct = ModelSpec([[0, 1], [0, 0]], ["input", "output"])
    torch.testing.assert_close(
        answers(build(SMALL.architecture(direct), SHAPE, 10)), answers(benchmark(direct, 10, 1))
    )


def test_channels_are_shared_out():
    assert INCEPTION.channels(128, 256) == [128, 64, 64, 64, 64, 64, 256]
    assert INCEPTION.channels(10, 10) == [10, 3, 3, 2, 2, 2, 10]
    inner = ModelSpec(
        [[0, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 1], [0] * 5],
        ["input", CONV3, CONV1, CONV1, "output"],
    )
    assert inner.channels(4, 7) == [4, 4, 4, 3, 7]


def test_pruning_leaves_what_lies_between_input_and_output():
    spec = ModelSpec(
        [[0, 1, 1, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0] * 5],
        ["input", CONV3, CONV1, POOL, "output"],
    )
    pruned = spec.pruned()
    assert pruned == ModelSpec([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["input", CONV3, "output"])
    assert spec.fingerprint() == pruned.fingerprint()
    assert FULL.architecture(spec) == FULL.architecture(pruned)
    cut = ModelSpec([[0, 1, 0], [0, 0, 0], [0, 0, 0]], ["input", CONV3, "output"])
    assert not cut.connected
    with pytest.raises(OptunasError, match="no path leads from the module's input to its output"):
        cut.pruned()


def renumbered(spec, rng):
    """The same module with its inner vertices in another order that edges allow."""
    graph = networkx.DiGraph(as_networkx(spec).edges)
    names = dict(enumerate(rng.sample(range(len(spec.ops)), len(spec.ops))))
    order = list(networkx.lexicographical_topological_sort(graph, key=names.get))
    rows = [[spec.matrix[i][j] for j in order] for i in order]
    return ModelSpec(rows, [spec.ops[i] for i in order])


def as_networkx(spec):
    graph = networkx.DiGraph()
    for vertex, op in enumerate(spec.ops):
        graph.add_node(vertex, op=op)
    size = range(len(spec.ops))
    graph.add_edges_from((i, j) for i, j in product(size, size) if spec.matrix[i][j])
    return graph


def same_op(a, b):
    return a["op"] == b["op"]


def test_hashes_are_equal_exactly_for_isomorphic_modules():
    rng = random.Random(1)
    specs = [drawn_spec(rng, size, 0.45) for size in (4, 5, 5, 6, 6, 7) for _ in range(40)]
    hashes = [spec.fingerprint() for spec in specs]
    for spec, name in zip(specs, hashes, strict=True):
        assert renumbered(spec, rng).fingerprint() == name
    equal = 0
    for one, other in itertools.combinations(range(len(specs)), 2):
        graphs = as_networkx(specs[one]), as_networkx(specs[other])
        isomorphic = networkx.is_isomorphic(*graphs, same_op)
        assert isomorphic == (hashes[one] == hashes[other])
        equal += isomorphic
    assert equal > 20


def test_hashes_count_the_published_numbers_of_modules():
    """Ying et al. 2019: 423,624 in all; here those of up to four vertices are counted anew."""
    assert FULL.size() == 423_624
    for vertices, modules in ((2, 1), (3, 7), (4, 91)):
        space = NASBench101(vertices=vertices)
        counted = {spec.fingerprint() for spec in space._modules()}
        assert len(counted) == space.size() == modules
    space = NASBench101(ops=(CONV3, POOL), vertices=4)
    classes: list[networkx.DiGraph] = []
    for graph in map(as_networkx, space._modules()):
        if not any(networkx.is_isomorphic(graph, known, same_op) for known in classes):
            classes.append(graph)
    assert space.size() == len(classes)
    with pytest.raises(OptunasError, match="counted for all three ops only"):
        NASBench101(ops=(CONV3,)).size()


def test_every_draw_is_a_module_of_the_benchmark():
    rng = np.random.default_rng(0)
    edges = set()
    for number in range(100):
        space = FULL if number < 5 else SMALL
        drawn = draw(space.suggest, rng)
        assert len(drawn.params) == 21 + 5
        spec = space.spec(drawn.params)
        assert spec.pruned() == spec
        assert 1 <= spec.edges <= 9
        edges.add(spec.edges)
        price = cost(drawn.architecture, SHAPE, 10)
        network = build(drawn.architecture, SHAPE, 10, device="meta")
        assert (price.params, price.macs) == count(network, SHAPE)
        assert from_json(to_json(drawn.architecture)) == drawn.architecture
        again = space.suggest(FixedTrial(space.params(spec)))
        assert key(again, SHAPE, 10) == key(drawn.architecture, SHAPE, 10)
        assert space.spec(space.params(spec)) == spec
    assert len(edges) > 5


def test_what_a_draw_has_too_much_or_too_little_of_is_repaired():
    full = {f"edge{i}_{j}": 1 for j in range(7) for i in range(j)}
    ops = {f"op{v}": CONV3 for v in range(1, 6)}
    spec = FULL.spec({**full, **ops})
    assert (len(spec.ops), spec.edges) == (7, 9)
    star = {**dict.fromkeys(full, 0), **{f"edge0_{v}": 1 for v in range(1, 6)}}
    star |= {f"edge{v}_6": 1 for v in range(1, 6)}
    spec = FULL.spec({**star, **ops})  # ten edges, each of which a vertex needs
    assert (len(spec.ops), spec.edges) == (6, 8)
    nothing = FULL.spec({**dict.fromkeys(full, 0), **ops})
    assert nothing == ModelSpec([[0, 1], [0, 0]], ["input", "output"])
    nine = FULL.params(INCEPTION)
    assert FULL.spec(nine) == INCEPTION


def test_the_order_of_vertices_can_matter_to_the_network():
    """Isomorphic modules have one hash; where channels are left over, they are two networks."""
    rows = [[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
    one = ModelSpec(rows, ["input", CONV3, CONV1, "output"])
    other = ModelSpec(rows, ["input", CONV1, CONV3, "output"])
    assert one.fingerprint() == other.fingerprint()
    odd = NASBench101(channels=5, repeats=1)
    costs = [cost(odd.architecture(spec), SHAPE, 10).params for spec in (one, other)]
    assert costs[0] != costs[1]


def test_arguments_narrow_and_are_checked():
    small = NASBench101(ops=(CONV1, POOL), vertices=4)
    drawn = draw(small.suggest, np.random.default_rng(0), small.baseline())
    assert drawn.params == small.baseline()
    assert len(drawn.params) == 6 + 2
    assert draw(FULL.suggest, np.random.default_rng(0), FULL.baseline()).params == FULL.baseline()
    assert FULL.spec(FULL.baseline()).ops == ("input", CONV3, CONV3, "output")
    for arguments, message in (
        ({"ops": ("conv",)}, "NASBench101.ops must be among conv3x3"),
        ({"vertices": 8}, "NASBench101.vertices must be 2 to 7; got 8"),
        ({"channels": 0}, "NASBench101.channels"),
    ):
        with pytest.raises(OptunasError, match=message):
            NASBench101(**arguments)
    with pytest.raises(OptunasError, match="the space holds modules of 4 vertices"):
        small.params(INCEPTION)


@pytest.mark.parametrize(
    ("matrix", "ops", "message"),
    [
        ([[0]], ["input"], "at least two vertices"),
        ([[0, 1], [0]], ["input", "output"], "square matrix"),
        ([[0, 1], [0, 0]], ["input"], "1 operations"),
        ([[0, 1], [1, 0]], ["input", "output"], "only above the diagonal"),
        ([[0, 2], [0, 0]], ["input", "output"], "edges of a module are 0 or 1"),
        ([[0, 1], [0, 0]], ["output", "input"], "begin with"),
        ([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["input", "conv", "output"], "got 'conv'"),
    ],
)
def test_what_is_no_module_is_named(matrix, ops, message):
    with pytest.raises(OptunasError, match=message):
        ModelSpec(matrix, ops)
