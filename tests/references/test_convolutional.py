"""Convolutional networks that no one here wrote, against torchvision's own modules."""

import json
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.ops import StochasticDepth

from optunas.architecture import cost, from_json, key, to_json
from optunas.errors import ShapeError
from optunas.nn import build
from optunas.nn.modules import DropPath
from optunas.references import reference

NETWORKS = (
    "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet",
    "inception_v3", "mnasnet1_0", "mobilenet_v2", "mobilenet_v3_large", "regnet_y_400mf",
    "resnet18", "resnet50", "resnext50_32x4d", "shufflenet_v2_x1_0", "squeezenet1_1", "vgg11_bn",
    "wide_resnet50_2",
)  # fmt: skip

every_network = pytest.mark.parametrize("name", NETWORKS)


@every_network
def test_it_costs_what_torchvisions_costs(torchvision_network, name):
    theirs = torchvision_network(name, 1000, "meta")
    network, params = reference(name), sum(p.numel() for p in theirs.parameters())
    shape = (3, 299, 299) if name == "inception_v3" else (3, 224, 224)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        output = theirs(torch.empty(1, *shape, device="meta"))
    price = cost(network, shape, 1000)
    assert price.params == params
    assert price.macs == counter.get_total_flops() // 2
    assert price.output_shape == tuple(output.shape[1:]) == (1000,)
    meta = build(network, shape, 1000, device="meta").eval()
    assert meta(torch.empty(2, *shape, device="meta")).shape == (2, 1000)


@every_network
def test_it_computes_what_torchvisions_computes(torchvision_network, both_outputs, name):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 75, 90)
    expected, output = both_outputs(torchvision_network(name, 10), reference(name), x, 10)
    assert expected.shape == (2, 10)
    seen = (expected[0] - expected[1]).abs().max().item()  # how much the images matter
    assert seen > 1e-2 * expected.abs().max()
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-4 * seen)


@every_network
def test_it_drops_what_torchvisions_drops(torchvision_network, name):
    theirs = torchvision_network(name, 10, "meta")
    ours = build(reference(name), (3, 96, 96), 10, device="meta")
    assert [m.p for m in ours.modules() if isinstance(m, nn.Dropout)] == [
        m.p for m in theirs.modules() if isinstance(m, nn.Dropout)
    ]
    used: list[float] = []
    for module in theirs.modules():
        if isinstance(module, StochasticDepth) and module.p:
            module.register_forward_hook(lambda m, *_: used.append(m.p))
    theirs(torch.empty(1, 3, 96, 96, device="meta"))
    assert [m.p for m in ours.modules() if isinstance(m, DropPath)] == pytest.approx(used)


@every_network
def test_it_is_stored_and_comes_back(name):
    network = reference(name)
    assert from_json(json.loads(json.dumps(to_json(network)))) == network


def test_no_two_are_one():
    keys = [key(reference(name), (3, 96, 96), 10) for name in NETWORKS]
    assert len(set(keys)) == len(NETWORKS)


SMALLEST = {
    "convnext_tiny": 32, "densenet121": 29, "googlenet": 15, "inception_v3": 75,
    "squeezenet1_1": 17, "vgg11_bn": 32,
}  # fmt: skip
"""The side of the smallest image; 1 where it isn't here."""


@every_network
def test_a_small_image_is_taken_or_refused_in_words(name):
    network, least = reference(name), SMALLEST.get(name, 1)
    assert cost(network, (1, least, least), 10).output_shape == (10,)
    if least > 1:
        with pytest.raises(ShapeError, match=r"needs at least .* pixels; the input is .*, after"):
            cost(network, (1, least - 1, least - 1), 10)


def test_small_grey_images_give_logits():
    network = build(reference("resnet18"), (1, 28, 28), 10)
    logits = network.eval()(torch.zeros(2, 1, 28, 28))
    assert logits.shape == (2, 10)
    assert torch.isfinite(logits).all()


@every_network
def test_the_size_of_the_image_changes_no_parameter(name):
    prices = [cost(reference(name), (3, side, side), 10) for side in (96, 160, 224)]
    assert len({price.params for price in prices}) == 1
    assert all(a.macs < b.macs for a, b in pairwise(prices))
