"""Random compositions: every law at once."""

import json

import hypothesis.strategies as st
import torch
from hypothesis import HealthCheck, given, settings
from torch.utils.flop_counter import FlopCounterMode

from optunas.architecture import (
    Activation,
    BasicBlock,
    Bottleneck,
    Conv,
    ConvNeXt,
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
    Residual,
    Scale,
    SeparableConv,
    Sequential,
    SqueezeExcite,
    cost,
    from_json,
    key,
    summary,
    to_json,
)
from optunas.architecture.layers import ACTIVATIONS
from optunas.errors import OptunasError
from optunas.nn import build

small, sides = st.sampled_from((1, 2, 4)), st.integers(1, 3)
windows = st.one_of(sides, st.tuples(sides, sides))
pools = st.sampled_from(("max", "avg"))


def made(kind, *values, **named):
    """Layers of a kind; values that it refuses are left out."""

    def make(drawn):
        try:
            return kind(*drawn[0], **drawn[1])
        except OptunasError:
            return Identity()

    return st.tuples(st.tuples(*values), st.fixed_dictionaries(named)).map(make)


primitives = st.one_of(
    made(
        Conv, small, windows, windows, st.sampled_from((None, 0, 1, 2)), sides,
        st.sampled_from((0, 1, 2)), st.booleans(),
    ),
    made(Norm, st.sampled_from(("batch", "group", "layer")), st.sampled_from((1, 2, 8))),
    made(Activation, st.sampled_from(ACTIVATIONS)),
    made(
        Pool, pools, windows, st.one_of(st.none(), windows), st.sampled_from((0, 1, (0, 1))),
        ceil=st.booleans(), count_padding=st.booleans(),
    ),
    made(GlobalPool, pools, st.booleans()),
    made(Linear, st.sampled_from((None, 2, 4)), st.booleans()),
    st.sampled_from((Flatten(), Identity(), Dropout(), Dropout(0), DropPath(), Scale(1))),
)  # fmt: skip
blocks = st.one_of(
    made(st.sampled_from, st.just((BasicBlock, Bottleneck, MBConv, SeparableConv, Inception)))
    .flatmap(lambda kinds: kinds)
    .flatmap(lambda kind: made(kind, st.just(4), st.sampled_from((1, 3)), st.sampled_from((1, 2)))),
    st.sampled_from((ConvNeXt(3, 2), SqueezeExcite(2))),
)


def composed(layers):
    some = st.lists(layers, max_size=3)
    return st.one_of(
        some.map(lambda parts: Sequential(*parts)),
        st.tuples(some, st.sampled_from(("sum", "concat", "multiply"))).map(
            lambda drawn: Parallel(Identity(), *drawn[0], join=drawn[1])
        ),
        made(Residual, layers, norm=st.sampled_from(("batch", None))),
    )


networks = st.recursive(st.one_of(primitives, blocks), composed, max_leaves=8)
shapes = st.sampled_from(((4, 5, 5), (4, 1, 1), (1, 1, 1), (2, 2, 2), (4, 6, 3), (4,)))


@settings(
    max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(networks, shapes)
def test_whatever_is_composed(plain, filled, network, shape):
    assert from_json(json.loads(json.dumps(to_json(network)))) == network
    try:
        price = cost(network, shape, 3)
    except OptunasError:
        return
    x = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    written, built = filled(plain(network, shape, 3)), filled(build(network, shape, 3))
    expected = written(x)
    torch.testing.assert_close(built(x), expected, equal_nan=True, rtol=1e-3, atol=1e-4)
    assert price.output_shape == tuple(expected.shape[1:])
    for module in (written, built):
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            module(x)
        assert sum(p.numel() for p in module.parameters()) == price.params
        assert counter.get_total_flops() == 2 * 3 * price.macs
    rows = list(summary(network, shape, 3))
    assert sum(row.params for row in rows) == price.params
    assert key(Sequential(Identity(), network), shape, 3) == key(network, shape, 3)


@settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(st.lists(primitives, min_size=2, max_size=3), st.data())
def test_the_place_of_the_brackets_does_not_matter(layers, data):
    cut = data.draw(st.integers(0, len(layers)))
    shape = data.draw(shapes)
    try:
        expected = key(Sequential(*layers), shape, 3)
    except OptunasError:
        return
    split = Sequential(Sequential(*layers[:cut]), Sequential(*layers[cut:]))
    assert key(split, shape, 3) == expected
    once = Sequential(*(Sequential(layer) for layer in layers))
    assert key(once, shape, 3) == expected
