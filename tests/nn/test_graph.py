"""Graphs become modules: seeded, trainable, exportable, and no value is held longer than needed."""

import math
import weakref

import numpy as np
import torch
from torch import nn

from optunas.architecture import (
    Activation,
    Conv,
    ConvNorm,
    GlobalPool,
    Graph,
    Linear,
    Node,
    Norm,
    Sequential,
    Zero,
)
from optunas.nn import Graph as GraphModule
from optunas.nn import build
from optunas.spaces import DARTS, NASBench101, NASBench201, draw

torch.set_num_threads(1)
SHAPE, CLASSES = (3, 16, 16), 10
BRIDGE = Graph(
    Node((0, ConvNorm(8))),
    Node((0, ConvNorm(8, 1)), (1, ConvNorm(8))),
    Node((1, Conv(8, 1)), (2, Conv(8)), join="concat"),
)
NETWORK = Sequential(BRIDGE, GlobalPool(), Linear())


def numbers(network):
    return torch.cat([value.flatten().double() for value in network.state_dict().values()])


def test_a_bridge_is_built_of_plain_modules():
    network = build(NETWORK, SHAPE, CLASSES)
    graph = network[0]
    assert isinstance(graph, GraphModule)
    assert graph.sources == [[0], [0, 1], [1, 2]]
    assert graph.joins == ["sum", "sum", "concat"]
    assert "sum(0,), sum(0, 1), concat(1, 2)" in repr(graph)
    x = torch.randn(2, *SHAPE)
    one = graph.edges[0][0](x)
    two = graph.edges[1][0](x) + graph.edges[1][1](one)
    expected = torch.cat([graph.edges[2][0](one), graph.edges[2][1](two)], 1)
    assert torch.equal(graph(x), expected)


def test_the_same_seed_gives_the_same_weights_and_they_can_be_carried_over():
    one, same, other = (build(NETWORK, SHAPE, CLASSES, seed=s) for s in (3, 3, 4))
    assert torch.equal(numbers(one), numbers(same))
    assert not torch.equal(numbers(one), numbers(other))
    other.load_state_dict(one.state_dict())
    x = torch.randn(2, *SHAPE)
    assert torch.equal(other.eval()(x), one.eval()(x))


def test_first_steps_are_sane():
    rng = np.random.default_rng(0)
    spaces = (
        NASBench201(ops=("skip_connect", "nor_conv_1x1", "nor_conv_3x3"), channels=8, repeats=1),
        NASBench101(channels=16, repeats=1),
        DARTS(channels=4, layers=3),
    )
    x = torch.randn(16, *SHAPE, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(16) % CLASSES
    for space in spaces:
        for _ in range(6):
            network = build(draw(space.suggest, rng).architecture, SHAPE, CLASSES, seed=1)
            logits = network(x)
            loss = nn.functional.cross_entropy(logits, labels)
            assert abs(loss.item() - math.log(CLASSES)) < 0.35
            loss.backward()
            gradients = torch.cat([p.grad.flatten() for p in network.parameters()])
            assert gradients.isfinite().all()


def test_constants_learn():
    """Zeros, then a normalisation: its shift is all that is left, and it has a gradient."""
    network = build(Sequential(Zero(), Norm(), GlobalPool(), Linear()), SHAPE, CLASSES)
    x = torch.randn(4, *SHAPE)
    nn.functional.cross_entropy(network(x), torch.arange(4)).backward()
    norm = next(part for part in network.modules() if isinstance(part, nn.BatchNorm2d))
    assert norm.bias.grad.abs().sum() > 0
    assert (norm.weight.grad == 0).all()


class Watched(nn.Module):
    """Remembers which tensors it gave, without keeping them alive."""

    def __init__(self, given):
        super().__init__()
        self.given = given

    def forward(self, x):
        y = x + 1
        self.given.append(weakref.ref(y))
        return y


def test_values_are_freed_when_nobody_needs_them_any_more():
    given, held = [], []
    edges = [[Watched(given), Watched(given)] for _ in range(20)]
    sources = [[max(0, node - 1), node] for node in range(20)]
    chain = GraphModule(edges, sources, ["sum"] * 20)
    for watched in (edge for node in edges for edge in node):
        watched.register_forward_hook(
            lambda *_: held.append(sum(tensor() is not None for tensor in given))
        )
    with torch.no_grad():
        chain(torch.zeros(1, 2))
    assert max(held) <= 2  # of what the edges gave; the sums are held besides


def test_layouts_and_compilers_agree():
    graph = Sequential(BRIDGE, Activation(), GlobalPool(), Linear())
    network = build(graph, SHAPE, CLASSES).eval()
    x = torch.randn(2, *SHAPE)
    with torch.inference_mode():
        expected = network(x)
    exported = torch.export.export(network, (x,)).module()
    torch.testing.assert_close(exported(x), expected)
    last = network.to(memory_format=torch.channels_last)
    with torch.inference_mode():
        again = last(x.to(memory_format=torch.channels_last))
    torch.testing.assert_close(again, expected, rtol=1e-3, atol=1e-5)
