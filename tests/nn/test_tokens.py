"""What tokens are, number by number."""

import math

import pytest
import torch
from torch import nn

from optunas.architecture import (
    ClassToken,
    Linear,
    Norm,
    Parallel,
    PatchEmbed,
    Position,
    Recurrent,
    Scale,
    SequenceConv,
    SpaceToDepth,
    ToImage,
    TokenPool,
    ToTokens,
)
from optunas.nn import build

torch.set_num_threads(1)
IMAGE = torch.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)


def test_readings():
    for by, length in (("pixel", 20), ("row", 4), ("column", 5)):
        tokens = build(ToTokens(by), (3, 4, 5))(IMAGE)
        assert tokens.shape[:2] == (2, length)
        for place in range(length):
            row, column = divmod(place, 5)
            seen = {
                "pixel": IMAGE[:, :, row, column],
                "row": IMAGE[:, :, place % 4].flatten(1),
                "column": IMAGE[:, :, :, place % 5].flatten(1),
            }[by]
            assert torch.equal(tokens[:, place], seen)


def test_an_image_of_tokens():
    sequence = torch.arange(2 * 6 * 3.0).reshape(2, 6, 3)
    image = build(ToImage(2), (6, 3))(sequence)
    assert image.shape == (2, 3, 2, 3)
    for place in range(6):
        assert torch.equal(image[:, :, place // 3, place % 3], sequence[:, place])


def test_pooling():
    x = torch.randn(2, 5, 4)
    pools = {kind: build(TokenPool(kind), (5, 4))(x) for kind in ("mean", "max", "first", "last")}
    assert torch.equal(pools["mean"], x.mean(1))
    assert torch.equal(pools["max"], x.max(1).values)
    assert torch.equal(pools["first"], x[:, 0])
    assert torch.equal(pools["last"], x[:, 4])
    ends = build(TokenPool("ends"), (5, 4))(x)
    assert torch.equal(ends, torch.stack([x[:, 4, 0], x[:, 4, 1], x[:, 0, 2], x[:, 0, 3]], 1))


def test_a_class_token_comes_first():
    network = build(ClassToken(), (5, 4))
    nn.init.constant_(network.token, 7.0)
    x = torch.randn(2, 5, 4)
    output = network(x)
    assert torch.equal(output[:, 1:], x)
    assert torch.all(output[:, 0] == 7)


def test_positions():
    learned = build(Position(), (50, 64))
    assert learned.place.std().item() == pytest.approx(0.02, rel=0.05)
    x = torch.randn(2, 50, 64)
    assert torch.equal(learned(x), x + learned.place)
    sine = build(Position("sine"), (50, 5))(torch.zeros(1, 50, 5))[0]
    for place, feature in ((0, 0), (0, 1), (3, 0), (3, 1), (17, 2), (17, 3), (49, 4)):
        angle = place / 10_000 ** (2 * (feature // 2) / 5)
        wave = math.sin(angle) if feature % 2 == 0 else math.cos(angle)
        assert sine[place, feature].item() == pytest.approx(wave, abs=1e-4)


def test_space_becomes_depth_block_by_block():
    output = build(SpaceToDepth(2), (3, 4, 5))(IMAGE)
    assert output.shape == (2, 12, 2, 3)
    assert torch.equal(output[:, :3, 1, 2], IMAGE[:, :, 2, 4])
    assert torch.equal(output[:, 3:6, 1, 1], IMAGE[:, :, 3, 2])  # below it comes second
    assert torch.equal(output[:, 6:9, 1, 1], IMAGE[:, :, 2, 3])
    assert torch.all(output[:, 6:, 1, 2] == 0)  # over the edge


@pytest.mark.parametrize(("side", "patches"), [(1, 1), (4, 1), (5, 2), (8, 2), (9, 3), (33, 9)])
def test_patches_cover_every_image(side, patches):
    network = build(PatchEmbed(6, 4), (3, side, 2 * side))
    assert network(torch.randn(2, 3, side, 2 * side)).shape == (2, patches * -(-side // 2), 6)
    x = torch.randn(1, 3, side, 2 * side, requires_grad=True)
    network(x).abs().sum().backward()
    assert torch.all(x.grad != 0)  # every pixel is seen


def test_norms_over_tokens():
    x = torch.randn(8, 5, 6) * 3 + 1
    batch = build(Norm("batch"), (5, 6)).train()(x)
    assert torch.allclose(batch.mean((0, 1)), torch.zeros(6), atol=1e-5)
    assert torch.allclose(batch.var((0, 1), correction=0), torch.ones(6), atol=1e-3)
    group = build(Norm("group", 2), (5, 6))(x).reshape(8, 5, 2, 3)
    assert torch.allclose(group.mean((1, 3)), torch.zeros(8, 2), atol=1e-5)
    assert torch.allclose(group.var((1, 3), correction=0), torch.ones(8, 2), atol=1e-3)
    layer = build(Norm("layer"), (5, 6))(x)
    assert torch.allclose(layer.mean(2), torch.zeros(8, 5), atol=1e-5)


def test_layers_on_each_token():
    x = torch.randn(2, 5, 4)
    linear = build(Linear(3), (5, 4))
    assert torch.allclose(linear(x)[:, 2], linear(x[:, 2]), atol=1e-6)
    assert torch.equal(build(Scale(0.5), (5, 4))(x), x * 0.5)
    both = build(Parallel(Linear(3), Recurrent(2), join="concat"), (5, 4))
    assert torch.equal(both(x)[:, :, :3], both.branches[0](x))


def test_a_convolution_along_a_sequence_is_torchs():
    network = build(SequenceConv(6, 3, 2, activation=None), (9, 4)).eval()
    conv = nn.Conv1d(4, 6, 3, 2, padding=1, bias=False)
    with torch.no_grad():
        conv.weight.copy_(network[1].weight.squeeze(2))
    x = torch.randn(2, 9, 4)
    expected = conv(x.transpose(1, 2)).transpose(1, 2) / math.sqrt(1 + 1e-5)
    torch.testing.assert_close(network(x), expected)
