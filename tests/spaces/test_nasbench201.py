"""`NASBench201`: the benchmark's networks, its strings, and which of its cells are equal."""

import math
from collections import Counter, defaultdict
from functools import cache
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from optuna.trial import FixedTrial
from torch import nn

from optunas.architecture import cost, from_json, key, to_json
from optunas.errors import OptunasError
from optunas.nn import build
from optunas.nn.count import count
from optunas.spaces import NASBench201, draw
from optunas.spaces.nasbench201 import parsed

torch.set_num_threads(1)
SHAPE = (3, 32, 32)
TABLE = Path(__file__).parents[2] / ".." / "shared" / "data" / "nasbench201.csv.xz"
BEST = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
    "|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
)
FULL, SMALL = NASBench201(), NASBench201(channels=4, repeats=1)


class ReLUConvBN(nn.Sequential):
    def __init__(self, before, after, kernel, stride=1):
        conv = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
        super().__init__(nn.ReLU(), conv, nn.BatchNorm2d(after))


class Nothing(nn.Module):
    def forward(self, x):
        return x * 0


def operation(name, channels):
    match name:
        case "none":
            return Nothing()
        case "skip_connect":
            return nn.Identity()
        case "avg_pool_3x3":
            return nn.AvgPool2d(3, 1, 1, count_include_pad=False)
    return ReLUConvBN(channels, channels, int(name[-1]))


class BenchmarkCell(nn.Module):
    """A cell by its string: node by node, every edge there, dead or alive."""

    def __init__(self, text, channels):
        super().__init__()
        self.nodes = nn.ModuleList()
        self.sources = []
        for node in text.split("+"):
            words = [word.split("~") for word in node.strip("|").split("|")]
            self.nodes.append(nn.ModuleList(operation(op, channels) for op, _ in words))
            self.sources.append([int(source) for _, source in words])

    def forward(self, x):
        values = [x]
        for edges, sources in zip(self.nodes, self.sources, strict=True):
            values.append(sum(e(values[s]) for e, s in zip(edges, sources, strict=True)))
        return values[-1]


class Halving(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.a = ReLUConvBN(before, after, 3, 2)
        self.b = ReLUConvBN(after, after, 3)
        self.beside = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(before, after, 1, bias=False))

    def forward(self, x):
        return self.b(self.a(x)) + self.beside(x)


def benchmark(text, channels=16, repeats=5, classes=10):
    """The benchmark's network, written anew in plain torch."""
    c = channels
    layers = [nn.Conv2d(3, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)]
    for stage, width in enumerate((c, 2 * c, 4 * c)):
        if stage:
            layers.append(Halving(width // 2, width))
        layers += [BenchmarkCell(text, width) for _ in range(repeats)]
    layers += [nn.BatchNorm2d(4 * c), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(4 * c, classes))


@torch.no_grad()
def filled(network):
    """Numbers that follow from each parameter's size: where it stands does not matter."""
    for parameter in network.parameters():
        numbers = torch.arange(parameter.numel(), dtype=torch.float64) * 1.7 + parameter.ndim
        parameter.copy_(numbers.sin().reshape(parameter.shape) / 2)
    return network.double().eval()


@torch.no_grad()
def answers(network, shape=SHAPE):
    x = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    return filled(network)(x.double())


@pytest.mark.parametrize(
    "text",
    [
        BEST,
        "+".join(("|nor_conv_3x3~0|", "|nor_conv_3x3~0|nor_conv_3x3~1|",
                  "|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|")),
        "|nor_conv_1x1~0|+|avg_pool_3x3~0|nor_conv_3x3~1|+|skip_connect~0|none~1|avg_pool_3x3~2|",
        "|skip_connect~0|+|none~0|avg_pool_3x3~1|+|nor_conv_3x3~0|skip_connect~1|nor_conv_1x1~2|",
    ],
)  # fmt: skip
def test_networks_are_the_benchmarks(text):
    network, theirs = FULL.from_string(text), benchmark(text)
    price = cost(network, SHAPE, 10)
    assert (price.params, price.macs) == count(theirs, SHAPE)
    small = SMALL.from_string(text)
    ours = build(small, SHAPE, 10)
    assert sum(p.numel() for p in ours.parameters()) == cost(small, SHAPE, 10).params
    torch.testing.assert_close(answers(ours), answers(benchmark(text, 4, 1)))


def test_published_costs():
    """Figures of the benchmark's own tables, CIFAR-10: the largest and the smallest cell."""
    largest = cost(FULL.architecture(["nor_conv_3x3"] * 6), SHAPE, 10)
    smallest = cost(FULL.architecture(["skip_connect"] * 6), SHAPE, 10)
    assert (largest.params, round(largest.macs / 1e6, 2)) == (1_531_546, 220.12)
    assert (smallest.params, round(smallest.macs / 1e6, 2)) == (73_306, 7.78)


def test_strings_come_back():
    assert FULL.to_string(FULL.params(BEST)) == BEST
    network = FULL.suggest(FixedTrial(FULL.params(BEST)))
    assert network == FULL.from_string(BEST)
    assert FULL.params(BEST)["edge0_3"] == "skip_connect"
    some = list(FULL.cells())[::777]
    for cell in some:
        assert FULL.to_string(FULL.params(FULL.to_string(cell))) == FULL.to_string(cell)
    assert len(set(FULL.cells())) == FULL.size() == 15_625


@pytest.mark.parametrize(
    "text",
    [
        "", "|none~0|", BEST + "+|none~0|", BEST.replace("~2", "~1"), BEST.replace("skip", "jump"),
        BEST.replace("|+|", "|"), BEST.replace("~0|", "|"),
    ],
)  # fmt: skip
def test_other_strings_are_refused(text):
    with pytest.raises(OptunasError, match=r"NAS-Bench-201 is written|four nodes has 6 edges"):
        FULL.from_string(text)


def test_arguments_narrow_and_are_checked():
    space = NASBench201(ops=("skip_connect", "nor_conv_3x3"), channels=8, repeats=2)
    assert space.size() == len(list(space.cells())) == 64
    drawn = draw(space.suggest, np.random.default_rng(0), space.baseline())
    assert set(drawn.params.values()) <= set(space.ops)
    assert drawn.params["edge0_3"] == "skip_connect"
    with pytest.raises(OptunasError, match=r"NASBench201.ops must be among none"):
        NASBench201(ops=("conv",))
    with pytest.raises(OptunasError, match=r"NASBench201.repeats"):
        NASBench201(repeats=0)
    with pytest.raises(OptunasError, match="four nodes has 6 edges"):
        FULL.architecture(["none"] * 5)


def test_drawn_networks_are_priced_as_torch_counts():
    rng = np.random.default_rng(0)
    for number in range(60):
        space, shape = (FULL, SHAPE) if number < 3 else (SMALL, (3, 15, 8))
        drawn = draw(space.suggest, rng)
        assert list(drawn.params) == [f"edge{i}_{j}" for j in (1, 2, 3) for i in range(j)]
        price = cost(drawn.architecture, shape, 7)
        network = build(drawn.architecture, shape, 7, device="meta")
        assert (price.params, price.macs) == count(network, shape)
        assert price.output_shape == (7,)
        assert from_json(to_json(drawn.architecture)) == drawn.architecture


def test_a_cell_that_is_cut_off_leaves_a_network():
    text = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    network = SMALL.from_string(text)
    ours = build(network, SHAPE, 10)
    torch.testing.assert_close(answers(ours), answers(benchmark(text, 4, 1)))
    assert cost(network, SHAPE, 10).params == 2 * 16 + 16 * 10 + 10
    assert key(network, SHAPE, 10) == key(NASBench201(channels=4).from_string(text), SHAPE, 10)
    deaf = "|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|nor_conv_1x1~1|none~2|"
    other = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|skip_connect~2|"
    assert key(SMALL.from_string(deaf), SHAPE, 10) == key(SMALL.from_string(other), SHAPE, 10)


# --- which of the 15,625 cells are equal -------------------------------------------------------

CELLS = list(NASBench201().cells())
FROM = [[0], [0, 1], [0, 1, 2]]


def said(cell):
    return FULL.to_string(cell)


@cache
def keys():
    return {cell: key(SMALL.architecture(cell), (3, 8, 8), 10) for cell in CELLS}


@cache
def unique_strings():
    if not TABLE.exists():
        pytest.skip(f"needs the benchmark's table, {TABLE.name}, in the shared data folder")
    import pandas

    table = pandas.read_csv(TABLE)
    strings = dict(zip(table.arch_str, table.UniqueString, strict=True))
    return {cell: strings[said(cell)] for cell in CELLS}


def value(cell, names):
    """The cell's output as a sorted tuple of terms; a convolution carries its weights' name.

    An average pooling has no weights, so it is told by its input alone. Zeros are no terms;
    convolution and normalisation make a constant of them, the normalisation's shift.
    """
    values, edge = [((),)], 0
    for sources in FROM:
        terms = []
        for source in sources:
            op, x = cell[edge], values[source]
            if op == "skip_connect":
                terms += x
            elif op == "avg_pool_3x3" and x:
                terms.append((op, x))
            elif op.startswith("nor"):
                terms.append((op, names[edge], x) if x else ("shift", names[edge]))
            edge += 1
        values.append(tuple(sorted(terms)))
    return values[-1]


def functions(cell):
    """The function of the input and the weights, whatever the weights are called."""
    edges = [edge for edge, op in enumerate(cell) if op.startswith("nor")]
    return min(
        repr(value(cell, dict(zip(edges, names, strict=True))))
        for names in permutations(range(len(edges)))
    )


def without_names(cell):
    """What `UniqueString` means to say: no zeros, sorted; convolutions of zeros are zeros."""
    values, edge = [((),)], 0
    for sources in FROM:
        terms = []
        for source in sources:
            op, x = cell[edge], values[source]
            if op == "skip_connect":
                terms += x
            elif op != "none" and x:
                terms.append((op, x))
            edge += 1
        values.append(tuple(sorted(terms)))
    return values[-1]


def pairs(groups):
    return sum(math.comb(size, 2) for size in Counter(groups).values())


@pytest.fixture(name="equal", scope="module")
def _equal():
    return {cell: functions(cell) for cell in CELLS}


def test_equal_keys_are_equal_functions(equal):
    """Of 15,625 cells none are merged whose functions differ.

    Kept apart although they are equal are only cells that use one average pooling twice where the
    others do the pooling twice.
    """
    groups, classes = defaultdict(set), defaultdict(set)
    for cell in CELLS:
        groups[keys()[cell]].add(equal[cell])
        classes[equal[cell]].add(keys()[cell])
    assert all(len(group) == 1 for group in groups.values())
    assert (len(groups), len(classes)) == (5650, 5485)
    for cell in CELLS:
        if "avg_pool_3x3" not in cell:
            assert len(classes[equal[cell]]) == 1


def test_keys_beside_the_benchmarks_unique_strings(equal):
    """5,650 networks by our key, 6,466 by `UniqueString`; every disagreement is one of five kinds.

    `UniqueString` keeps cells apart whose zeros (1) or terms (2) stand in another order or number;
    they are merged here. It merges cells with a convolution of zeros (3), which is not zero but the
    normalisation's shift, and cells that use a convolution's output twice with those that have two
    convolutions (4), which has other weights: these are other networks. It also merges those that
    pool twice with those that pool once (5), which the key keeps apart.
    """
    ours, theirs = keys(), unique_strings()
    meant = {cell: without_names(cell) for cell in CELLS}
    assert len(set(ours.values())) == 5650
    assert len(set(theirs.values())) == 6466
    meanings, strings = defaultdict(set), defaultdict(set)
    for cell in CELLS:
        strings[theirs[cell]].add(meant[cell])
        meanings[ours[cell]].add(meant[cell])
    # without zeros and sorted, their strings merge all that is merged here: kinds 1 and 2
    assert all(len(group) == 1 for group in strings.values())
    assert all(len(group) == 1 for group in meanings.values())
    # what is kept apart here and merged there: kinds 3, 4 and 5, told by the function
    both = pairs((ours[cell], theirs[cell]) for cell in CELLS)
    assert pairs(ours.values()) - both == 181_022
    assert pairs(theirs.values()) - both == 91_682
    same_string = defaultdict(set)
    for cell in CELLS:
        same_string[theirs[cell]].add((equal[cell], ours[cell]))
    apart = [group for group in same_string.values() if len({k for _, k in group}) > 1]
    only_pooling = [group for group in apart if len({function for function, _ in group}) == 1]
    assert len(apart) == 733
    assert len(only_pooling) == 210


EXAMPLES = {
    # cell, cell; whether they have: the same UniqueString, key, answers where all weights of one
    # shape are equal, number of weights that matter
    "zeros as terms": (
        "|avg_pool_3x3~0|+|avg_pool_3x3~0|none~1|+|nor_conv_1x1~0|none~1|skip_connect~2|",
        "|nor_conv_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|none~1|avg_pool_3x3~2|",
        False, True, True, True,
    ),
    "the order of terms": (
        "|skip_connect~0|+|nor_conv_3x3~0|avg_pool_3x3~1|"
        "+|skip_connect~0|avg_pool_3x3~1|skip_connect~2|",
        "|skip_connect~0|+|skip_connect~0|avg_pool_3x3~1|"
        "+|avg_pool_3x3~0|nor_conv_3x3~1|skip_connect~2|",
        False, True, True, True,
    ),
    "a convolution of zeros": (
        "|none~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|",
        "|none~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|skip_connect~2|",
        True, False, False, False,
    ),
    "a convolution used twice": (
        "|skip_connect~0|+|skip_connect~0|nor_conv_1x1~1|"
        "+|nor_conv_3x3~0|nor_conv_1x1~1|nor_conv_1x1~2|",
        "|nor_conv_1x1~0|+|skip_connect~0|skip_connect~1|"
        "+|nor_conv_3x3~0|skip_connect~1|nor_conv_1x1~2|",
        True, False, True, False,
    ),
    "a pooling used twice": (
        "|skip_connect~0|+|nor_conv_3x3~0|avg_pool_3x3~1|"
        "+|skip_connect~0|avg_pool_3x3~1|skip_connect~2|",
        "|avg_pool_3x3~0|+|nor_conv_3x3~0|skip_connect~1|"
        "+|skip_connect~0|skip_connect~1|skip_connect~2|",
        True, False, True, True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_kind_of_disagreement_by_numbers(name):
    """The networks as the benchmark builds them, every edge there, with equal weights."""
    *texts, same_string, same_key, same_answers, same_weights = EXAMPLES[name]
    networks = [SMALL.from_string(text) for text in texts]
    strings = {unique_strings()[parsed(text)] for text in texts}
    written = [answers(benchmark(text, 4, 1)) for text in texts]
    assert (len(strings) == 1) == same_string
    assert (len({key(network, SHAPE, 10) for network in networks}) == 1) == same_key
    assert torch.allclose(*written) == same_answers
    assert (len({cost(network, SHAPE, 10).params for network in networks}) == 1) == same_weights
