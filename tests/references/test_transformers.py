"""ViT and Swin against torchvision's own modules."""

import json

import pytest
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.ops import StochasticDepth

from optunas.architecture import cost, from_json, to_json
from optunas.nn import build
from optunas.nn.modules import DropPath
from optunas.references.transformers import swin_t, vit_b_16

torch.set_num_threads(1)


def theirs(name, device="cpu", classes=1000, **options):
    with torch.device(device):
        return getattr(torchvision.models, name)(weights=None, num_classes=classes, **options)


@pytest.mark.parametrize(
    ("make", "shape", "options"),
    [
        (vit_b_16, (3, 224, 224), {}),
        (vit_b_16, (3, 64, 64), {"image_size": 64}),
        (swin_t, (3, 224, 224), {}),
        (swin_t, (3, 97, 130), {}),
        (swin_t, (3, 32, 32), {}),
    ],
)
def test_it_costs_what_torchvisions_costs(make, shape, options):
    """In training, so that no fused path hides a product of attention."""
    other = theirs(make.__name__, "meta", **options).train()
    ours = build(make(), shape, 1000, device="meta").train()
    price = cost(make(), shape, 1000)
    for network in (other, ours):
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            output = network(torch.empty(1, *shape, device="meta"))
        assert price.params == sum(p.numel() for p in network.parameters())
        assert price.macs == counter.get_total_flops() // 2
        assert price.output_shape == tuple(output.shape[1:]) == (1000,)


@torch.no_grad()
def with_its_numbers(make, shape, other):
    """Ours with the numbers of theirs, which torchvision does not always list as it uses them."""
    names = [name for name, _ in other.named_parameters()]
    for name in [name for name in names if name.endswith(("class_token", "reduction.weight"))]:
        place = names.index(name)  # the two numbers that come after it in the list are used before
        names.insert(place + 2, names.pop(place))
    ours = build(make(), shape, 10)
    for mine, name in zip(ours.parameters(), names, strict=True):
        its = other.get_parameter(name)
        mine.copy_(its.reshape(mine.shape))
    return ours.eval()


@torch.no_grad()
def randomised(network, std):
    """Every number matters: torchvision starts heads, biases and tokens with zeros."""
    generator = torch.Generator().manual_seed(0)
    for name, parameter in network.named_parameters():
        center = 1.0 if parameter.ndim == 1 and name.endswith("weight") else 0.0
        parameter.normal_(center, std, generator=generator)
    return network.eval()


@pytest.mark.parametrize(
    ("make", "shape", "options"),
    [
        (vit_b_16, (3, 64, 64), {"image_size": 64}),
        (swin_t, (3, 224, 224), {}),  # exact windows; one covers the last maps, without a shift
        (swin_t, (3, 97, 130), {}),  # filled up windows and odd maps to merge
        (swin_t, (3, 32, 32), {}),  # windows larger than the maps
    ],
)
def test_it_computes_what_torchvisions_computes(make, shape, options):
    torch.manual_seed(0)
    other = randomised(theirs(make.__name__, classes=10, **options), 0.05)
    ours = with_its_numbers(make, shape, other)
    x = torch.randn(1, *shape)
    with torch.no_grad():
        expected = other(x)
        assert expected.std() > 0.1
        torch.testing.assert_close(ours(x), expected, rtol=1e-3, atol=1e-4)


def test_it_drops_paths_as_torchvisions_does():
    wanted = [m.p for m in theirs("swin_t", "meta").modules() if isinstance(m, StochasticDepth)]
    network = build(swin_t(), (3, 64, 64), 10, device="meta")
    found = [m.p for m in network.modules() if isinstance(m, DropPath)]
    assert found == pytest.approx([p for p in wanted for _ in range(2) if p > 0])


@pytest.mark.parametrize("make", [vit_b_16, swin_t])
def test_it_is_stored_and_comes_back(make):
    network = make()
    assert from_json(json.loads(json.dumps(to_json(network)))) == network
    meta = build(network, (1, 28, 28), 10, device="meta")
    assert isinstance(meta, nn.Module)
    assert meta(torch.empty(2, 1, 28, 28, device="meta")).shape == (2, 10)
