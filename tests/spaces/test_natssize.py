"""`NATSSize`: the size space of NATS-Bench."""

from itertools import product

import numpy as np
import pytest
import torch
from optuna.trial import FixedTrial
from torch import nn

from optunas.architecture import cost, from_json, key, to_json
from optunas.errors import OptunasError
from optunas.nn import build
from optunas.nn.count import count
from optunas.spaces import NASBench201, NATSSize, draw
from optunas.spaces.natssize import TOPOLOGY

torch.set_num_threads(1)
SHAPE = (3, 32, 32)
FULL = NATSSize()


class ReLUConvBN(nn.Sequential):
    def __init__(self, before, after, stride=1):
        conv = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        super().__init__(nn.ReLU(), conv, nn.BatchNorm2d(after))


class Cell(nn.Module):
    """The space's topology, edge by edge; the edges from the input change the channels."""

    def __init__(self, before, after):
        super().__init__()
        self.e01, self.e02 = ReLUConvBN(before, after), ReLUConvBN(before, after)
        self.e12, self.e13, self.e23 = (ReLUConvBN(after, after) for _ in range(3))
        change = nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after)
        self.e03 = nn.Identity() if before == after else nn.Sequential(*change)

    def forward(self, x):
        one = self.e01(x)
        two = self.e02(x) + self.e12(one)
        return self.e03(x) + self.e13(one) + self.e23(two)


class Halving(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.a, self.b = ReLUConvBN(before, after, 2), ReLUConvBN(after, after)
        self.beside = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(before, after, 1, bias=False))

    def forward(self, x):
        return self.b(self.a(x)) + self.beside(x)


def benchmark(channels):
    """The benchmark's network, written anew in plain torch."""
    a, b, c, d, e = channels
    return nn.Sequential(
        nn.Conv2d(3, a, 3, padding=1, bias=False), nn.BatchNorm2d(a), Cell(a, a), Halving(a, b),
        Cell(b, c), Halving(c, d), Cell(d, e), nn.BatchNorm2d(e), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(e, 10),
    )  # fmt: skip


@torch.no_grad()
def answers(network):
    for parameter in network.parameters():  # numbers that follow from the size alone
        numbers = torch.arange(parameter.numel(), dtype=torch.float64) * 1.7 + parameter.ndim
        parameter.copy_(numbers.sin().reshape(parameter.shape) / 4)
    x = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(0))
    return network.double().eval()(x.double())


@pytest.mark.parametrize("text", ["8:16:32:48:64", "64:64:64:64:64", "24:8:8:56:16"])
def test_networks_are_the_benchmarks(text):
    network, theirs = FULL.from_string(text), benchmark(list(map(int, text.split(":"))))
    price = cost(network, SHAPE, 10)
    assert (price.params, price.macs) == count(theirs, SHAPE)
    torch.testing.assert_close(answers(build(network, SHAPE, 10)), answers(theirs))


def test_equal_sizes_are_the_topology_spaces_network():
    """With 16, 32, 32, 64, 64 channels cells keep theirs: NAS-Bench-201 with one cell a stage."""
    network = FULL.architecture(list(FULL.baseline().values()))
    other = NASBench201(repeats=1).from_string(TOPOLOGY)
    assert key(network, SHAPE, 10) == key(other, SHAPE, 10)


def test_strings_and_parameters_come_back():
    params = FULL.params("8:16:32:48:64")
    assert params["layer4.channels"] == 48
    assert FULL.to_string(params) == "8:16:32:48:64"
    assert FULL.suggest(FixedTrial(params)) == FULL.from_string("8:16:32:48:64")


def test_drawn_networks_are_priced_as_torch_counts():
    rng = np.random.default_rng(0)
    pools = "|avg_pool_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|none~2|"
    other = NATSSize(topology=pools)
    for number in range(40):
        drawn = draw((other if number % 2 else FULL).suggest, rng)
        assert list(drawn.params) == [f"layer{n}.channels" for n in range(1, 6)]
        price = cost(drawn.architecture, (3, 16, 16), 10)
        network = build(drawn.architecture, (3, 16, 16), 10, device="meta")
        assert (price.params, price.macs) == count(network, (3, 16, 16))
        assert from_json(to_json(drawn.architecture)) == drawn.architecture


def test_size_and_arguments():
    assert FULL.size() == 32_768
    narrow = NATSSize(channels=(8, 24))
    assert narrow.size() == 32
    assert (
        len({key(narrow.suggest(FixedTrial(narrow.params(text))), SHAPE, 10) for text in texts()})
        == 32
    )
    assert set(narrow.baseline().values()) <= {8, 24}
    with pytest.raises(OptunasError, match=r"NATSSize.channels must be whole numbers"):
        NATSSize(channels=(0,))
    with pytest.raises(OptunasError, match="NAS-Bench-201 is written"):
        NATSSize(topology="|none~0|")
    for text in ("", "8:16", "8:16:32:48:x", "8:16:32:48:0", "8:16:32:48:64:64"):
        with pytest.raises(OptunasError, match="is written 8:16:32:48:64"):
            FULL.from_string(text)
    with pytest.raises(OptunasError, match="has 5 layers"):
        FULL.architecture([8, 8])


def texts():
    return (":".join(map(str, sizes)) for sizes in product((8, 24), repeat=5))
