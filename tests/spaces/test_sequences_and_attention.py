"""`VisionTransformer`, `ConvAttention` and `RecurrentNet`: priced, stored, counted, narrowed."""

import itertools
import json
import math

import numpy as np
import pytest
import torch
from optuna.trial import FixedTrial
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import optunas
from optunas.architecture import cost, from_json, key, to_json
from optunas.errors import OptunasError
from optunas.nn import build
from optunas.spaces import ConvAttention, RecurrentNet, ResNet, Space, VisionTransformer, draw

torch.set_num_threads(1)
SPACES = {
    "vit": VisionTransformer(depths=(1, 2, 4)),
    "autoformer": VisionTransformer.autoformer("tiny", depths=(2, 3)),
    "hybrid": ConvAttention(depths=(1, 2)),
    "attention, or none": ConvAttention(attentions=(0, 4), depths=(1,), stem_stride=4),
    "recurrent": RecurrentNet(),
    "without recurrence": RecurrentNet(convs=(1, 2), layers=(0, 1), cells=("rnn", "gru")),
}
SHAPES = ((1, 8, 8), (3, 32, 32), (3, 21, 14), (1, 1, 1), (2, 1, 40))

every_space = pytest.mark.parametrize("name", SPACES)


def drawn(space, count, seed=0):
    rng = np.random.default_rng(seed)
    return (draw(space.suggest, rng) for _ in range(count))


@every_space
def test_random_networks_cost_what_torch_counts(name):
    for number, network in enumerate(d.architecture for d in drawn(SPACES[name], 10)):
        shape = SHAPES[number % len(SHAPES)]
        meta = build(network, shape, 7, device="meta")
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            output = meta.eval()(torch.empty(1, *shape, device="meta"))
        price = cost(network, shape, 7)
        assert price.params == sum(p.numel() for p in meta.parameters())
        assert price.macs == counter.get_total_flops() // 2
        assert price.output_shape == tuple(output.shape[1:]) == (7,)


@every_space
def test_every_network_fits_every_image_and_is_stored(name):
    for draw_ in drawn(SPACES[name], 60):
        network = draw_.architecture
        for shape in (*SHAPES, (3, 224, 224)):
            assert cost(network, shape, 7).output_shape == (7,)
        again = from_json(json.loads(json.dumps(to_json(network))))
        assert again == network
        assert key(again, SHAPES[1], 7) == key(network, SHAPES[1], 7)


@every_space
def test_first_steps_are_sane(name):
    """The first loss is that of a guess, in training too; gradients reach every parameter."""
    shape = (2, 12, 9)
    x = torch.randn(20, *shape, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(20) % 10
    for draw_ in drawn(SPACES[name], 4):
        network = build(draw_.architecture, shape, 10, seed=1)
        loss = nn.functional.cross_entropy(network(x), labels)
        assert abs(loss.item() - math.log(10)) < 0.35
        loss.backward()
        gradients = torch.cat([p.grad.flatten() for p in network.parameters()])
        assert gradients.isfinite().all()
        assert 1e-4 < gradients.norm() < 100
        network.eval()
        last = x.to(memory_format=torch.channels_last)
        torch.testing.assert_close(network(last), network(x), rtol=1e-3, atol=1e-4)


NARROW = {
    "vit": (
        VisionTransformer(
            patches=(2, 4), widths=(16, 24), depths=(1, 3), heads=(2, 4), ratios=(2, 4),
            drop_paths=(0.0, 0.1), head_width=8,
        ),
        2 * 2 * (4 + 4**3) * 2 * 2,
    ),
    "ratios that round to the same": (
        VisionTransformer(
            patches=(4,), widths=(16,), depths=(2,), heads=(2,), ratios=(2, 2.01, 4),
            pools=("mean",), drop_paths=(0.0,),
        ),
        2**2,
    ),
    "hybrid": (
        ConvAttention(
            attentions=(0, 2), depths=(1, 2), widths=(8,), widenings=(1,), kernels=(3, 5),
            expansions=(2,), ratios=(2,), drop_paths=(0.0, 0.1), head_width=8,
        ),
        4**4 + 4 * 4 * 2 * 2 * 2,
    ),
    "widths that round to the same": (
        ConvAttention(
            attentions=(1,), depths=(1,), widths=(8, 12), widenings=(1, 1.1, 2), kernels=(3,),
            expansions=(2,), ratios=(2,), drop_paths=(0.0,), head_width=8,
        ),
        None,
    ),
    "recurrent": (
        RecurrentNet(
            convs=(0, 2), conv_widths=(8,), kernels=(3, 5), strides=(1, 2), cells=("lstm", "gru"),
            layers=(1, 2), widths=(8,), heads=(0, 2), dropouts=(0.0, 0.2),
        ),
        2 * (1 + 4) * (2 * 2 * 2) * 2 * 3 * 2,
    ),
    "without recurrence": (
        RecurrentNet(
            readings=("pixel",), convs=(1,), conv_widths=(8, 16), kernels=(3,), strides=(1,),
            cells=("rnn",), layers=(0, 1), widths=(8,), heads=(0, 2, 4), dropouts=(0.0,),
        ),
        2 * (1 + 2) * 3 * 3,
    ),
}  # fmt: skip


def points(space):
    """Every combination of the choices that a space offers."""
    distributions = next(drawn(space, 1)).distributions
    choices = [distribution.choices for distribution in distributions.values()]
    for values in itertools.product(*choices):
        yield dict(zip(distributions, values, strict=True))


@pytest.mark.parametrize("name", NARROW)
def test_its_size_is_how_many_networks_it_holds(name):
    space, expected = NARROW[name]
    keys = {key(space.suggest(FixedTrial(p)), (3, 32, 24), 10) for p in points(space)}
    assert len(keys) == space.size()
    assert expected in (None, space.size())


@every_space
def test_the_baseline_is_in_the_space(name):
    space = SPACES[name]
    params = space.baseline()
    again = draw(space.suggest, np.random.default_rng(0), params)
    assert again.params == params
    assert isinstance(space, Space)
    assert cost(again.architecture, (3, 32, 32), 10).output_shape == (10,)


def test_the_papers_spaces():
    """Parameters as AutoFormer's table gives them: 5.7, 22.9 and 54 million for its winners."""
    for scale, winner, blocks in (("tiny", 5.7e6, 13), ("small", 22.9e6, 13), ("base", 54e6, 14)):
        space = VisionTransformer.autoformer(scale)
        names = next(drawn(space, 1)).distributions
        assert len(names) == 5 + 2 * max(space.depths)
        sizes = [cost(d.architecture, (3, 224, 224), 1000).params for d in drawn(space, 60)]
        assert min(sizes) < winner < max(sizes)
        assert blocks in space.depths


def test_a_series_of_measurements_is_an_image_of_height_one():
    space = RecurrentNet(readings=("column",))
    for draw_ in drawn(space, 20):
        image = cost(draw_.architecture, (6, 1, 50), 3)
        sequence = cost(draw_.architecture, (50, 6), 3)
        assert image == sequence


def test_the_last_state_is_that_of_each_direction():
    params = RecurrentNet().baseline() | {"pool": "last", "heads": 0}
    for directions, state in (("both", "ends"), ("forward", "last")):
        network = RecurrentNet().suggest(FixedTrial(params | {"directions": directions}))
        assert f"TokenPool(kind='{state}')" in str(network)


def test_rows_of_digits_are_read():
    """scikit-learn's digits as sequences of 8 rows: an LSTM in both directions tells them apart."""
    data = optunas.data.digits()
    network = RecurrentNet().suggest(FixedTrial(RecurrentNet().baseline()))
    recipe = optunas.Recipe(epochs=4, batch_size=32, optimizer="adamw", lr=1e-2, precision="fp32")
    model = build(network, data.input_shape, len(data.classes))
    *_, last = optunas.training.train(model, data, recipe)
    assert last.accuracy > 0.9


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: VisionTransformer(depths=4), "VisionTransformer.depths is the tuple of values to"),
        (lambda: VisionTransformer(pools=("max",)), "must be among class, mean; got 'max'"),
        (lambda: VisionTransformer(ratios=(0,)), "ratios must be numbers above 0; got 0"),
        (lambda: VisionTransformer(drop_paths=(1.0,)), "drop_paths must be at least 0 and below 1"),
        (lambda: VisionTransformer(head_width=0), "VisionTransformer.head_width must be a whole"),
        (lambda: VisionTransformer.autoformer("huge"), "are tiny, small, base; got 'huge'"),
        (lambda: ConvAttention(attentions=(5,)), "must be whole numbers from 0 to 4; got 5"),
        (lambda: ConvAttention(widths=(18,)), "widths must be multiples of 4; got 18"),
        (lambda: ConvAttention(kernels=(2,)), "ConvAttention.kernels must be odd whole numbers"),
        (lambda: ConvAttention(stem_stride=0), "ConvAttention.stem_stride must be a whole number"),
        (lambda: RecurrentNet(cells=("ltsm",)), "must be among lstm, gru, rnn; got 'ltsm'"),
        (lambda: RecurrentNet(widths=(30,)), "got 30 features and 4 heads"),
        (lambda: RecurrentNet(heads=(-1,)), "heads must be whole numbers of at least 0; got -1"),
        (lambda: RecurrentNet(layers=(0, 1)), "needs a layer before the attention; got 0 in both"),
        (lambda: RecurrentNet(readings=("word",)), "must be among pixel, row, column; got 'word'"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(make, message):
    with pytest.raises(OptunasError) as error:
        make()
    assert message in str(error.value)


def test_strides_to_choose_from_are_kept_once_and_strides_in_order_as_they_are():
    assert RecurrentNet(strides=(2, 2)).strides == (2,)
    assert ResNet(strides=(2, 2)).strides == (2, 2)
