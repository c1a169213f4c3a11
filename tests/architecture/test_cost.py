"""Prices against torch's own count on the meta device."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from optunas.architecture import (
    Activation,
    BasicBlock,
    Bottleneck,
    Conv,
    ConvNeXt,
    ConvNorm,
    Dropout,
    DropPath,
    Flatten,
    GlobalPool,
    Inception,
    Linear,
    MBConv,
    Norm,
    Parallel,
    Pool,
    Residual,
    Scale,
    SeparableConv,
    Sequential,
    SqueezeExcite,
    cost,
    summary,
)
from optunas.errors import OptunasError, ShapeError
from optunas.nn import build
from optunas.spaces import ConvNet, draw

HEAD = (GlobalPool(), Linear())


def counted(network: torch.nn.Module, shape: tuple[int, ...]) -> tuple[int, int, tuple[int, ...]]:
    """Parameters, MACs and output shape as torch sees them."""
    params = sum(p.numel() for p in network.parameters() if p.requires_grad)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        output = network.eval()(torch.empty(1, *shape, device="meta"))
    return params, counter.get_total_flops() // 2, tuple(output.shape[1:])


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (3, 61, 47), (1, 1, 1)])
def test_random_networks_cost_what_torch_counts(shape):
    rng = np.random.default_rng(0)
    for space, draws in ((ConvNet(), 60), (ConvNet(norms=("layer",), stem_stride=2), 15)):
        for _ in range(draws):
            network = draw(space.suggest, rng).architecture
            price = cost(network, shape, 10)
            meta = build(network, shape, 10, device="meta")
            assert (price.params, price.macs, price.output_shape) == counted(meta, shape)


WRITTEN = {
    "a perceptron": Sequential(Flatten(), Linear(30), Norm(), Activation(), Linear(bias=False)),
    "odd windows": Sequential(
        Conv(6, (3, 5), (2, 1), (0, 2), (1, 2), groups=3, bias=True), Pool("avg", 3, 2, 1), *HEAD
    ),
    "kinds of blocks": Sequential(
        ConvNorm(16, 3, 2),
        BasicBlock(24, stride=2),
        Bottleneck(32, 5),
        MBConv(32),
        ConvNeXt(5),
        SeparableConv(40, 7),
        Inception(20, 5, 2),
        SqueezeExcite(4),
        *HEAD,
    ),
    "branches in branches": Sequential(
        Parallel(
            Parallel(Conv(4, 1), Conv(4, 3)),
            Sequential(Pool("max", 3, 1, 1), Conv(8, 1)),
            join="concat",
        ),
        Residual(Sequential(Norm("group"), Conv(12, 3), Scale(), DropPath(0.2))),
        Dropout(),
        *HEAD,
    ),
    "without a head": Conv(5, 3),
    "nothing": Sequential(),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_written_networks_cost_what_torch_counts(plain, name):
    network, shape = WRITTEN[name], (3, 17, 20)
    price = cost(network, shape, 7)
    with torch.device("meta"):
        expected = counted(plain(network, shape, 7), shape)
    assert (price.params, price.macs, price.output_shape) == expected
    assert counted(build(network, shape, 7, device="meta"), shape) == expected


def test_a_known_network_costs_what_a_person_computes():
    network = Sequential(Conv(8, 3), Pool(), Conv(16, 3, bias=True), *HEAD)
    price = cost(network, (3, 32, 32), 10)
    assert price.params == 3 * 8 * 9 + (8 * 16 * 9 + 16) + (16 * 10 + 10)
    assert price.macs == 3 * 8 * 9 * 32 * 32 + 8 * 16 * 9 * 16 * 16 + 16 * 10
    assert price.output_shape == (10,)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_summary_adds_up(name):
    network, shape = WRITTEN[name], (3, 17, 20)
    rows, price = list(summary(network, shape, 7)), cost(network, shape, 7)
    assert sum(row.params for row in rows) == price.params
    assert sum(row.macs for row in rows) == price.macs
    assert (rows[-1].output_shape if rows else shape) == price.output_shape


def test_a_summary_lists_what_was_written():
    layers = (Conv(4), Sequential(Activation(), Sequential(BasicBlock(4)), GlobalPool()))
    rows = list(summary(Sequential(*layers), (1, 6, 6)))
    assert [row.layer for row in rows] == [Conv(4), Activation(), BasicBlock(4), GlobalPool()]


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (Sequential(Conv(4), Linear()), "put GlobalPool() or Flatten() before it"),
        (Sequential(GlobalPool(), Conv(4)), "Conv needs an image (channels, height, width)"),
        (Sequential(GlobalPool(), Conv(4)), "the input is 3 flat features, after GlobalPool()"),
        (Sequential(Conv(4, groups=3)), "3 groups must divide the channels"),
        (Sequential(*HEAD), "say how many classes"),
        (Parallel(Conv(4), Conv(5)), "branches to add must have the same shape"),
        (Parallel(Conv(4), Conv(4, stride=2), join="concat"), "the same height and width"),
        (Parallel(Conv(4), GlobalPool(keep=True), join="multiply"), "branches to multiply must"),
        (Residual(Conv(4, 3, padding=3)), "give Residual a shortcut"),
        (Residual(GlobalPool()), "Residual needs an image"),
        (
            Sequential(Conv(4), Sequential(Activation(), Residual(Conv(2, 9, padding=0)))),
            "the input is 8x8, after Activation()",
        ),
    ],
)
def test_what_does_not_fit_is_explained(network, message):
    with pytest.raises(ShapeError) as error:
        cost(network, (3, 8, 8))
    assert message in str(error.value)
    assert str(error.value).count(", after ") <= 1


@pytest.mark.parametrize(
    ("shape", "classes"),
    [
        ((), 10), ((3, 0, 8), 10), ((3, -1, 8), 10), ((3, 8.0, 8), 10), ("abc", 10), (7, 10),
        ((3, 8, 8), 0), ((3, 8, 8), "ten"), ((3, 8, 8), 2.5),
    ],
)  # fmt: skip
def test_inputs_that_are_none(shape, classes):
    with pytest.raises(ShapeError, match="an input has a shape of whole numbers"):
        cost(Sequential(*HEAD), shape, classes)


def test_a_shape_may_be_anything_that_holds_whole_numbers():
    expected = cost(Conv(4), (3, 8, 8))
    for shape in ([3, 8, 8], np.array([3, 8, 8]), torch.Size([3, 8, 8])):
        assert cost(Conv(4), shape) == expected


@pytest.mark.parametrize("layer", ["Conv", None, 3, Conv, [Conv(3)]])
def test_what_is_no_layer_is_named(layer):
    with pytest.raises(OptunasError):
        cost(layer, (3, 8, 8))


def test_too_deep_a_nest_is_an_error_and_not_a_crash():
    deep = Conv(3)
    for _ in range(5000):
        deep = Sequential(deep)
    with pytest.raises(OptunasError, match="nested too deeply"):
        cost(deep, (3, 8, 8))


def test_a_residual_branch_knows_the_classes():
    assert cost(Residual(Linear()), (10,), 10).params == 110


def test_a_shortcut_may_halve_one_side_only():
    price = cost(Residual(Conv(4, 3, stride=(1, 2)), norm=None), (4, 6, 6))
    assert price.output_shape == (4, 6, 3)
    assert price.params == 4 * 4 * 9 + 4 * 4
