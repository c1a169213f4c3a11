"""`MobileNet`: the space of Once-for-All, faithful to MobileNetV3's channels."""

import numpy as np
import pytest
import torch
from optuna.trial import FixedTrial
from torchvision.models._utils import _make_divisible

from optunas.architecture import cost, key
from optunas.errors import OptunasError
from optunas.spaces import MobileNet, draw
from optunas.spaces.mobilenet import scaled

torch.set_num_threads(1)
SHAPE, CLASSES = (3, 224, 224), 1000


def params_of(space, depth, kernel, expansion, **shared):
    params = {name: value for name, value in space.baseline().items() if "." not in name}
    for stage in range(1, 6):
        params[f"stage{stage}.depth"] = depth
        for block in range(1, max(space.depths) + 1):
            params[f"stage{stage}.block{block}.kernel"] = kernel
            params[f"stage{stage}.block{block}.expansion"] = expansion
    return {**params, **shared}


def by_hand(depth, kernel, expansion, classes):
    """Parameters of an Once-for-All network of one kind of block, by arithmetic."""

    def norm(channels):
        return 2 * channels

    total = 27 * 16 + norm(16)  # stem
    total += 16 * 9 + norm(16) + 16 * 16 + norm(16)  # first block, expansion 1
    before = 16
    for width, squeezed in zip((24, 40, 80, 112, 160), (0, 1, 0, 1, 1), strict=True):
        for _ in range(depth):
            wide = before * expansion
            total += before * wide + norm(wide) + wide * kernel**2 + norm(wide)
            inner = _make_divisible(wide / 4, 8)
            total += squeezed * (2 * wide * inner + inner + wide)
            total += wide * width + norm(width)
            before = width
    total += 160 * 960 + norm(960) + 960 * 1280 + 1280
    return total + 1280 * classes + classes


@pytest.mark.parametrize(("depth", "kernel", "expansion"), [(2, 3, 3), (4, 7, 6), (3, 5, 4)])
def test_its_networks_are_those_of_once_for_all(depth, kernel, expansion):
    space = MobileNet()
    network = space.suggest(FixedTrial(params_of(space, depth, kernel, expansion, width=1.0)))
    assert cost(network, SHAPE, CLASSES).params == by_hand(depth, kernel, expansion, CLASSES)


def test_the_largest_network_at_two_resolutions():
    """Quadratic in the resolution, and of the order that the paper reports."""
    space = MobileNet()
    prices = {
        size: cost(
            space.suggest(FixedTrial(params_of(space, 4, 7, 6, width=1.0, resolution=size))),
            SHAPE, CLASSES,
        ).macs
        for size in (128, 224)
    }  # fmt: skip
    assert prices[128] < 0.36 * prices[224]  # quadratic in the resolution
    assert 5e8 < prices[224] < 8e8


def test_channels_round_as_torchvision_rounds_them():
    for channels in (16, 24, 40, 80, 112, 160, 960, 1280):
        for factor in (0.25, 0.35, 0.5, 0.75, 1.0, 1.2, 1.4):
            assert scaled(channels, factor) == _make_divisible(channels * factor, 8)


def test_the_resolution_is_that_of_the_first_layer():
    space = MobileNet(resolutions=(0, 48))
    trial = FixedTrial(params_of(space, 2, 3, 3, width=1.0, resolution=48))
    resized, plain = space.suggest(trial), MobileNet(resolutions=(0,)).suggest(
        FixedTrial(params_of(space, 2, 3, 3, width=1.0, resolution=0))
    )  # fmt: skip
    assert cost(resized, (3, 32, 32), 10) == cost(plain, (3, 48, 48), 10)
    assert key(resized, (3, 48, 48), 10) == key(plain, (3, 48, 48), 10)
    assert key(resized, (3, 32, 32), 10) != key(plain, (3, 32, 32), 10)


def test_its_size():
    assert MobileNet().size() == 2 * 4 * (9**2 + 9**3 + 9**4) ** 5
    one = {"depths": (1,), "kernels": (3,), "expansions": (3,), "resolutions": (0,)}
    assert MobileNet(**one, multipliers=(1.0, 1.001)).size() == 1  # the same channels
    found = {
        key(draw(MobileNet(**{**one, "kernels": (3, 5)}, multipliers=(1.0,)).suggest,
                 np.random.default_rng(seed)).architecture, (3, 64, 64), 10)
        for seed in range(300)
    }  # fmt: skip
    assert len(found) == 2**5 == MobileNet(**{**one, "kernels": (3, 5)}, multipliers=(1.0,)).size()


def test_small_images_keep_pixels_to_look_at():
    space = MobileNet.small_images(depths=(2,))
    assert (space.depths, space.resolutions) == ((2,), (0,))
    for shape in ((1, 8, 8), (3, 32, 32), (1, 1, 1)):
        network = draw(space.suggest, np.random.default_rng(0)).architecture
        assert cost(network, shape, 7).output_shape == (7,)
    assert "stride=2" in str(network)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernels": (4,)}, "MobileNet.kernels must be odd whole numbers; got 4"),
        (
            {"depths": 2},
            "MobileNet.depths is the tuple of values to choose from, for example (2, 3",
        ),
        ({"multipliers": (0,)}, "MobileNet.multipliers must be numbers above 0; got 0"),
        ({"resolutions": (-1,)}, "MobileNet.resolutions must be whole numbers of pixels, or 0"),
        ({"strides": (2, 2)}, "MobileNet.strides are those of the stem and the five stages"),
        ({"expansions": (1.5,)}, "MobileNet.expansions must be whole numbers"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(OptunasError) as error:
        MobileNet(**arguments)
    assert message in str(error.value)
    with pytest.raises(OptunasError, match="no argument 'kernel'"):
        MobileNet.small_images(kernel=3)
