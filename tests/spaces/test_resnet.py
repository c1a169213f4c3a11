"""`ResNet`: the AnyNet family, with the paper's rounding, and known networks in it."""

import numpy as np
import pytest
import torch
import torchvision
from optuna.trial import FixedTrial
from torchvision.models.regnet import BlockParams

from optunas.architecture import cost, key
from optunas.errors import OptunasError
from optunas.spaces import ResNet, draw
from optunas.spaces.resnet import stage

torch.set_num_threads(1)
SHAPE = (3, 224, 224)


def network_of(space, depths, widths, ratios, group_widths, **shared):
    params = {"stages": len(depths), "stem": 32, "squeeze": False, "activation": "relu", **shared}
    values = zip(depths, widths, ratios, group_widths, strict=True)
    for number, (depth, width, ratio, group) in enumerate(values, 1):
        params |= {
            f"stage{number}.depth": depth, f"stage{number}.width": width,
            f"stage{number}.ratio": ratio, f"stage{number}.group_width": group,
        }  # fmt: skip
    return space.suggest(FixedTrial(params))


@pytest.mark.parametrize(("name", "squeeze"), [("regnet_x_400mf", False), ("regnet_y_400mf", True)])
def test_regnets_are_points_of_it(name, squeeze):
    """Parameters and MACs of torchvision's RegNets, which fit the space exactly."""
    depth, w_0, w_a, w_m, group = (22, 24, 24.48, 2.54, 16) if not squeeze else (
        16, 48, 27.89, 2.09, 8)  # fmt: skip
    known = BlockParams.from_init_params(
        depth=depth, w_0=w_0, w_a=w_a, w_m=w_m, group_width=group,
        se_ratio=0.25 if squeeze else None,
    )  # fmt: skip
    space = ResNet(
        stages=(4,), depths=tuple(known.depths), widths=tuple(known.widths), ratios=(1,),
        group_widths=tuple(known.group_widths), stems=(32,), strides=(2, 2),
    )  # fmt: skip
    network = network_of(
        space, known.depths, known.widths, (1,) * 4, known.group_widths, squeeze=squeeze
    )
    reference = torchvision.models.get_model(name)
    price = cost(network, SHAPE, 1000)
    assert price.params == sum(p.numel() for p in reference.parameters())
    assert abs(price.macs - 4e8) < 0.03e8 if squeeze else price.macs > 3.9e8


def test_its_bottlenecks_are_resnets():
    """The stages of ResNet-50, behind the family's own stem: 23.5 M parameters in them."""
    space = ResNet(
        stages=(4,), depths=(3, 4, 6), widths=(256, 512, 1024, 2048), ratios=(4,),
        group_widths=(0,), stems=(64,),
    )  # fmt: skip
    network = network_of(space, (3, 4, 6, 3), (256, 512, 1024, 2048), (4,) * 4, (0,) * 4, stem=64)
    reference = torchvision.models.resnet50()
    stages = (reference.layer1, reference.layer2, reference.layer3, reference.layer4)
    body = sum(p.numel() for part in stages for p in part.parameters())
    stem = 27 * 64 + 2 * 64
    assert cost(network, SHAPE, 1000).params == stem + body + 2049 * 1000


@pytest.mark.parametrize("width", [16, 24, 48, 104, 208, 440, 888])
@pytest.mark.parametrize("ratio", [1, 2, 4])
@pytest.mark.parametrize("group_width", [1, 8, 16, 24, 64, 120])
def test_widths_fit_their_groups_as_in_torchvisions_regnet(width, ratio, group_width):
    made = stage(1, width, ratio, group_width)
    (expected,), (group,) = BlockParams._adjust_widths_groups_compatibilty(
        [width], [1 / ratio], [group_width]
    )
    inner = made.width // ratio
    assert inner % made.groups == 0
    if int(width / ratio) % group == 0:  # elsewhere torchvision rounds up where a tenth is lost
        assert made.width == expected
    assert inner // made.groups == group
    assert abs(made.width - expected) <= group * ratio


def test_its_size():
    space = ResNet(
        stages=(1, 2), depths=(1, 2), widths=(16, 17), ratios=(1,), group_widths=(16,),
        squeezes=(True,), stems=(8,), activations=("relu",),
    )  # fmt: skip
    assert space.size() == 2 + 2**2  # 17 channels don't fit groups of 16: one width
    found = {
        key(draw(space.suggest, np.random.default_rng(seed)).architecture, (3, 32, 32), 10)
        for seed in range(100)
    }
    assert len(found) == space.size()
    assert ResNet().size() > 10**11


def test_the_baseline_is_a_small_resnet():
    drawn = draw(ResNet().suggest, np.random.default_rng(0), ResNet().baseline())
    assert drawn.params == ResNet().baseline()
    assert str(drawn.architecture).count("Bottleneck(") == 6
    narrow = ResNet(widths=(40,), depths=(1,))
    assert draw(narrow.suggest, np.random.default_rng(0), narrow.baseline()).params == (
        narrow.baseline()
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stages": 4}, "ResNet.stages is the tuple of values to choose from"),
        ({"group_widths": (-1,)}, "ResNet.group_widths must be whole numbers, or 0; got -1"),
        ({"squeezes": (2,)}, "ResNet.squeezes must be True or False; got 2"),
        ({"activations": ("softmax",)}, "ResNet.activations must be among relu"),
        ({"strides": (2,)}, "ResNet.strides are those of the stem and the first stage"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(OptunasError) as error:
        ResNet(**arguments)
    assert message in str(error.value)
