"""`DARTS`: the paper's networks, and genotypes both ways."""

import numpy as np
import pytest
import torch
from optuna.trial import FixedTrial
from torch import nn

from optunas.architecture import FactorizedReduce, cost, from_json, key, to_json
from optunas.errors import OptunasError, ShapeError
from optunas.nn import build
from optunas.nn.count import count
from optunas.spaces import DARTS, Genotype, draw
from optunas.spaces.darts import OPS

torch.set_num_threads(1)
SHAPE = (3, 32, 32)
V2 = Genotype(
    normal=[
        ("sep_conv_3x3", 0), ("sep_conv_3x3", 1), ("sep_conv_3x3", 0), ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 1), ("skip_connect", 0), ("skip_connect", 0), ("dil_conv_3x3", 2),
    ],
    normal_concat=[2, 3, 4, 5],
    reduce=[
        ("max_pool_3x3", 0), ("max_pool_3x3", 1), ("skip_connect", 2), ("max_pool_3x3", 1),
        ("max_pool_3x3", 0), ("skip_connect", 2), ("skip_connect", 2), ("max_pool_3x3", 1),
    ],
    reduce_concat=[2, 3, 4, 5],
)  # fmt: skip
"""The cell that the paper found on CIFAR-10 (second order)."""
FULL, SMALL = DARTS(), DARTS(channels=4, layers=3)


def relu_conv(before, after, kernel=1):
    conv = nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(after))


def separable(c, kernel, stride, dilation):
    depthwise = nn.Conv2d(
        c, c, kernel, stride, dilation * (kernel // 2), dilation, groups=c, bias=False
    )
    return nn.Sequential(nn.ReLU(), depthwise, nn.Conv2d(c, c, 1, bias=False), nn.BatchNorm2d(c))


class Halved(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.even = nn.Conv2d(before, after // 2, 1, 2, bias=False)
        self.odd = nn.Conv2d(before, after // 2, 1, 2, bias=False)
        self.norm = nn.BatchNorm2d(after)

    def forward(self, x):
        x = x.relu()
        return self.norm(torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], 1))


class Nothing(nn.Module):
    def __init__(self, stride):
        super().__init__()
        self.stride = stride

    def forward(self, x):
        return x[:, :, :: self.stride, :: self.stride] * 0


def operation(op, c, stride):
    size = int(op[-1]) if op[-1].isdigit() else 0
    match op[:3]:
        case "non":
            return Nothing(stride)
        case "ski":
            return Halved(c, c) if stride == 2 else nn.Identity()
        case "max":
            return nn.MaxPool2d(3, stride, 1)
        case "avg":
            return nn.AvgPool2d(3, stride, 1, count_include_pad=False)
        case "sep":
            return nn.Sequential(separable(c, size, stride, 1), separable(c, size, 1, 1))
    return separable(c, size, stride, 2)


class PaperCell(nn.Module):
    def __init__(self, edges, ends, before, last, c, halves, halved):
        super().__init__()
        self.first = Halved(before, c) if halved else relu_conv(before, c)
        self.second = relu_conv(last, c)
        self.ops = nn.ModuleList(operation(op, c, 2 if halves and n < 2 else 1) for op, n in edges)
        self.sources, self.ends = [n for _, n in edges], ends

    def forward(self, before, last):
        values = [self.first(before), self.second(last)]
        for k in range(0, len(self.ops), 2):
            one, two = (self.ops[e](values[self.sources[e]]) for e in (k, k + 1))
            values.append(one + two)
        return torch.cat([values[end] for end in self.ends], 1)


class Paper(nn.Module):
    """The evaluation network, written anew in plain torch, without auxiliary head."""

    def __init__(self, genotype, channels=36, layers=20, classes=10):
        super().__init__()
        c = 3 * channels
        self.stem = nn.Sequential(nn.Conv2d(3, c, 3, padding=1, bias=False), nn.BatchNorm2d(c))
        self.cells = nn.ModuleList()
        before, last, width, halved = c, c, channels, False
        for layer in range(layers):
            halves = layer in (layers // 3, 2 * layers // 3)
            width = width * 2 if halves else width
            edges, ends = genotype[2:] if halves else genotype[:2]
            self.cells.append(PaperCell(edges, ends, before, last, width, halves, halved))
            before, last, halved = last, len(ends) * width, halves
        self.classifier = nn.Linear(last, classes)

    def forward(self, x):
        before = last = self.stem(x)
        for cell in self.cells:
            before, last = last, cell(before, last)
        return self.classifier(last.mean((2, 3)))


@torch.no_grad()
def answers(network):
    for parameter in network.parameters():  # numbers that follow from the size alone
        numbers = torch.arange(parameter.numel(), dtype=torch.float64) * 1.7 + parameter.ndim
        parameter.copy_(numbers.sin().reshape(parameter.shape) / 2)
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    return network.double().eval()(x.double())


def test_the_published_number_of_weights():
    """DARTS_V2 with 36 channels and 20 layers: 3.3 million in the paper, 3.349342 in its log."""
    price = cost(FULL.architecture(V2), SHAPE, 10)
    with torch.device("meta"):
        theirs = Paper(V2)
    assert price.params == 3_349_342
    assert (price.params, price.macs) == count(theirs, SHAPE)


def test_networks_are_the_papers():
    rng = np.random.default_rng(0)
    narrow = DARTS(channels=4, layers=5)
    genotypes = [V2] + [narrow.genotype(draw(narrow.suggest, rng).params) for _ in range(12)]
    alive = DARTS(ops=OPS[1:], channels=4, layers=3)
    genotypes += [alive.genotype(draw(alive.suggest, rng).params) for _ in range(6)]
    for genotype in genotypes:
        network, theirs = narrow.architecture(genotype), Paper(genotype, 4, 5)
        torch.testing.assert_close(answers(build(network, (3, 16, 16), 10)), answers(theirs))
        if not any(op == "none" for op, _ in [*genotype.normal, *genotype.reduce]):
            price = cost(network, SHAPE, 10)
            assert (price.params, price.macs) == count(theirs.float(), SHAPE)


def test_genotypes_come_back():
    params = FULL.params(V2)
    assert params["normal.node3.inputs"] == "0+1"
    assert params["normal.node3.op1"] == "skip_connect"
    again = FULL.genotype(params)
    assert FULL.params(again) == params
    network = FULL.suggest(FixedTrial(params))
    assert key(network, SHAPE, 10) == key(FULL.architecture(V2), SHAPE, 10)
    rng = np.random.default_rng(0)
    for _ in range(20):
        drawn = draw(SMALL.suggest, rng)
        assert SMALL.params(SMALL.genotype(drawn.params)) == drawn.params


def test_drawn_networks_are_priced_as_torch_counts():
    rng = np.random.default_rng(1)
    for number in range(60):
        space = FULL if number == 0 else SMALL
        drawn = draw(space.suggest, rng)
        assert len(drawn.params) == 2 * 4 * 3
        price = cost(drawn.architecture, SHAPE, 10)
        network = build(drawn.architecture, SHAPE, 10, device="meta")
        assert (price.params, price.macs) == count(network, SHAPE)
        assert price.output_shape == (10,)
    assert from_json(to_json(drawn.architecture)) == drawn.architecture


def test_numbers_of_nodes_are_no_part_of_the_network():
    """Two nodes that nobody else uses change places, and so do their places in the output."""
    normal = [("sep_conv_3x3", 0), ("skip_connect", 1), ("dil_conv_5x5", 0), ("avg_pool_3x3", 1)]
    one = Genotype(normal, [2, 3], normal, [2, 3])
    other = Genotype(normal[2:] + normal[:2], [3, 2], normal, [2, 3])
    space = DARTS(nodes=2, channels=4, layers=3)
    assert key(space.architecture(one), SHAPE, 10) == key(space.architecture(other), SHAPE, 10)
    swapped = Genotype(normal, [3, 2], normal, [2, 3])
    assert key(space.architecture(one), SHAPE, 10) != key(space.architecture(swapped), SHAPE, 10)


def test_images_of_odd_size_are_halved():
    assert cost(FactorizedReduce(6), (4, 7, 9)).output_shape == (6, 4, 5)
    with pytest.raises(ShapeError, match="needs an image to halve"):
        cost(FactorizedReduce(6), (4, 1, 9))
    with pytest.raises(ShapeError, match="between two convolutions"):
        cost(FactorizedReduce(1), (4, 4, 4))
    network = build(SMALL.architecture(V2), (1, 13, 11), 3)
    assert network(torch.zeros(2, 1, 13, 11)).shape == (2, 3)


def test_the_size_is_the_papers():
    """Liu et al. 2019 count about 10^9 for a cell without `none`, 10^18 for both."""
    without = DARTS(ops=OPS[1:])
    assert without.size() == (3 * 6 * 10 * 7**8) ** 2
    assert 1e18 < without.size() < 2e18
    space = DARTS(ops=("skip_connect", "sep_conv_3x3"), nodes=2, channels=4, layers=2)
    assert space.size() == (1 * 3 * 2**4) ** 2
    drawn = draw(space.suggest, np.random.default_rng(0), space.baseline())
    assert drawn.params == space.baseline()


def test_what_is_no_genotype_is_named():
    edges = [("sep_conv_3x3", 0), ("skip_connect", 1)]
    for genotype, message in (
        (V2._replace(normal_concat=[3, 4, 5]), "all in the output; got 8 edges"),
        (V2._replace(reduce=edges, reduce_concat=[2]), "the reduce cell must have 4 nodes"),
        (V2._replace(normal_concat=[2, 3, 5, 4]), "the output takes nodes in their order"),
        (V2._replace(normal=[edges[0]] * 2 + V2.normal[2:]), "node1 takes two of 2 inputs"),
    ):
        with pytest.raises(OptunasError, match=message):
            FULL.params(genotype)
    for genotype, message in (
        (V2._replace(normal=[("conv", 0), *V2.normal[1:]]), "edge 0 of the normal cell is one of"),
        (V2._replace(normal=[("none", 2), *V2.normal[1:]]), "on an input from 0 to 1; got"),
        (V2._replace(reduce_concat=[]), "two edges for each node"),
        (V2._replace(reduce_concat=[6]), "two edges for each node"),
    ):
        with pytest.raises(OptunasError, match=message):
            FULL.architecture(genotype)
    with pytest.raises(OptunasError, match=r"DARTS.ops must be among none"):
        DARTS(ops=("conv",))
