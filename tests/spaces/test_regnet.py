"""`RegNet`: the paper's line of widths, with torchvision's networks as points of it."""

from itertools import product

import numpy as np
import pytest
import torch
import torchvision
from optuna.trial import FixedTrial
from torchvision.models.regnet import BlockParams

from optunas.architecture import cost, key
from optunas.errors import OptunasError
from optunas.spaces import RegNet, draw
from optunas.spaces.regnet import regular_stages

torch.set_num_threads(1)

# (depth, w_0, w_a, w_m, group width) of the paper's tables 7 and 8
KNOWN = {
    "regnet_x_400mf": (22, 24, 24.48, 2.54, 16),
    "regnet_x_800mf": (16, 56, 35.73, 2.28, 16),
    "regnet_y_400mf": (16, 48, 27.89, 2.09, 8),
    "regnet_y_800mf": (14, 56, 38.84, 2.4, 16),
}


@pytest.mark.parametrize("name", KNOWN)
def test_torchvisions_regnets_are_points_of_it(name: str):
    depth, start, slope, factor, group = KNOWN[name]
    space = RegNet(
        depths=(depth,), starts=(start,), slopes=(slope,), factors=(factor,), ratios=(1,),
        group_widths=(group,), squeezes=("_y_" in name,), stems=(32,), activations=("relu",),
        strides=(2, 2),
    )  # fmt: skip
    network = space.suggest(FixedTrial(space.baseline()))
    reference = torchvision.models.get_model(name)
    assert cost(network, (3, 224, 224), 1000).params == sum(
        p.numel() for p in reference.parameters()
    )


@pytest.mark.parametrize("numbers", list(product((4, 12), (16, 48), (8, 32), (1.5, 2.5), (8, 16))))
def test_stages_are_torchvisions(numbers):
    depth, start, slope, factor, group = numbers
    known = BlockParams.from_init_params(depth, start, slope, factor, group)
    ours = regular_stages(depth, start, slope, factor, 1, group)
    assert [s.depth for s in ours] == known.depths
    assert [s.width for s in ours] == known.widths
    assert [s.width // s.groups for s in ours] == known.group_widths


def test_size_is_the_number_of_different_networks():
    space = RegNet(depths=(4, 6), starts=(16, 24), slopes=(0, 16), factors=(2, 3), stems=(16,))
    names = ("depth", "start", "slope", "factor", "ratio", "group_width", "squeeze", "activation")
    choices = (
        space.depths, space.starts, space.slopes, space.factors, space.ratios,
        space.group_widths, space.squeezes, space.activations,
    )  # fmt: skip
    networks = [
        space.suggest(FixedTrial({**dict(zip(names, values, strict=True)), "stem": 16}))
        for values in product(*choices)
    ]
    assert len({key(network, (3, 32, 32), 10) for network in networks}) == space.size()


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"factors": (1,)}, "numbers above 1; got 1"),
        ({"slopes": (-1,)}, "numbers of at least 0; got -1"),
        ({"depths": 4}, "the tuple of values"),
        ({"strides": (1,)}, "the stem and the first stage"),
    ],
)
def test_bad_arguments_are_named(argument, message):
    with pytest.raises(OptunasError, match=message):
        RegNet(**argument)


def test_the_baseline_is_in_the_space():
    space = RegNet()
    drawn = draw(space.suggest, np.random.default_rng(0), space.baseline())
    assert drawn.params == space.baseline()
