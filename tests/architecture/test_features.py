"""Features count what can be counted by hand, and know nothing of spelling."""

from math import log2

import numpy as np
import pytest

from optunas.architecture import (
    Activation,
    BasicBlock,
    Conv,
    ConvNorm,
    GlobalPool,
    Graph,
    Identity,
    Linear,
    Node,
    Norm,
    Parallel,
    Pool,
    Sequential,
    cost,
    features,
)
from optunas.spaces import ConvNet, draw

SHAPE = (3, 8, 8)


def test_a_chain_is_as_deep_as_it_has_layers_that_learn():
    chain = Sequential(Conv(8), Norm(), Activation(), Pool(), Conv(16, 5), GlobalPool(), Linear())
    found = features(chain, SHAPE, 10)
    assert found["depth.longest"] == found["depth.shortest"] == 3
    assert found["log2.paths"] == 0
    assert (found["count.Conv"], found["count.Conv.3x3"], found["count.Conv.5x5"]) == (2, 1, 1)
    assert (found["log2.widest"], found["log2.pixels.out"]) == (4, 4)


def test_costs_are_those_of_cost():
    network = Sequential(BasicBlock(8), GlobalPool(), Linear())
    price = cost(network, SHAPE, 10)
    found = features(network, SHAPE, 10)
    assert found["log2.params"] == pytest.approx(log2(1 + price.params))
    assert found["log2.macs"] == pytest.approx(log2(1 + price.macs))
    shares = [value for name, value in found.items() if name.startswith("share.macs.")]
    assert sum(shares) == pytest.approx(1)


def test_branches_make_paths_and_the_shortest_is_the_shortcut():
    twice = Sequential(*[Parallel(Sequential(Conv(3), Conv(3)), Identity()) for _ in range(3)])
    found = features(twice, SHAPE)
    assert (found["depth.shortest"], found["depth.longest"]) == (0, 6)
    assert found["log2.paths"] == 3
    assert found["count.join.sum"] == 3


def test_a_cell_has_the_paths_of_its_graph():
    conv = Conv(3)
    cell = Graph(Node((0, conv)), Node((0, conv), (1, conv)), Node((0, conv), (1, conv), (2, conv)))
    found = features(cell, SHAPE)
    assert (found["depth.shortest"], found["depth.longest"]) == (1, 3)
    assert found["log2.paths"] == 2  # 0-3, 0-1-3, 0-2-3, 0-1-2-3
    assert (found["count.Conv"], found["count.join.sum"]) == (6, 3)


def test_a_depthwise_convolution_is_told_apart():
    found = features(Sequential(Conv(3, groups=0), Conv(6, 1)), SHAPE)
    assert (found["count.Conv.depthwise"], found["count.Conv"]) == (1, 2)


def test_another_spelling_has_the_same_features():
    block = Sequential(ConvNorm(8), Identity())
    layers = Sequential(Sequential(Conv(8), Norm()), Activation("relu"), Activation("relu"))
    assert features(block, SHAPE) == features(layers, SHAPE)


def test_every_draw_has_finite_features():
    rng = np.random.default_rng(0)
    for _ in range(50):
        network = draw(ConvNet().suggest, rng).architecture
        found = features(network, SHAPE, 10)
        assert all(np.isfinite(value) for value in found.values())
        assert found["depth.longest"] >= found["depth.shortest"] >= 1
