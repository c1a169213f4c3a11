"""Layers check themselves and say what they are."""

import pickle

import pytest

from optunas.architecture import (
    BasicBlock,
    Block,
    Conv,
    ConvNorm,
    Inception,
    Layer,
    Linear,
    MBConv,
    Norm,
    Parallel,
    Pool,
    Residual,
    Sequential,
    cost,
)
from optunas.errors import OptunasError


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Conv(0), "Conv.channels must be a whole number of at least 1; got 0"),
        (lambda: Conv((8, 8)), "Conv.channels must be a whole number of at least 1; got (8, 8)"),
        (lambda: Conv(8, (3, 3, 3)), "Conv.kernel must be a whole number of at least 1, or a pair"),
        (lambda: Conv(8, [3, 3]), "or a pair of them; got [3, 3]"),
        (lambda: Conv(8, 4), "needs an odd kernel; got 4x4: give Conv a padding"),
        (lambda: Conv(8, (3, 2)), "needs an odd kernel; got 3x2"),
        (lambda: Conv(8, groups=-1), "Conv.groups must be 0 (depthwise) or more; got -1"),
        (lambda: Pool("min"), "Pool.kind must be one of max, avg; got 'min'"),
        (lambda: Pool("max", 3, padding=2), "at most half its kernel; got padding 2x2"),
        (lambda: Norm("batch", eps=0), "Norm.eps must be above 0; got 0"),
        (lambda: Linear("ten"), "Linear.features must be a whole number of at least 1; got 'ten'"),
        (lambda: Inception(6), "got 6 channels: take a multiple of 4"),
        (lambda: MBConv(8, expansion=0), "MBConv.expansion must be above 0; got 0"),
        (lambda: ConvNorm(8, stride=0), "ConvNorm.stride must be a whole number of at least 1"),
        (lambda: Parallel(), "Parallel needs at least one branch; got none"),
        (lambda: Parallel(Conv(3), join="mean"), "one of sum, concat, multiply; got 'mean'"),
        (lambda: Sequential(Conv), "Sequential is made of layers; got <class"),
        (lambda: Sequential(Conv), "(call it: write for example Conv(32))"),
        (lambda: Sequential([Conv(3)]), "Sequential is made of layers; got [Conv("),
        (lambda: Residual("x"), "Residual is made of layers; got 'x'"),
    ],
)
def test_wrong_values_are_named(make, message):
    with pytest.raises(OptunasError) as error:
        make()
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Conv(32), "Conv(32)"),
        (Conv(32, (3, 5), stride=2, bias=True), "Conv(32, kernel=(3, 5), stride=2, bias=True)"),
        (Sequential(), "Identity()"),
        (Sequential(Conv(8), Linear()), "Conv(8) > Linear()"),
        (Parallel(Conv(8), Sequential()), "sum[Conv(8) | Identity()]"),
        (Residual(Sequential(Conv(8), Norm())), "Residual(Conv(8) > Norm())"),
        (Norm("group", 4), "Norm(kind='group', groups=4)"),
    ],
)
def test_layers_say_what_they_are(layer, text):
    assert str(layer) == text


def test_layers_are_values():
    layer = Sequential(Conv(8, 3), Residual(BasicBlock(8)))
    assert pickle.loads(pickle.dumps(layer)) == layer
    assert {layer, Sequential(Conv(8, 3), Residual(BasicBlock(8)))} == {layer}
    with pytest.raises(AttributeError):
        Conv(8).channels = 9


def test_two_kinds_of_one_name_are_refused():
    with pytest.raises(OptunasError, match="already that of optunas"):
        type("Conv", (Block,), {"__module__": "elsewhere"})
    assert Layer.kinds["Conv"] is Conv


class Unfinished(Block):
    pass


class Wrong(Block):
    def expand(self, shape):
        return [Conv(3)]


class Endless(Block):
    def expand(self, shape):
        return Sequential(self)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (Unfinished(), "Unfinished is a Block: give it expand(shape) -> Layer"),
        (Wrong(), "an architecture is made of layers"),
        (Endless(), "nested too deeply, or a block expands to itself"),
    ],
)
def test_blocks_that_say_nothing_are_explained(block, message):
    with pytest.raises(OptunasError) as error:
        cost(block, (3, 8, 8))
    assert message in str(error.value)
