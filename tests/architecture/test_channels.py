"""Channels sliced and shuffled; pooling to a given size; classes as channels."""

from itertools import product

import pytest
import torch
from torch.nn import functional

from optunas.architecture import (
    Activation,
    AdaptivePool,
    Conv,
    Dropout,
    Flatten,
    GlobalPool,
    Linear,
    Parallel,
    Pool,
    Sequential,
    Shuffle,
    Slice,
    cost,
    from_json,
    key,
    to_json,
)
from optunas.errors import OptunasError, ShapeError
from optunas.nn import build

torch.set_num_threads(1)
IMAGE = (12, 4, 5)


def ran(layer, x):
    return build(layer, tuple(x.shape[1:])).eval()(x)


def same(one, other, shape=IMAGE):
    return key(one, shape, 10) == key(other, shape, 10)


@pytest.mark.parametrize("shape", [IMAGE, (12,)])
def test_a_slice_is_pythons(shape):
    x = torch.randn(3, *shape)
    for start, stop in [(0, 5), (5, None), (11, None), (3, 12), (0, None)]:
        output = ran(Slice(start, stop), x)
        assert torch.equal(output, x[:, start:stop])
        assert cost(Slice(start, stop), shape).output_shape == tuple(output.shape[1:])


@pytest.mark.parametrize("shape", [IMAGE, (12,)])
@pytest.mark.parametrize("groups", [1, 2, 3, 4, 6, 12])
def test_a_shuffle_is_torchs(shape, groups):
    x = torch.randn(3, *shape)
    expected = functional.channel_shuffle(x.reshape(3, *shape, *(1,) * (3 - len(shape))), groups)
    assert torch.equal(ran(Shuffle(groups), x), expected.reshape(x.shape))


def test_a_shuffle_deals_the_channels_out():
    x = torch.arange(6.0)[None]
    assert ran(Shuffle(2), x).tolist() == [[0, 3, 1, 4, 2, 5]]


def test_slices_and_shuffles_cost_nothing():
    network = Sequential(Slice(2, 8), Shuffle(3))
    price = cost(network, IMAGE)
    assert (price.params, price.macs, price.output_shape) == (0, 0, (6, 4, 5))


@pytest.mark.parametrize("channels", [2, 3, 6, 8, 12])
def test_shuffles_in_a_row_are_equal_where_they_do_the_same(channels):
    """Chains of up to two: of equal keys only where equal channels come out, and of equal
    channels with equal keys wherever a single shuffle, or none, does it."""
    divisors = [d for d in range(1, channels + 1) if channels % d == 0]
    x, does = torch.arange(float(channels))[None], {}
    for chain in [(), *product(divisors), *product(divisors, repeat=2)]:
        network = Sequential(*map(Shuffle, chain))
        does[chain] = tuple(ran(network, x)[0].tolist()), key(network, (channels,))
    single = {does[chain][0] for chain in does if len(chain) < 2}
    for one, other in product(does.values(), repeat=2):
        assert one[1] != other[1] or one[0] == other[0]
        assert one[0] != other[0] or one[1] == other[1] or one[0] not in single


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Slice(0, 12), Sequential()),
        (Slice(3), Slice(3, 12)),
        (Sequential(Slice(2, 10), Slice(1, 3)), Slice(3, 5)),
        (Sequential(Slice(2, 10), Slice(1)), Slice(3, 10)),
        (Sequential(Slice(2), Slice(3), Slice(1)), Slice(6)),
        (Sequential(Activation(), Slice(3)), Sequential(Slice(3), Activation())),
        (
            Sequential(Slice(2), Activation(), Dropout(), Slice(3)),
            Sequential(Slice(5), Activation(), Dropout()),
        ),
        (Sequential(Shuffle(2), Activation(), Shuffle(6)), Activation()),
        (Sequential(Shuffle(2), Shuffle(3)), Shuffle(6)),
        (
            Parallel(Slice(0, 6), Sequential(Slice(6, 12), Slice(0, 6)), join="concat"),
            Parallel(Slice(stop=6), Slice(6), join="concat"),
        ),
    ],
)
def test_spellings_of_one_network(one, other):
    assert same(one, other)
    x = torch.randn(2, *IMAGE)
    assert torch.equal(ran(one, x), ran(other, x))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Slice(0, 6), Slice(6, 12)),
        (Shuffle(2), Shuffle(6)),
        (Shuffle(2), Sequential()),
        (Sequential(Slice(0, 6), Shuffle(2)), Sequential(Shuffle(2), Slice(0, 6))),
        (Sequential(Flatten(), Slice(0, 120)), Sequential(Slice(0, 6), Flatten(), Shuffle(2))),
    ],
)
def test_different_networks_stay_different(one, other):
    assert not same(one, other)


@pytest.mark.parametrize("kind", ["avg", "max"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, (2, 5), (9, 1)])
def test_adaptive_pooling_is_torchs(kind, size):
    pool = functional.adaptive_avg_pool2d if kind == "avg" else functional.adaptive_max_pool2d
    for shape in [(3, 1, 1), (3, 2, 3), (3, 7, 7), (3, 8, 5), (2, 14, 10), (1, 9, 20)]:
        x = torch.randn(2, *shape)
        output = ran(AdaptivePool(size, kind), x)
        torch.testing.assert_close(output, pool(x, size))
        price = cost(AdaptivePool(size, kind), shape)
        assert (price.params, price.macs, price.output_shape) == (0, 0, tuple(output.shape[1:]))


@pytest.mark.parametrize("side", range(1, 9))
def test_adaptive_pooling_is_a_plain_one_exactly_where_it_does_the_same(side):
    """Each pooling along one side, by what it makes of the pictures with a single white pixel."""
    pixels = torch.eye(side).reshape(side, 1, side, 1)
    shape = (1, side, 1)
    plain: dict[bytes, str] = {}
    for kernel, stride, ceil in product(range(1, 10), range(1, 10), (False, True)):
        for padding in range(kernel // 2 + 1):
            pool = Pool("avg", (kernel, 1), (stride, 1), (padding, 0), ceil)
            try:
                name = key(pool, shape)
            except ShapeError:
                continue
            module = torch.nn.AvgPool2d((kernel, 1), (stride, 1), (padding, 0), ceil, False)
            plain[picture(module(pixels))] = name
    for count in range(1, 10):
        pool = AdaptivePool((count, 1))
        does = picture(functional.adaptive_avg_pool2d(pixels, (count, 1)))
        if does in plain:
            assert key(pool, shape) == plain[does]
        else:
            assert key(pool, shape) not in plain.values()


def picture(output):
    return (1000 * output.nan_to_num(-1)).round().to(torch.int32).numpy().tobytes() + bytes(
        [output.shape[2]]
    )


@pytest.mark.parametrize(
    ("shape", "one", "other"),
    [
        ((3, 7, 7), AdaptivePool(7), Sequential()),
        ((3, 14, 14), AdaptivePool(7), Pool("avg", 2)),
        ((3, 14, 21), AdaptivePool(7, "max"), Pool("max", (2, 3))),
        ((3, 9, 5), AdaptivePool(1), GlobalPool(keep=True)),
        ((3, 9, 5), Sequential(AdaptivePool(1, "max"), Flatten()), GlobalPool("max")),
        ((3, 7, 7), AdaptivePool(3), Pool("avg", 3, 2)),
        ((3, 2, 2), AdaptivePool(3), Pool("avg", 2, 1, 1)),
        ((3, 1, 1), AdaptivePool(7), AdaptivePool(7, "max")),
        ((3, 224, 224), AdaptivePool((7, 7)), Pool("avg", 32)),
    ],
)
def test_spellings_of_one_pooling(shape, one, other):
    assert same(one, other, shape)
    x = torch.randn(1, *shape)
    torch.testing.assert_close(ran(one, x), ran(other, x))


def test_a_large_image_is_priced_at_once():
    for side in (223, 225, 1000):
        assert cost(AdaptivePool(7), (3, side, side + 1)).output_shape == (3, 7, 7)


def test_classes_may_be_channels():
    network = Sequential(Conv(None, 3, bias=True), Activation(), GlobalPool())
    assert cost(network, IMAGE, 7).params == 12 * 7 * 9 + 7
    assert build(network, IMAGE, 7)(torch.zeros(2, *IMAGE)).shape == (2, 7)
    assert same(network, Sequential(Conv(10, bias=True), Activation(), GlobalPool()))
    with pytest.raises(ShapeError, match="say how many classes"):
        cost(network, IMAGE)


@pytest.mark.parametrize(
    "layer", [Slice(2, 5), Slice(1), Shuffle(4), AdaptivePool((2, 3), "max"), Conv(None, 1)]
)
def test_each_is_stored_and_comes_back(layer):
    assert from_json(to_json(layer)) == layer


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Slice(3, 3), "Slice takes whole numbers with 0 <= start < stop"),
        (lambda: Slice(-1), "got start=-1 and stop=None"),
        (lambda: Slice(0, 2.5), "got start=0 and stop=2.5"),
        (lambda: Slice("a"), "got start='a'"),
        (lambda: Slice(None, 3), "got start=None"),
        (lambda: Shuffle(0), "Shuffle.groups must be a whole number of at least 1"),
        (lambda: AdaptivePool(0), "AdaptivePool.size must be a whole number of at least 1, or"),
        (lambda: AdaptivePool(3, "min"), "AdaptivePool.kind must be one of max, avg"),
        (lambda: cost(Slice(0, 13), IMAGE), "Slice(stop=13) needs 13 channels"),
        (lambda: cost(Slice(12), IMAGE), "Slice(start=12) needs 13 channels; the input is 12"),
        (lambda: cost(Shuffle(5), IMAGE), "the groups to shuffle must divide the channels"),
        (lambda: cost(Slice(1), (3, 4)), "Slice needs (C, H, W) or (F,)"),
        (
            lambda: cost(Sequential(GlobalPool(), AdaptivePool(3)), IMAGE),
            "AdaptivePool needs an image",
        ),
    ],
)
def test_what_does_not_fit_is_explained(make, message):
    with pytest.raises(OptunasError) as error:
        make()
    assert message in str(error.value)


def test_a_network_with_all_of_them_is_built_as_priced():
    network = Sequential(
        Conv(8),
        Parallel(Slice(0, 4), Sequential(Slice(4), Conv(4)), join="concat"),
        Shuffle(2),
        AdaptivePool((3, 2)),
        Flatten(),
        Slice(0, 40),
        Linear(),
    )
    module = build(network, IMAGE, 10)
    assert sum(p.numel() for p in module.parameters()) == cost(network, IMAGE, 10).params
    assert module(torch.randn(2, *IMAGE)).shape == (2, 10)
