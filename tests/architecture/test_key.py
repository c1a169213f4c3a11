"""The key is equal exactly when the networks are."""

import itertools
import random
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from optuna.trial import FixedTrial

from optunas.architecture import (
    Activation,
    BasicBlock,
    Block,
    Bottleneck,
    Conv,
    ConvNeXt,
    ConvNorm,
    Dropout,
    DropPath,
    Flatten,
    GlobalPool,
    Identity,
    Inception,
    Linear,
    MBConv,
    Norm,
    Parallel,
    Pool,
    Primitive,
    Residual,
    Scale,
    SeparableConv,
    Sequential,
    SqueezeExcite,
    cost,
    key,
)
from optunas.nn import build
from optunas.spaces import ConvNet, draw

IMAGE, PIXEL = (8, 6, 6), (8, 1, 1)
A, B, C = Conv(8, 3), Conv(8, 1), Conv(8, 5)
GATE = Sequential(GlobalPool(keep=True), Conv(8, 1), Activation("sigmoid"))


@dataclass(frozen=True)
class Twice(Block):
    """A block of a person's own."""

    channels: int

    def expand(self, shape):
        return Sequential(ConvNorm(self.channels), ConvNorm(self.channels))


@dataclass(frozen=True)
class Times(Primitive):
    """A primitive of a person's own, whose picture does not say everything."""

    factor: float = 2.0

    def __str__(self):
        return "times"


SAME = {
    "nested sequences": (
        Sequential(A, B, C),
        Sequential(Sequential(A), Sequential(), Sequential(B, C)),
    ),
    "layers that do nothing": (
        Sequential(A, B),
        Sequential(Identity(), A, Dropout(0), DropPath(0.0), Pool("avg", 1), B, Sequential()),
    ),
    "one layer, and a sequence of it": (A, Sequential(A)),
    "a branch alone": (A, Parallel(A, join="concat")),
    "the order of a sum": (Parallel(A, B, C), Parallel(C, A, B)),
    "the order of a product": (
        Parallel(A, GATE, join="multiply"),
        Parallel(GATE, A, join="multiply"),
    ),
    "a sum of sums": (Parallel(A, B, C), Parallel(B, Parallel(C, Sequential(A)))),
    "a product of products": (
        Parallel(A, B, GATE, join="multiply"),
        Parallel(A, Sequential(Identity(), Parallel(GATE, B, join="multiply")), join="multiply"),
    ),
    "a concatenation in a concatenation": (
        Parallel(A, B, C, join="concat"),
        Parallel(A, Parallel(B, C, join="concat"), join="concat"),
    ),
    "spellings of a convolution": (
        Conv(8, 3),
        Conv(8, (3, 3), stride=(1, 1), padding=1, dilation=(1, 1), groups=1, bias=False),
    ),
    "depthwise": (Conv(8, 3, groups=0), Conv(8, 3, groups=8)),
    "a kernel of one has no dilation": (Conv(8, 1, dilation=3), Conv(8, 1)),
    "spellings of a pooling": (Pool("max", 2), Pool("max", (2, 2), stride=2, padding=(0, 0))),
    "a maximum counts no padding": (Pool("max", 3, 1, 1), Pool("max", 3, 1, 1, count_padding=True)),
    "a ceiling without effect": (Pool("avg", 2), Pool("avg", 2, ceil=True)),
    "groups that divide": (Norm("group", groups=8), Norm("group", groups=11)),
    "groups mean nothing to a batch": (Norm("batch", groups=2), Norm()),
    "the usual epsilon": (Norm("layer", eps=1e-6), Norm("layer")),
    "numbers that are equal": (Scale(1), Scale(1.0)),
    "relu twice": (Activation(), Sequential(Activation(), Sequential(Activation(), Activation()))),
    "relu and relu6": (Activation("relu6"), Sequential(Activation(), Activation("relu6"))),
    "relu6 and relu": (Activation("relu6"), Sequential(Activation("relu6"), Activation())),
    "relu of a sigmoid": (Activation("sigmoid"), Sequential(Activation("sigmoid"), Activation())),
    "relu of elu of leaky relu": (
        Activation(),
        Sequential(Activation("leaky_relu"), Activation("elu"), Activation()),
    ),
    "global pooling, then flat": (GlobalPool(), Sequential(GlobalPool(keep=True), Flatten())),
    "flat before or after an activation": (
        Sequential(Activation(), Dropout(), Flatten()),
        Sequential(Flatten(), Activation(), Dropout()),
    ),
    "global pooling, an activation, then flat": (
        Sequential(GlobalPool(), Activation("gelu")),
        Sequential(GlobalPool(keep=True), Activation("gelu"), Flatten()),
    ),
    "flat already": (
        Sequential(GlobalPool(), Linear(3)),
        Sequential(GlobalPool(), Flatten(), Linear(3)),
    ),
    "the classes": (Sequential(GlobalPool(), Linear()), Sequential(GlobalPool(), Linear(10))),
    "a block and what it stands for": (
        BasicBlock(8),
        Sequential(
            Parallel(
                Sequential(Conv(8), Norm(), Activation(), Conv(8), Norm()),
                Sequential(),
            ),
            Activation(),
        ),
    ),
    "a strided block and what it stands for": (
        BasicBlock(16, stride=2),
        Sequential(
            Parallel(
                Sequential(Conv(16, 1, 2), Norm()),
                Sequential(ConvNorm(16, stride=2), ConvNorm(16, activation=None)),
            ),
            Activation(),
        ),
    ),
    "a shortcut given or found": (
        Residual(ConvNorm(4, stride=2)),
        Residual(ConvNorm(4, stride=2), shortcut=Sequential(Conv(4, 1, 2), Norm())),
    ),
    "a gate and what it stands for": (
        SqueezeExcite(2),
        Parallel(
            Sequential(
                GlobalPool(keep=True), Conv(2, 1, bias=True), Activation(),
                Conv(8, 1, bias=True), Activation("sigmoid"),
            ),
            Identity(),
            join="multiply",
        ),
    ),
    "an own block and what it stands for": (Twice(4), Sequential(ConvNorm(4), ConvNorm(4))),
    "own numbers that are equal": (Times(3), Times(3.0)),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_spellings_of_one_network_have_one_key(plain, filled, name):
    one, other = SAME[name]
    assert key(one, IMAGE, 10) == key(other, IMAGE, 10)
    if "own numbers" in name:
        return
    x = torch.randn(4, *IMAGE, generator=torch.Generator().manual_seed(1))
    outputs = [filled(plain(layer, IMAGE, 10))(x) for layer in (one, other)]
    torch.testing.assert_close(*outputs)
    assert_same_module(one, other, IMAGE)


def assert_same_module(one, other, shape):
    networks = [build(layer, shape, 10, seed=3) for layer in (one, other)]
    assert repr(networks[0]) == repr(networks[1])
    for training in (True, False):
        outputs = []
        for network in networks:
            torch.manual_seed(5)  # dropout
            x = torch.randn(4, *shape)
            outputs.append(network.train(training)(x))
        assert torch.equal(*outputs)


AT_ONE_PIXEL = {
    "average or maximum": (GlobalPool("avg"), GlobalPool("max")),
    "global pooling or flat": (GlobalPool("avg"), Flatten()),
    "halving": (Sequential(A, Pool("avg", 2, ceil=True)), A),
    "pooling around": (Sequential(Pool("max", 3, 1, 1), A), A),
    "averaging around": (Sequential(Pool("avg", 3, 2, 1), A), A),
    "every second pixel": (Pool("max", 1, stride=2), Identity()),
    "strides": (Conv(8, 3, stride=2), Conv(8, 3)),
    "layer or group": (Norm("layer"), Norm("group", groups=1, eps=1e-6)),
    "groups of one": (Norm("group", groups=8), Norm("group", groups=4)),
}


@pytest.mark.parametrize("name", AT_ONE_PIXEL)
def test_on_one_pixel_more_is_equal(plain, filled, name):
    one, other = AT_ONE_PIXEL[name]
    assert key(one, PIXEL) == key(other, PIXEL)
    assert key(one, IMAGE) != key(other, IMAGE)
    x = torch.randn(4, *PIXEL, generator=torch.Generator().manual_seed(1))
    outputs = [filled(plain(layer, PIXEL))(x) for layer in (one, other)]
    torch.testing.assert_close(*outputs)


DIFFERENT = [
    Identity(), A, B, C, Conv(9, 3), Conv(8, 3, bias=True), Conv(8, 3, groups=2),
    Conv(8, 3, groups=0), Conv(8, 3, stride=2), Conv(8, 3, stride=(1, 2)),
    Conv(8, 3, stride=(2, 1)), Conv(8, 3, padding=0), Conv(8, 3, dilation=2), Conv(8, (1, 3)),
    Conv(8, (3, 1)), Sequential(A, A), Sequential(A, B), Sequential(B, A), Parallel(A, A),
    Parallel(A, A, join="multiply"), Parallel(A, A, join="concat"), Parallel(A, B, join="concat"),
    Parallel(B, A, join="concat"), Parallel(A, Sequential()), Parallel(Sequential(), Sequential()),
    Parallel(Sequential(), Sequential(), Sequential()),
    Parallel(Sequential(), Sequential(), join="multiply"),
    Parallel(Sequential(), Sequential(), join="concat"),
    Parallel(Parallel(Sequential(), Sequential()), Sequential(), join="multiply"),
    Parallel(Parallel(Sequential(), Sequential(), join="multiply"), Sequential()),
    Parallel(Sequential(A, Activation()), B), Sequential(Parallel(A, B), Activation()),
    Norm(), Norm("group"), Norm("group", groups=4), Norm("layer"), Norm(eps=1e-3),
    *map(Activation, ("relu", "relu6", "elu", "leaky_relu", "tanh", "sigmoid", "silu")),
    Sequential(Activation("tanh"), Activation("tanh")),
    Sequential(Activation("relu"), Activation("sigmoid")),
    Sequential(Activation("leaky_relu"), Activation("leaky_relu")),
    Sequential(Activation("tanh"), Activation("relu")),
    Pool(), Pool("avg"), Pool("max", 3, 1, 1), Pool("avg", 3, 1, 1), Pool("max", 3, 2, 1),
    Pool("avg", 3, 1, 1, count_padding=True), Pool("max", 1, 2), Pool("max", 4),
    Pool("max", 4, ceil=True), Pool("max", (2, 1)), Pool("max", (1, 2)),
    GlobalPool(), GlobalPool("max"), GlobalPool(keep=True), GlobalPool("max", keep=True),
    Flatten(), Sequential(Flatten(), Linear(3)), Sequential(GlobalPool(), Linear(3)),
    Sequential(Flatten(), Linear(3, bias=False)), Dropout(), Dropout(0.1), DropPath(0.5),
    Scale(), Scale(1), ConvNorm(8), ConvNorm(8, activation=None), ConvNorm(8, norm="group"),
    BasicBlock(8), BasicBlock(8, 5), Bottleneck(8), Bottleneck(8, reduction=2), MBConv(8),
    MBConv(8, squeeze=False), MBConv(8, expansion=1), ConvNeXt(), ConvNeXt(3), ConvNeXt(scale=1),
    SeparableConv(8), Inception(8), SqueezeExcite(2), SqueezeExcite(2, gate="hardsigmoid"),
    Residual(C), Residual(A, shortcut=C), Times(), Times(3),
]  # fmt: skip


def test_different_networks_have_different_keys():
    keys: dict[str, object] = {}
    for layer in DIFFERENT:
        assert keys.setdefault(key(layer, IMAGE), layer) is layer


def test_the_input_is_part_of_the_network():
    keys = {key(A, shape) for shape in ((8, 6, 6), (8, 7, 6), (8, 6, 7), (4, 6, 6))}
    head = Sequential(GlobalPool(), Linear())
    keys |= {key(head, (8, 6, 6), classes) for classes in (2, 3)}
    assert len(keys) == 6


def test_a_key_does_not_depend_on_what_was_asked_before():
    """Equal layers share a cache entry: the first to come must not decide the text."""
    assert key(Times(5), IMAGE) == key(Times(5.0), IMAGE) == key(Sequential(Times(5)), (8, 6, 6))


def respelled(layer, rng):
    """The same network in other words."""
    if isinstance(layer, Sequential):
        parts = [respelled(part, rng) for part in layer.layers]
        cut = rng.randrange(len(parts) + 1)
        return Sequential(*parts[:cut], Identity(), Sequential(*parts[cut:], Dropout(0)))
    if isinstance(layer, Parallel):
        branches = [respelled(branch, rng) for branch in layer.branches]
        if layer.join != "concat":
            rng.shuffle(branches)
        return Parallel(*branches, join=layer.join)
    if isinstance(layer, Residual):
        return Residual(respelled(layer.body, rng), layer.shortcut, layer.norm)
    return layer


def opened(layer, shape):
    """A network with its outer blocks said in simpler layers."""
    layers = []
    for part in layer.layers:
        layers.append(part.expand(shape) if isinstance(part, Block) else part)
        shape = cost(part, shape, 10).output_shape
    return Sequential(*layers)


def test_drawn_networks_respelled_have_the_same_key():
    rng, numbers = random.Random(0), np.random.default_rng(0)
    for _ in range(40):
        network = draw(ConvNet().suggest, numbers).architecture
        expected = key(network, (3, 16, 16), 10)
        for _ in range(3):
            network = respelled(opened(network, (3, 16, 16)), rng)
            assert key(network, (3, 16, 16), 10) == expected


def test_equal_keys_build_equal_networks_in_training_too():
    rng, numbers = random.Random(1), np.random.default_rng(1)
    space = ConvNet(stages=(2,), widths=(8,), heads=("fc",), dropouts=(0.5,))
    for _ in range(5):
        network = draw(space.suggest, numbers).architecture
        assert_same_module(network, respelled(network, rng), (3, 8, 8))


def points(space):
    """Every combination of the choices that a space offers."""
    drawn = draw(space.suggest, np.random.default_rng(0))
    names = list(drawn.distributions)
    choices = [drawn.distributions[name].choices for name in names]
    return (dict(zip(names, values, strict=True)) for values in itertools.product(*choices))


def test_every_network_of_a_narrow_space_has_its_own_key():
    narrow = ConvNet(
        stages=(1, 2), depths=(1, 2), widths=(8,), widenings=(1, 2), ops=("conv", "inception"),
        kernels=(3,), activations=("relu",), norms=("batch",), features=(8,), dropouts=(0.0, 0.5),
        heads=("pool", "fc"),
    )  # fmt: skip
    networks = {}
    for params in points(narrow):
        network = narrow.suggest(FixedTrial(params))
        networks.setdefault(key(network, (3, 16, 16), 10), network)
    assert len(networks) == narrow.size() == 1332
    some = random.Random(0).sample(sorted(networks), 250)
    modules = {repr(build(networks[name], (3, 16, 16), 10, device="meta")) for name in some}
    assert len(modules) == len(some)


def test_widths_that_round_to_the_same_are_counted_once():
    narrow = ConvNet(
        stages=(1, 2), depths=(1,), widths=(4, 8), widenings=(1, 1.4, 1.6, 2), ops=("conv",),
        kernels=(3,), activations=("relu",), norms=("batch",), features=(8,), dropouts=(0.0,),
        downsamplings=("max",), heads=("pool",),
    )  # fmt: skip
    keys = {key(narrow.suggest(FixedTrial(p)), (3, 16, 16), 10) for p in points(narrow)}
    assert len(keys) == narrow.size()
    assert len(keys) < 2 * (4 + 16)
