"""Images and tokens: shapes, errors, and which spellings are one network."""

import random
from functools import reduce

import pytest
import torch
from torch import nn

from optunas.architecture import (
    Activation,
    Attention,
    ClassToken,
    Dropout,
    Flatten,
    GlobalPool,
    Linear,
    Norm,
    Parallel,
    Position,
    Recurrent,
    Residual,
    Scale,
    SequenceConv,
    Sequential,
    SpaceToDepth,
    ToImage,
    TokenPool,
    ToTokens,
    TransformerBlock,
    WindowAttention,
    WindowBlock,
    cost,
    key,
)
from optunas.errors import OptunasError, ShapeError
from optunas.nn import build
from optunas.nn.build import module

torch.set_num_threads(1)
IMAGE, SEQUENCE = (4, 3, 6), (6, 4)


@pytest.mark.parametrize(
    ("layer", "shape", "output"),
    [
        (ToTokens(), (4, 3, 6), (18, 4)),
        (ToTokens("row"), (4, 3, 6), (3, 24)),
        (ToTokens("column"), (4, 3, 6), (6, 12)),
        (ToTokens("row"), (5, 7), (5, 7)),
        (ToImage(), (6, 4), (4, 1, 6)),
        (ToImage(3), (6, 4), (4, 3, 2)),
        (ClassToken(), (6, 4), (7, 4)),
        (Position("sine"), (6, 4), (6, 4)),
        (TokenPool("ends"), (6, 4), (4,)),
        (SpaceToDepth(2), (4, 3, 6), (16, 2, 3)),
        (SpaceToDepth((1, 3)), (4, 3, 7), (12, 3, 3)),
        (Linear(5), (6, 4), (6, 5)),
        (Norm("batch"), (6, 4), (6, 4)),
        (Norm("group", 2), (6, 4), (6, 4)),
        (Scale(0.5), (6, 4), (6, 4)),
        (Recurrent(7, "gru"), (6, 4), (6, 7)),
        (Recurrent(7, bidirectional=True), (6, 4), (6, 14)),
        (SequenceConv(8, 3, 2), (7, 4), (4, 8)),
        (Attention(2, features=10), (6, 4), (6, 10)),
        (WindowAttention(2, 2, 1, features=6), (4, 3, 6), (6, 3, 6)),
        (Parallel(Linear(3), Recurrent(5), join="concat"), (6, 4), (6, 8)),
    ],
    ids=str,
)
def test_shapes_and_parameters_are_those_of_the_module(layer, shape, output):
    network = build(layer, shape)
    price = cost(layer, shape)
    assert price.output_shape == output
    assert network.eval()(torch.randn(2, *shape)).shape == (2, *output)
    assert price.params == sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Attention(2), (4, 8, 8), "put ToTokens() before it; the input is 4 channels of 8x8"),
        (Attention(3), (6, 4), "3 heads can't share 4 features evenly: give Attention"),
        (WindowAttention(3), IMAGE, "give WindowAttention a head_width"),
        (WindowAttention(2), SEQUENCE, "needs an image (channels, height, width); the input is 6"),
        (ToImage(4), (6, 4), "6 tokens make no image of 4 rows"),
        (ToTokens(), (4,), "ToTokens needs an image"),
        (TokenPool("ends"), (6, 3), "both ends give half the features each; there are 3"),
        (TokenPool(), (8,), "the input is 8 flat features"),
        (Recurrent(3), IMAGE, "Recurrent needs a sequence of tokens (length, features)"),
        (Linear(3), IMAGE, "a fully connected layer needs flat features"),
        (GlobalPool(), SEQUENCE, "GlobalPool needs an image (channels, height, width); the input"),
        (TransformerBlock(2), IMAGE, "TransformerBlock needs a sequence of tokens"),
        (WindowBlock(2), SEQUENCE, "WindowBlock needs an image"),
        (
            Parallel(TokenPool(), Sequential(), join="concat"), SEQUENCE,
            "branches to concatenate must have the same",
        ),
        (
            Parallel(ClassToken(), Sequential(), join="concat"), SEQUENCE,
            "must have the same length; they give 7 tokens of 4 features, 6 tokens of 4 features",
        ),
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_fit_is_explained(layer, shape, message):
    with pytest.raises(ShapeError) as error:
        cost(layer, shape)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ToTokens("word"), "ToTokens.by must be one of pixel, row, column; got 'word'"),
        (lambda: ToImage(0), "ToImage.height must be a whole number of at least 1; got 0"),
        (lambda: Position("none"), "Position.kind must be one of learned, sine"),
        (lambda: TokenPool("median"), "TokenPool.kind must be one of mean, max, first, last, ends"),
        (lambda: Attention(0), "Attention.heads must be a whole number of at least 1; got 0"),
        (lambda: Attention(2, 0), "Attention.head_width must be a whole number of at least 1"),
        (lambda: Attention(2, dropout=1), "Attention.dropout must be at least 0 and below 1"),
        (lambda: Attention(2, bias=1), "Attention.bias must be True or False; got 1"),
        (lambda: WindowAttention(2, 0), "WindowAttention.window must be a whole number"),
        (lambda: WindowAttention(2, 4, 4), "shifted by less than its size; got a shift of 4x4"),
        (lambda: WindowAttention(2, (4, 2), (1, 2)), "with windows of 4x2"),
        (lambda: Recurrent(4, "ltsm"), "Recurrent.kind must be one of lstm, gru, rnn; got 'ltsm'"),
        (lambda: Recurrent(4, bidirectional=2), "Recurrent.bidirectional must be True or False"),
        (lambda: TransformerBlock(2, 0), "TransformerBlock.ratio must be above 0; got 0"),
        (lambda: WindowBlock(2, drop_path=1.0), "WindowBlock.drop_path must be at least 0"),
        (lambda: SpaceToDepth(0), "SpaceToDepth.size must be a whole number of at least 1"),
    ],
)
def test_wrong_values_are_named(make, message):
    with pytest.raises(OptunasError) as error:
        make()
    assert message in str(error.value)


@torch.no_grad()
def by_hand(layers, shape):
    """The output of layers one by one, without the normal form, on a fixed input."""
    x = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    for layer in layers:
        one = nn.Identity() if layer.is_identity(shape) else module(layer.resolved(shape), shape)
        for parameter in one.parameters():
            numbers = torch.arange(1.0, parameter.numel() + 1)
            parameter.copy_((numbers * 1.7).sin().reshape(parameter.shape))
        x, shape = one.eval()(x), layer.output(shape)
    return x


RELU, LAYER = Activation(), Norm("layer")
SAME = {
    "an image read and laid out again": (IMAGE, (ToTokens(), ToImage(3)), ()),
    "a sequence laid out and read again": (SEQUENCE, (ToImage(2), ToTokens()), ()),
    "a sequence is read already": (SEQUENCE, (ToTokens("row"),), ()),
    "laid out twice": (SEQUENCE, (ToImage(2), ToTokens(), ToImage(3)), (ToImage(3),)),
    "each number alike": (IMAGE, (ToTokens("row"), RELU), (RELU, ToTokens("row"))),
    "each pixel alike": (IMAGE, (ToTokens(), LAYER, Scale(2)), (LAYER, Scale(2), ToTokens())),
    "norms over all pixels": (
        IMAGE, (ToTokens(), Norm("group", 2)), (Norm("group", 2), ToTokens()),
    ),
    "between two layouts": (
        SEQUENCE,
        (ToImage(), Norm(), RELU, ToTokens(), Linear(2)), (Norm(), RELU, Linear(2)),
    ),
    "the mean of all pixels": (IMAGE, (ToTokens(), TokenPool()), (GlobalPool(),)),
    "the maximum of all tokens": (SEQUENCE, (ToImage(3), GlobalPool("max")), (TokenPool("max"),)),
    "the mean behind a norm": (
        IMAGE, (ToTokens(), LAYER, RELU, TokenPool()), (LAYER, RELU, GlobalPool()),
    ),
    "the mean in three words": (
        SEQUENCE, (ToImage(2), RELU, GlobalPool(keep=True), LAYER, Flatten()),
        (RELU, TokenPool(), LAYER),
    ),
    "the last of many": (
        SEQUENCE, (RELU, Scale(2), TokenPool("last")), (TokenPool("last"), RELU, Scale(2)),
    ),
    "rows of one channel in a row": (
        (1, 3, 6), (ToTokens("row"), RELU, Flatten()), (Flatten(), RELU),
    ),
    "pixels of one channel in a row": ((1, 3, 6), (ToTokens(), Flatten()), (Flatten(),)),
    "rows of one pixel": ((4, 3, 1), (ToTokens("row"),), (ToTokens(),)),
    "columns of a series": ((4, 1, 6), (ToTokens("column"),), (ToTokens(),)),
    "one token": ((1, 4), (TokenPool("first"),), (TokenPool("mean"),)),
    "one token's heads": ((1, 4), (Attention(4),), (Attention(2),)),
    "the usual width of a head": (SEQUENCE, (Attention(2, 2),), (Attention(2),)),
    "the usual features": (SEQUENCE, (Attention(2, features=4),), (Attention(2),)),
    "a window over the whole image": (
        IMAGE, (WindowAttention(2, None),), (WindowAttention(2, (3, 6), (2, 5)),),
    ),
    "no shift where a window covers a side": (
        IMAGE, (WindowAttention(2, 4, 2),), (WindowAttention(2, 4, (0, 2)),),
    ),
    "blocks of one pixel": (IMAGE, (SpaceToDepth(1),), ()),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_spellings_of_one_network_have_one_key(name):
    shape, one, other = SAME[name]
    assert key(Sequential(*one), shape) == key(Sequential(*other), shape)
    torch.testing.assert_close(by_hand(one, shape), by_hand(other, shape))


DIFFERENT = {
    IMAGE: [
        (), (ToTokens(),), (ToTokens("row"),), (ToTokens("column"),), (ToTokens(), ToImage(6)),
        (ToTokens(), ToImage()), (ToTokens(), Flatten()), (Flatten(),),
        (ToTokens("row"), Flatten()),
        (ToTokens(), TokenPool("first")), (ToTokens("row"), TokenPool()), (GlobalPool(),),
        (GlobalPool("max"),), (ToTokens("row"), LAYER), (LAYER, ToTokens("row")),
        (WindowAttention(2, 2),), (WindowAttention(2, 2, 1),), (WindowAttention(2, 2, (0, 1)),),
        (WindowAttention(2, 2, (1, 0)),), (WindowAttention(2, None),), (WindowAttention(4, None),),
        (WindowAttention(2, 7),), (WindowAttention(2, None, head_width=4),),
        (WindowAttention(2, None, bias=False),), (WindowAttention(2, None, dropout=0.1),),
        (WindowAttention(2, None, features=6),), (SpaceToDepth(),), (SpaceToDepth((1, 2)),),
    ],
    SEQUENCE: [
        (), (ToImage(),), (ToImage(2),), (ToImage(6),), (ToImage(2), ToTokens("row")),
        (ClassToken(),), (Position(),), (Position("sine"),), (Position(), Position()),
        *((TokenPool(kind),) for kind in ("mean", "max", "first", "last", "ends")),
        (Attention(2),), (Attention(4),), (Attention(2, 4),), (Attention(2, features=6),),
        (Attention(2, bias=False),), (Attention(2, dropout=0.1),), (Attention(2, dropout=0.2),),
        (Recurrent(4),), (Recurrent(5),), (Recurrent(4, "gru"),), (Recurrent(4, "rnn"),),
        (Recurrent(4, bidirectional=True),), (Recurrent(4), Recurrent(4)), (Linear(4),),
        (LAYER,), (Norm(),), (Norm("group", 2),), (TransformerBlock(2),), (TransformerBlock(4),),
        (TransformerBlock(2, 2),), (TransformerBlock(2, dropout=0.1),), (SequenceConv(4),),
        (TransformerBlock(2, drop_path=0.1),), (TransformerBlock(2, head_width=4),),
        (SequenceConv(4, 5),), (SequenceConv(4, stride=2),), (SequenceConv(4, norm="layer"),),
    ],
}  # fmt: skip


@pytest.mark.parametrize("shape", DIFFERENT)
def test_different_networks_have_different_keys(shape):
    keys: dict[str, object] = {}
    for layers in DIFFERENT[shape]:
        assert keys.setdefault(key(Sequential(*layers), shape), layers) is layers


def test_a_lone_token_with_dropout_keeps_its_heads():
    assert key(Attention(2, dropout=0.1), (1, 4)) != key(Attention(4, dropout=0.1), (1, 4))


def test_a_block_that_halves_and_widens():
    block = WindowBlock(2, None, ratio=2, channels=8, halve=True)
    price = cost(block, IMAGE)
    assert price.output_shape == (8, 2, 3)
    attention = 4 * 3 * 4 + 3 * 4 + 4 * 8 + 8 + 3 * 5 * 2
    perceptron = 2 * (8 * 16) + 16 + 8
    assert price.params == 2 * 4 + attention + 4 * 8 + 2 * 8 + perceptron


CHAIN = (
    ToTokens(), ToTokens("row"), ToTokens("column"), ToImage(), ToImage(2), ToImage(3), RELU,
    Activation("gelu"), LAYER, Norm("group", 2), Scale(0.5), Dropout(0.5), Flatten(), GlobalPool(),
    GlobalPool("max"), GlobalPool(keep=True), TokenPool(), TokenPool("max"), TokenPool("last"),
)  # fmt: skip


def chains(count, shape, rng):
    """Random layers that fit one another."""
    for _ in range(count):
        layers, current = [], shape
        for _ in range(rng.randrange(1, 7)):
            layer = rng.choice(CHAIN)
            try:
                current = layer.output(current)
            except ShapeError:
                continue
            layers.append(layer)
        yield layers


@pytest.mark.parametrize("shape", [(4, 3, 2), (6, 4), (1, 2, 3), (4, 1, 1), (1, 4), (2, 1, 3)])
def test_random_chains_with_one_key_are_one_network(shape):
    """Sound: equal keys, equal outputs. And brackets change nothing."""
    rng = random.Random(0)
    first: dict[str, torch.Tensor] = {}
    again = 0
    for layers in chains(300, shape, rng):
        name = key(Sequential(*layers), shape)
        cut = rng.randrange(len(layers) + 1)
        halves = Sequential(Sequential(*layers[:cut]), Sequential(*layers[cut:]))
        assert key(halves, shape) == name
        nested = reduce(lambda inside, layer: Sequential(layer, inside), layers[::-1], Sequential())
        assert key(nested, shape) == name
        output = by_hand(layers, shape)
        again += name in first
        torch.testing.assert_close(output, first.setdefault(name, output), rtol=1e-4, atol=1e-5)
    assert again > 50


def test_a_residual_of_tokens_needs_a_shortcut_where_the_shape_changes():
    with pytest.raises(ShapeError, match="Residual needs an image"):
        cost(Residual(Linear(5)), SEQUENCE)
    assert cost(Residual(Linear(5), Linear(5)), SEQUENCE).output_shape == (6, 5)
