"""Sliding windows against torch's own modules."""

import itertools
import time

import pytest
import torch
from torch import nn

from optunas.architecture import Conv, GlobalPool, Pool, Sequential, cost, key
from optunas.errors import ShapeError
from optunas.nn import build

RNG = torch.Generator()
IMAGES = [(2, 1, 1), (2, 2, 2), (2, 3, 5), (2, 6, 4), (2, 9, 9)]


def shape_of(module: nn.Module, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    try:
        return tuple(module(torch.zeros(1, *shape)).shape[1:])
    except RuntimeError:
        return None


def described(layer: Conv | Pool, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    try:
        return cost(layer, shape).output_shape
    except ShapeError:
        return None


@pytest.mark.parametrize("shape", IMAGES)
def test_convolutions_give_torchs_shapes(shape):
    for kernel, stride, padding, dilation in itertools.product(
        (1, 2, 3, 5, (1, 3)), (1, 2, 3, (2, 1)), (0, 1, 2, (2, 0)), (1, 2, (1, 3))
    ):
        module = nn.Conv2d(2, 3, kernel, stride, padding, dilation)
        layer = Conv(3, kernel, stride, padding, dilation)
        assert described(layer, shape) == shape_of(module, shape), layer


@pytest.mark.parametrize("shape", IMAGES)
def test_poolings_give_torchs_shapes(shape):
    for kernel, stride, padding, ceil in itertools.product(
        (1, 2, 3, 5, (2, 3)), (1, 2, 3, (1, 4)), (0, 1, 2, (1, 0)), (False, True)
    ):
        sides = zip(
            *(v if isinstance(v, tuple) else (v, v) for v in (padding, kernel)), strict=True
        )
        if any(2 * p > k for p, k in sides):
            continue
        for kind, module in (("max", nn.MaxPool2d), ("avg", nn.AvgPool2d)):
            layer = Pool(kind, kernel, stride, padding, ceil)
            expected = shape_of(module(kernel, stride, padding, ceil_mode=ceil), shape)
            assert described(layer, shape) == expected, layer


def poolings(side: int):
    for kernel, stride in itertools.product(range(1, side + 3), range(1, side + 2)):
        for padding, ceil in itertools.product(range(kernel // 2 + 1), (False, True)):
            yield (
                Pool("max", kernel, stride, padding, ceil),
                nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil),
            )
            for counted in (False, True):
                yield (
                    Pool("avg", kernel, stride, padding, ceil, counted),
                    nn.AvgPool2d(kernel, stride, padding, ceil, counted),
                )


@pytest.mark.parametrize("side", [1, 2, 3, 4])
def test_poolings_have_one_key_exactly_when_they_do_the_same(side):
    x = torch.randn(60, 1, side, side, dtype=torch.float64, generator=RNG.manual_seed(0))
    outcomes: dict[str, bytes] = {}
    for layer, module in poolings(side):
        if shape_of(module, (1, side, side)) is None:
            continue
        expected = module(x)
        torch.testing.assert_close(build(layer, (1, side, side))(x), expected, equal_nan=True)
        outcome = str(expected.shape).encode() + (expected * 1e4).round().numpy().tobytes()
        assert outcomes.setdefault(key(layer, (1, side, side)), outcome) == outcome, layer
    assert len(set(outcomes.values())) == len(outcomes) >= 5


def test_a_pooling_of_everything_is_a_global_pooling():
    assert key(Pool("avg", (4, 6)), (2, 4, 6)) == key(GlobalPool(keep=True), (2, 4, 6))
    whole = Sequential(Pool("max", 4, stride=7), GlobalPool())
    assert key(whole, (2, 4, 4)) == key(GlobalPool("max"), (2, 4, 4))


def test_windows_of_any_size_are_priced_at_once():
    start = time.perf_counter()
    huge = Pool("avg", 10**6, 10**6, 5 * 10**5, count_padding=True)
    assert cost(huge, (3, 64, 64)).output_shape == (3, 1, 1)
    assert key(Pool("avg", 100, ceil=True), (3, 64, 64)) == key(GlobalPool(keep=True), (3, 64, 64))
    assert key(Pool("max", 40, 60, 20), (3, 64, 64)) != key(Pool("max", 40, 50, 20), (3, 64, 64))
    assert time.perf_counter() - start < 5


def test_a_stride_with_no_room_is_none():
    for stride in (2, 3, (5, 1)):
        assert key(Conv(4, 3, stride), (2, 1, 1)) == key(Conv(4, 3), (2, 1, 1))
    assert key(Conv(4, 3, 3), (2, 2, 2)) == key(Conv(4, 3, 2), (2, 2, 2))
    assert key(Conv(4, 3, 3), (2, 4, 4)) != key(Conv(4, 3, 2), (2, 4, 4))


def test_a_dilation_wider_than_the_image_is_any():
    assert key(Conv(4, 3, dilation=2), (2, 1, 1)) == key(Conv(4, 3, dilation=1), (2, 1, 1))
    assert key(Conv(4, 3, dilation=4), (2, 3, 2)) == key(Conv(4, 3, dilation=(3, 2)), (2, 3, 2))
    assert key(Conv(4, 3, dilation=2), (2, 3, 3)) != key(Conv(4, 3, dilation=1), (2, 3, 3))
    assert Conv(4, (1, 3), dilation=(7, 2)) == Conv(4, (1, 3), dilation=(1, 2))


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (
            Sequential(Conv(8, 3, stride=2), Conv(8, 5, padding=0)),
            (1, 6, 6),
            "a 5x5 kernel without padding needs at least 5x5 pixels; "
            "the input is 3x3, after Conv(8, stride=2)",
        ),
        (
            Conv(8, 7, padding=1),
            (1, 4, 9),
            "a 7x7 kernel with padding 1x1 needs at least 5x5 pixels; the input is 4x9",
        ),
        (
            Conv(8, 3, padding=0, dilation=3),
            (1, 4, 4),
            "a 3x3 kernel dilated 3x3 without padding needs at least 7x7 pixels; the input is 4x4",
        ),
        (Pool("max", 2), (1, 1, 1), "2x2 kernel without padding needs at least 2x2 pixels"),
        (Pool("max", 7, 1, ceil=True), (1, 2, 2), "needs at least 7x7 pixels; the input is 2x2"),
        (Pool("max", 7, 3, ceil=True), (1, 2, 2), "needs at least 5x5 pixels; the input is 2x2"),
    ],
)
def test_too_small_an_image_is_explained(layer, shape, message):
    with pytest.raises(ShapeError) as error:
        cost(layer, shape)
    assert message in str(error.value)
    assert shape_of(build(layer, (1, 20, 20)), shape) is None
