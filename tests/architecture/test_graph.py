"""Graphs: one key for every spelling of a network, and the network is the one that was written."""

import itertools
import json
import pickle
import random

import networkx
import pytest
import torch
from torch import nn

from optunas.architecture import (
    Activation,
    Conv,
    ConvNorm,
    Dropout,
    GlobalPool,
    Graph,
    Identity,
    Linear,
    Node,
    Norm,
    Pad,
    Parallel,
    Pool,
    Residual,
    Sequential,
    Slice,
    Zero,
    cost,
    from_json,
    key,
    summary,
    to_json,
)
from optunas.architecture.canonical import canonical
from optunas.architecture.normal import lower
from optunas.architecture.steps import Operation, Web
from optunas.errors import OptunasError, ShapeError
from optunas.nn import build

torch.set_num_threads(1)
SHAPE = (4, 5, 5)
A, B, C, D, E = (Sequential(Conv(4, (1, k)), Norm()) for k in (1, 3, 5, 7, 9))
GATE = Sequential(GlobalPool(keep=True), Conv(4, 1))
TANH, AROUND = Activation("tanh"), Pool("avg", 3, 1, 1)
BRIDGE = Graph(Node((0, A)), Node((0, B), (1, C)), Node((1, D), (2, E)))
"""The least graph that forks and sequences can't say: node 1 is used by both others."""


class Written(nn.Module):
    """A description as it is written: every node in turn, nothing left out."""

    def __init__(self, layer, shapes, plain):
        super().__init__()
        self.layer, self.parts = layer, nn.ModuleList()
        (shape, *_) = shapes

        def part(inner, *inner_shapes):
            self.parts.append(Written(inner, inner_shapes, plain))
            return self.parts[-1].shape

        match layer:
            case Sequential(layers=layers):
                for inner in layers:
                    shape = part(inner, shape)
            case Parallel(branches=branches, join=join):
                shape = joined(join, [part(branch, shape) for branch in branches])
            case Residual(body=body):
                target = part(body, shape)
                shape = joined("sum", [target, part(layer.beside(shape, target), shape)])
            case Graph(nodes=nodes):
                known = list(shapes)
                for node in nodes:
                    outputs = [part(inner, known[source]) for source, inner in node.edges]
                    if isinstance(node.then, Graph) and node.then.inputs > 1:
                        known.append(part(node.then, *outputs))
                        continue
                    known.append(joined(node.join, outputs))
                    if node.then is not None:
                        known[-1] = part(node.then, known[-1])
                shape = known[-1]
            case Zero() | Pad() | Slice():
                shape = layer.output(shape)
            case _:
                self.parts.append(plain(layer, shape, 10))
                shape = cost(layer, shape, 10).output_shape
        self.shape = shape

    def forward(self, *inputs):
        parts = iter(self.parts)
        match self.layer:
            case Sequential():
                (x,) = inputs
                for inner in parts:
                    x = inner(x)
                return x
            case Parallel(join=join):
                return together(join, [inner(*inputs) for inner in parts])
            case Residual():
                return together("sum", [inner(*inputs) for inner in parts])
            case Graph(nodes=nodes):
                known = list(inputs)
                for node in nodes:
                    outputs = [next(parts)(known[source]) for source, _ in node.edges]
                    if isinstance(node.then, Graph) and node.then.inputs > 1:
                        known.append(next(parts)(*outputs))
                        continue
                    known.append(together(node.join, outputs))
                    if node.then is not None:
                        known[-1] = next(parts)(known[-1])
                return known[-1]
            case Zero():
                return inputs[0].new_zeros(len(inputs[0]), *self.shape)
            case Pad(top=top, bottom=bottom, left=left, right=right):
                return nn.functional.pad(inputs[0], (left, right, top, bottom))
            case Slice(start=start, stop=stop):
                return inputs[0][:, start:stop]
        return self.parts[0](*inputs)


def joined(join, shapes):
    if join == "concat":
        return (sum(shape[0] for shape in shapes), *shapes[0][1:])
    return max(shapes, key=lambda shape: shape[1:]) if join == "multiply" else shapes[0]


def together(join, outputs):
    if join == "concat":
        return torch.cat(outputs, 1)
    first, *rest = outputs
    for output in rest:
        first = first + output if join == "sum" else first * output
    return first


@pytest.fixture(name="outputs")
def _outputs(plain, filled):
    """What a description gives as it is written, and as it is built."""

    def outputs(layer, shape=SHAPE):
        x = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1)).double()
        written = filled(Written(layer, (shape,), plain)).double()
        built = filled(build(layer, shape, 10)).double()
        return written(x), built(x)

    return outputs


def keyed(layer, shape=SHAPE):
    return key(layer, shape, 10)


SAME = {
    "a chain": (Graph(Node((0, A)), Node((1, B))), Sequential(A, B)),
    "layers of nodes and of edges": (Graph(Node(0, then=A), Node(1, then=B)), Sequential(A, B)),
    "one node": (Graph(Node((0, A))), A),
    "nothing": (Graph(Node(0)), Sequential()),
    "a fork": (Graph(Node((0, A)), Node((0, B)), Node((1, C), 2)), Parallel(Sequential(A, C), B)),
    "a fork of one node": (Graph(Node((0, A), (0, B), 0)), Parallel(A, B, Identity())),
    "a fork in a fork": (
        Graph(Node((0, A)), Node((1, B), 1), Node((2, C), 0)),
        Parallel(Sequential(A, Parallel(B, Identity()), C), Identity()),
    ),
    "a residual block": (Graph(Node((0, A)), Node(0, (1, B))), Residual(Sequential(A, B))),
    "a concatenation": (
        Graph(Node((0, A)), Node((0, B)), Node(2, 1, join="concat")),
        Parallel(B, A, join="concat"),
    ),
    "a concatenation in another": (
        Graph(Node((0, A)), Node((0, B)), Node(1, 2, join="concat"), Node(3, 0, join="concat")),
        Parallel(A, B, Identity(), join="concat"),
    ),
    "a gate": (
        Graph(Node((0, GATE)), Node(0, 1, join="multiply")),
        Parallel(GATE, Identity(), join="multiply"),
    ),
    "dead nodes": (
        Graph(Node((0, A)), Node((0, E), (1, D)), Node((1, B)), Node(2, 3), Node((3, C))),
        Sequential(A, B, C),
    ),
    "identities": (
        Graph(Node(0), Node((1, Dropout(0))), Node((0, A), (2, B)), Node((3, Identity()))),
        Parallel(A, B),
    ),
    "a zero edge": (Graph(Node((0, A)), Node((0, Zero()), (1, B))), Sequential(A, B)),
    "what only a zero edge needs": (
        Graph(Node((0, A)), Node((1, Zero()), (0, B))), B,
    ),
    "zeros run through": (
        Graph(Node((0, Zero())), Node((1, Sequential(Conv(4), TANH, AROUND)), (0, B))), B,
    ),
    "zeros in a sum": (Parallel(A, Sequential(B, Zero(), Conv(4), TANH)), A),
    "zeros in a product": (Parallel(A, Zero(), join="multiply"), Zero()),
    "zeros after anything": (Sequential(A, B, Zero()), Zero()),
    "halved zeros": (Sequential(A, Zero(2)), Sequential(Zero(2), Conv(4))),
    "zeros side by side": (
        Parallel(A, Zero(), Sequential(C, Zero()), join="concat"),
        Parallel(A, Zero(shape=(8, 5, 5)), join="concat"),
    ),
    "a constant": (
        Graph(Node((0, Zero())), Node((1, A), (0, B))),
        Parallel(B, Sequential(Zero(), Norm())),
    ),
    "a constant after anything": (
        Sequential(A, Parallel(Sequential(Zero(), Norm()), Sequential(Zero(), A))),
        Parallel(Sequential(Zero(), Norm()), Sequential(C, Zero(), Norm())),
    ),
    "a constant term of a term": (
        Parallel(Sequential(A, Parallel(B, Sequential(Zero(), Norm()))), C),
        Parallel(Sequential(A, B), C, Sequential(Zero(), Norm())),
    ),
    "the same with nodes": (
        Graph(Node((0, A)), Node((1, B), (1, Sequential(Zero(), Norm()))), Node(2, (0, C))),
        Parallel(Sequential(A, B), C, Sequential(Zero(), Norm())),
    ),
    "a sum that is a term": (
        Graph(Node((0, A)), Node((0, B), (1, C)), Node((1, D), 2)),
        Graph(Node((0, A)), Node((1, D), (0, B), (1, C))),
    ),
    "numbers of nodes": (
        BRIDGE,
        Graph(Node((0, E)), Node((0, A)), Node((2, C), (0, B)), Node((3, E), (2, D))),
    ),
    "edges or nodes": (
        BRIDGE,
        Graph(
            Node(0, then=A), Node(0, then=B), Node(1, then=C), Node(3, 2), Node(4, then=E),
            Node(1, then=D), Node(5, 6),
        ),
    ),
    "a graph in a sequence": (
        Graph(*BRIDGE.nodes, Node((3, A))), Sequential(BRIDGE, A),
    ),
    "a graph in a graph": (
        Graph(Node((0, C)), Node((1, BRIDGE)), Node((2, A), 0)),
        Parallel(Sequential(C, BRIDGE, A), Identity()),
    ),
    "a graph on an edge that is shared": (
        Graph(Node((0, BRIDGE)), Node((0, B), (1, C)), Node((1, D), (2, E))),
        Graph(*BRIDGE.nodes, Node((0, B), (3, C)), Node((3, D), (4, E))),
    ),
    "graphs side by side": (
        Parallel(BRIDGE, Sequential(A, BRIDGE)),
        Graph(
            *BRIDGE.nodes,
            Node((0, A)), Node((4, A)), Node((4, B), (5, C)), Node((5, D), (6, E)), Node(7, 3),
        ),
    ),
    "the last sum drawn in": (
        Parallel(BRIDGE, A),
        Graph(*BRIDGE.nodes[:2], Node((1, D), (2, E), (0, A))),
    ),
    "two inputs": (
        Graph(
            Node((0, A)),
            Node(0, 1, then=Graph(Node((0, B), (1, C)), Node((1, D), (2, E)), inputs=2)),
        ),
        BRIDGE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_spellings_of_one_network_have_one_key(outputs, name):
    one, other = SAME[name]
    assert keyed(one) == keyed(other)
    torch.testing.assert_close(*outputs(one))
    torch.testing.assert_close(*outputs(other))
    assert repr(build(one, SHAPE, 10, device="meta")) == repr(
        build(other, SHAPE, 10, device="meta")
    )


DIFFERENT = [
    Identity(), Zero(), Zero(2), A, B, Sequential(A, B), Parallel(A, B), BRIDGE,
    Graph(Node((0, A)), Node((0, B), (1, C)), Node((1, E), (2, D))),
    Graph(Node((0, A)), Node((0, B), (1, C)), Node((1, D), (2, E), 0)),
    Graph(Node((0, A)), Node((0, B), (1, C)), Node((0, D), (2, E))),
    Graph(Node((0, A)), Node((0, B), (1, C)), Node((1, D), (2, E), join="multiply")),
    Graph(Node((0, A)), Node((0, B), (1, C), join="multiply"), Node((1, D), (2, E))),
    Graph(Node((0, A)), Node((0, B), (1, C)), Node((1, D), (2, E), join="concat")),
    Graph(Node((0, A)), Node((0, B), (1, C)), Node((2, E), (1, D), join="concat")),
    # an output that is used twice, and the same layer twice
    Graph(Node((0, A)), Node((1, B), (1, C))),
    Graph(Node((0, A)), Node((0, A)), Node((1, B), (2, C))),
    Sequential(BRIDGE, BRIDGE), Parallel(BRIDGE, BRIDGE), Sequential(Zero(), Norm()),
    Parallel(Sequential(Zero(), Norm()), Identity()), Parallel(A, Zero(), join="concat"),
    Parallel(Zero(), A, join="concat"), Sequential(Zero(), Norm(), Conv(4)),
    Sequential(Zero(), Activation("sigmoid")), Sequential(Zero(), Conv(4, bias=True)),
    Pad(top=1), Pad(top=-1), Pad(top=-1, bottom=1), Pad(left=-1, right=1),
]  # fmt: skip


def test_different_networks_have_different_keys():
    keys = {}
    for layer in DIFFERENT:
        assert keys.setdefault(keyed(layer), layer) is layer


EDGES = [
    A, B, C, D, A, B, C, Conv(4, (3, 1)), Norm(), TANH, AROUND, Identity(), Identity(), Zero(),
    Sequential(Zero(), Norm()), Residual(A), Parallel(B, Sequential(Zero(), Norm())),
]  # fmt: skip


def drawn(rng, depth=1, nodes=7, inputs=1):
    """Any graph whose values have one shape: sums, products, concatenations cut back."""
    edges = list(EDGES)
    if depth:
        edges += [drawn(rng, depth - 1, 3), Parallel(drawn(rng, depth - 1, 3), A)]
    made = []
    for number in range(inputs, inputs + rng.randint(nodes // 2, nodes)):
        count = rng.choice((1, 2, 2, 3))
        late = [number - 1] * (rng.random() < 0.8)  # so that few nodes lead nowhere
        late += [rng.randrange(number) for _ in range(count - len(late))]
        sources = [(source, rng.choice(edges)) for source in late]
        join = rng.choice(("sum", "sum", "sum", "multiply", "concat"))
        layer = rng.choice((None, None, TANH, Sequential(Conv(4, 1), Norm())))
        if join == "concat":
            layer = rng.choice((Conv(4, (1, 3)), Slice(count * 2, count * 2 + 4)))
            layer = Slice(0, 4) if count == 1 else layer
        if depth and count == 2 and rng.random() < 0.2:
            layer = drawn(rng, 0, 3, inputs=2)
        made.append(Node(*sources, join=join, then=layer))
    return Graph(*made, inputs=inputs)


def test_drawn_graphs_are_built_as_they_are_written(outputs):
    rng = random.Random(0)
    webs = 0
    for _ in range(200):
        graph = drawn(rng)
        torch.testing.assert_close(*outputs(graph), rtol=1e-6, atol=1e-8)
        price, network = cost(graph, SHAPE), build(graph, SHAPE, device="meta")
        assert price.params == sum(p.numel() for p in network.parameters())
        assert json_round_trip(graph) == graph
        webs += any(isinstance(step, Web) for step in lower(graph, SHAPE, None).steps)
    assert webs > 30


def json_round_trip(layer):
    return from_json(json.loads(json.dumps(to_json(layer))))


def respelled(graph, rng):
    """The same graph in other words: another order, more nodes, dead ones, wrapped edges."""
    nodes, inputs = graph.nodes, graph.inputs
    waiting, place, made = set(range(len(nodes))), {n: n for n in range(inputs)}, []
    last = len(nodes) - 1

    def add(node):
        made.append(node)
        return inputs + len(made) - 1

    while waiting:
        ready = [
            n for n in waiting
            if all(s in place for s, _ in nodes[n].edges) and (n != last or len(waiting) == 1)
        ]  # fmt: skip
        number = rng.choice(ready)
        waiting.remove(number)
        node = nodes[number]
        edges = [(place[s], worded(layer, rng)) for s, layer in node.edges]
        if rng.random() < 0.3:  # a layer of its own node
            edges = [(add(Node(source, then=layer)), Identity()) for source, layer in edges]
        if rng.random() < 0.2:  # a node that nobody uses
            add(Node(*edges, join=node.join))
        apart = isinstance(node.then, Graph) and node.then.inputs > 1
        if node.join != "concat" and not apart:
            rng.shuffle(edges)
            if len(edges) > 2 and rng.random() < 0.5:  # a sum in two steps
                edges = [edges[0], (add(Node(*edges[1:], join=node.join)), Identity())]
            if node.join == "sum" and rng.random() < 0.2:
                source, layer = rng.choice(edges)
                edges.append((source, Sequential(layer, Zero())))
        inner = node.then
        if inner is not None:
            inner = respelled(inner, rng) if isinstance(inner, Graph) else worded(inner, rng)
        place[inputs + number] = add(Node(*edges, join=node.join, then=inner))
    if rng.random() < 0.3:
        add(Node(inputs + len(made) - 1))
    return Graph(*made, inputs=inputs)


def worded(layer, rng):
    layer = respelled(layer, rng) if isinstance(layer, Graph) else layer
    return rng.choice((layer, Sequential(layer), Graph(Node(0), Node((1, layer)))))


def test_drawn_graphs_respelled_keep_their_key():
    rng = random.Random(1)
    for _ in range(250):
        graph = drawn(rng)
        expected = keyed(graph)
        for _ in range(3):
            graph = respelled(graph, rng)
            assert keyed(graph) == expected


def labelled(rng, size, labels, joins):
    """A drawn graph over numbers: what `canonical` takes, with every node on the way to the end."""
    step = {label: (Operation(TANH, label, SHAPE, SHAPE),) for label in labels}
    nodes = []
    for number in range(1, size + 1):
        count = min(number, rng.choice((1, 2, 2, 3)))
        sources = rng.sample(range(number), count)
        nodes.append((rng.choice(joins), [(s, step[rng.choice(labels)]) for s in sources], SHAPE))
    used = {source for _, edges, _ in nodes for source, _ in edges}
    loose = [(number, step[labels[0]]) for number in range(1, size) if number not in used]
    nodes[-1] = ("sum", list(dict(loose + nodes[-1][1]).items()), SHAPE)
    return nodes


def renumbered(nodes, rng):
    """The same graph in another topological order."""
    place, made, waiting = {0: 0}, [], set(range(1, len(nodes) + 1))
    while waiting:
        ready = [n for n in sorted(waiting) if all(s in place for s, _ in nodes[n - 1][1])]
        ready = [n for n in ready if n < len(nodes) or len(waiting) == 1]
        number = rng.choice(ready)
        waiting.remove(number)
        join, edges, shape = nodes[number - 1]
        edges = [(place[source], steps) for source, steps in edges]
        if join != "concat":
            rng.shuffle(edges)
        made.append((join, edges, shape))
        place[number] = len(made)
    return made


def as_networkx(nodes):
    graph = networkx.MultiDiGraph()
    graph.add_node(0, join="input")
    for number, (join, edges, _) in enumerate(nodes, 1):
        graph.add_node(number, join=join if len(edges) > 1 else "one")
        for position, (source, steps) in enumerate(edges):
            place = position if join == "concat" and len(edges) > 1 else -1
            graph.add_edge(source, number, label=(steps[0].token, place))
    return graph


def isomorphic(one, other):
    def same(a, b):
        return a["join"] == b["join"]

    def edges(a, b):
        return sorted(e["label"] for e in a.values()) == sorted(e["label"] for e in b.values())

    return networkx.is_isomorphic(as_networkx(one), as_networkx(other), same, edges)


@pytest.mark.parametrize(
    ("size", "labels", "joins"),
    [(4, "x", ["sum"]), (5, "x", ["sum"]), (5, "xy", ["sum", "concat"]), (8, "x", ["sum"])],
)
def test_graphs_have_one_text_exactly_where_they_are_isomorphic(size, labels, joins):
    rng = random.Random(size)
    graphs = [labelled(rng, size, labels, joins) for _ in range(60)]
    texts = [canonical(nodes, SHAPE).token for nodes in graphs]
    for nodes, text in zip(graphs, texts, strict=True):
        assert canonical(renumbered(nodes, rng), SHAPE).token == text
    for one, other in itertools.combinations(range(60), 2):
        assert (texts[one] == texts[other]) == isomorphic(graphs[one], graphs[other])


def test_much_that_is_alike_is_numbered_quickly():
    """Six equal diamonds side by side, each with two equal sides, and a circle of pairs."""
    step = (Operation(TANH, "x", SHAPE, SHAPE),)
    nodes, ends = [], []
    for _ in range(6):
        first = len(nodes) + 1
        nodes += [("sum", [(0, step)], SHAPE)] * 2
        nodes += [("sum", [(first, step), (first + 1, step)], SHAPE)] * 2
        ends += [(first + 2, step), (first + 3, step)]
    nodes.append(("sum", ends, SHAPE))
    rng = random.Random(0)
    assert len({canonical(renumbered(nodes, rng), SHAPE).token for _ in range(3)}) == 1
    ring = [("sum", [(0, step)], SHAPE)] * 10
    ring += [("sum", [(n + 1, step), ((n + 1) % 10 + 1, step)], SHAPE) for n in range(10)]
    ring.append(("sum", [(n, step) for n in range(11, 21)], SHAPE))
    assert len({canonical(renumbered(ring, rng), SHAPE).token for _ in range(3)}) == 1
    two = [("sum", [(0, step)], SHAPE)] * 10  # two circles of five look alike from each node
    two += [
        ("sum", [(n + 1, step), ((n + 1) % 5 + n // 5 * 5 + 1, step)], SHAPE) for n in range(10)
    ]
    two.append(("sum", [(n, step) for n in range(11, 21)], SHAPE))
    assert canonical(two, SHAPE).token != canonical(ring, SHAPE).token


def test_an_output_used_twice_is_shared():
    twice = Graph(Node((0, A)), Node((1, B), (1, C)))
    again = Graph(Node((0, A)), Node((0, A)), Node((1, B), (2, C)))
    assert cost(again, SHAPE).params - cost(twice, SHAPE).params == cost(A, SHAPE).params


def test_what_is_dead_costs_nothing():
    network = Sequential(Conv(64), Norm(), Zero(), ConvNorm(8), GlobalPool(), Linear())
    price = cost(network, (3, 8, 8), 10)
    # of the second block the normalisation's shift is left, a number for each channel, and scale
    assert price.params == 2 * 8 + 8 * 10 + 10
    assert price.macs == 8 * 10
    logits = build(network, (3, 8, 8), 10)(torch.randn(4, 3, 8, 8))
    assert logits.shape == (4, 10)
    assert (logits == logits[0]).all()


def test_zeros_know_their_shape():
    assert cost(Zero(2), (3, 7, 8)).output_shape == (3, 4, 4)
    assert cost(Zero((1, 2)), (3, 7, 8)).output_shape == (3, 7, 4)
    assert Zero((2, 2)) == Zero(2)
    x = torch.randn(2, 3, 7, 8)
    assert torch.equal(build(Zero(2), (3, 7, 8))(x), torch.zeros(2, 3, 4, 4))


def test_padding_moves_and_cuts():
    x = torch.randn(2, 3, 4, 5)
    assert torch.equal(build(Pad(top=-1, left=-2), (3, 4, 5))(x), x[:, :, 1:, 2:])
    moved = build(Pad(top=-1, bottom=1), (3, 4, 5))(x)
    assert torch.equal(moved[:, :, :-1], x[:, :, 1:])
    assert (moved[:, :, -1] == 0).all()
    with pytest.raises(ShapeError, match=r"Pad\(top=-4\) leaves nothing of 3 channels of 4x5"):
        cost(Pad(top=-4), (3, 4, 5))
    with pytest.raises(OptunasError, match="whole numbers of pixels"):
        Pad(top=0.5)


def test_graphs_can_be_hashed_and_pickled():
    again = pickle.loads(pickle.dumps(BRIDGE))
    assert again == BRIDGE
    assert hash(again) == hash(BRIDGE)
    assert "_hash" not in BRIDGE.__getstate__()
    assert len({BRIDGE, again, Graph(*BRIDGE.nodes[:2])}) == 2


def test_a_summary_and_a_text_are_readable():
    rows = list(summary(Sequential(BRIDGE, GlobalPool(), Linear()), SHAPE, 3))
    assert [row.params for row in rows] == [cost(BRIDGE, SHAPE).params, 0, 15]
    graph = Graph(Node((0, Conv(4))), Node(0, 1, join="concat", then=TANH))
    assert str(graph) == "graph[1: 0 > Conv(4); 2: concat(0, 1) > Activation(kind='tanh')]"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Graph(), "Graph needs at least one node; got none"),
        (lambda: Graph(Conv(3)), r"Graph is made of nodes; got Conv\("),
        (lambda: Graph(Node(1)), "node 1 of a Graph takes from inputs and .*, 0 to 0; got 1"),
        (lambda: Graph(Node(0), Node(2)), "0 to 1; got 2"),
        (lambda: Graph(Node(0), inputs=0), r"Graph.inputs must be a whole number of at least 1"),
        (lambda: Node(), "Node needs at least one source"),
        (lambda: Node(-1), r"a source is a number, 0 for the input, .* got -1"),
        (lambda: Node(True), "got True"),
        (lambda: Node((0, "conv")), r"got \(0, 'conv'\)"),
        (lambda: Node((0, 1)), r"got \(0, 1\)"),
        (lambda: Node(0, join="mean"), r"Node.join must be one of sum, concat, multiply; got 'me"),
        (lambda: Node(0, then="relu"), r"Node.then must be a layer; got 'relu'"),
        (lambda: Node(0, then=Graph(Node(0, 1), inputs=2)), "a Graph of 2 inputs needs a Node"),
        (lambda: Zero(0), "Zero.stride"),
        (lambda: Zero(shape=(3, -1)), "Zero.shape"),
        (lambda: Zero(shape=5), "Zero.shape"),
    ],
)  # fmt: skip
def test_what_makes_no_graph_is_named(make, message):
    with pytest.raises(OptunasError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            Graph(Node((0, Conv(8))), Node(0, 1)),
            "same shape; they give 4 channels of 5x5, 8 channels of 5x5, at node 2 of the graph",
        ),
        (Sequential(A, Graph(Node((0, Linear())))), "flat features.*, at node 1 of the graph"),
        (Graph(Node(0, 0), inputs=2), "a Graph of 2 inputs is what a Node with as many sources"),
        (Node(0), "a Node stands in a Graph"),
    ],
)
def test_what_does_not_fit_says_where(layer, message):
    with pytest.raises(OptunasError, match=message):
        cost(layer, SHAPE)


@pytest.mark.parametrize(
    "said",
    [
        {"layer": "Graph"}, {"layer": "Graph", "nodes": []}, {"layer": "Graph", "nodes": [3]},
        {"layer": "Graph", "nodes": "Node"}, {"layer": "Graph", "nodes": [{"layer": "Conv"}]},
        {"layer": "Graph", "nodes": [{"layer": "Node", "sources": [1]}]},
        {"layer": "Graph", "nodes": [{"layer": "Node", "sources": [[0, "x"]]}]},
        {"layer": "Graph", "nodes": [{"layer": "Node", "sources": 0}]},
        {"layer": "Node", "sources": [0], "then": 3}, {"layer": "Zero", "shape": [1.5]},
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_an_error_of_ours(said):
    with pytest.raises(OptunasError):
        from_json(said)


def flat(layer, source, made, inputs=1):
    """Say a layer in nodes, one for each primitive and each join; gives its last number."""

    def add(node):
        made.append(node)
        return inputs + len(made) - 1

    match layer:
        case Sequential(layers=layers):
            for inner in layers:
                source = flat(inner, source, made)
            return source
        case Parallel(branches=branches, join=join):
            return add(Node(*[flat(inner, source, made) for inner in branches], join=join))
        case Residual(body=body):
            return add(Node(source, flat(body, source, made)))
        case Graph(nodes=nodes, inputs=count):
            known = list(source) if count > 1 else [source]
            for node in nodes:
                ends = [flat(inner, known[number], made) for number, inner in node.edges]
                if isinstance(node.then, Graph) and node.then.inputs > 1:
                    known.append(flat(node.then, ends, made))
                    continue
                known.append(add(Node(*ends, join=node.join)))
                if node.then is not None:
                    known[-1] = flat(node.then, known[-1], made)
            return known[-1]
    return add(Node(source, then=layer))


def nested(rng, depth):
    """Sequences, forks and graphs in each other, in any order."""
    if depth == 0:
        return rng.choice(EDGES)
    parts = [nested(rng, depth - 1) for _ in range(rng.randint(2, 3))]
    kinds = (
        Sequential(*parts), Parallel(*parts), Parallel(*parts, join="multiply"),
        Sequential(Parallel(*parts, join="concat"), Slice(2, 6)),
        Graph(Node((0, parts[0])), Node((0, B), (1, C)), Node((1, parts[1]), (2, E))),
    )  # fmt: skip
    return rng.choice(kinds)


def test_nested_layers_said_in_one_flat_graph_have_the_same_key():
    rng = random.Random(2)
    for number in range(300):
        layer = nested(rng, 1 + number % 3)
        made = []
        last = flat(layer, 0, made)
        assert keyed(Graph(*made, Node(last))) == keyed(layer)
