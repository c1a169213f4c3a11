"""Attention against torch's and torchvision's own, and against a plain loop over windows."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.swin_transformer import ShiftedWindowAttention

from optunas.architecture import (
    Attention,
    ConvNorm,
    GlobalPool,
    Linear,
    PatchEmbed,
    Sequential,
    TransformerBlock,
    WindowAttention,
    WindowBlock,
    cost,
)
from optunas.nn import build

torch.set_num_threads(1)


@torch.no_grad()
def filled(network, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        parameter.normal_(0, 0.5, generator=generator)
    return network


def counted(network, shape):
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.empty(1, *shape, device="meta"))
    return sum(p.numel() for p in network.parameters()), counter.get_total_flops() // 2


@pytest.mark.parametrize("bias", [True, False])
def test_it_is_torchs_attention(bias):
    ours = filled(build(Attention(4, bias=bias), (7, 12)))
    theirs = nn.MultiheadAttention(12, 4, bias=bias, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(ours.qkv.weight)
        theirs.out_proj.weight.copy_(ours.out.weight)
        if bias:
            theirs.in_proj_bias.copy_(ours.qkv.bias)
            theirs.out_proj.bias.copy_(ours.out.bias)
    x = torch.randn(3, 7, 12)
    torch.testing.assert_close(ours(x), theirs(x, x, x)[0])
    with torch.device("meta"):
        theirs = nn.MultiheadAttention(12, 4, bias=bias, batch_first=True).train()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        x = torch.empty(1, 7, 12, device="meta")
        theirs(x, x, x, need_weights=False)
    price = cost(Attention(4, bias=bias), (7, 12))
    assert price.macs == counter.get_total_flops() // 2 == 4 * 7 * 12 * 12 + 2 * 7 * 7 * 12
    assert price.params == sum(p.numel() for p in theirs.parameters())


@pytest.mark.parametrize("layer", [Attention(3, 5), Attention(2, 8, 10, dropout=0.1), Attention(1)])
@pytest.mark.parametrize("shape", [(1, 6), (9, 6), (50, 30)])
def test_attention_costs_what_torch_counts(layer, shape):
    price = cost(layer, shape)
    for training in (True, False):
        meta = build(layer, shape, device="meta").train(training)
        assert (price.params, price.macs) == counted(meta, shape)


def test_dropout_is_for_training():
    x = torch.randn(2, 20, 8)
    for layer, shape in ((Attention(2, dropout=0.5), (20, 8)), (WindowAttention(2, 2), (8, 4, 5))):
        network = build(layer, shape)
        x = torch.randn(2, *shape)
        assert torch.equal(network.eval()(x), network(x))
    network = build(Attention(2, dropout=0.5), (20, 8)).train()
    x = torch.randn(2, 20, 8)
    assert not torch.equal(network(x), network(x))


WINDOWS = [
    ((8, 8, 8), 4, 0), ((8, 8, 8), 4, 2), ((6, 7, 10), 4, 2), ((6, 7, 10), (3, 5), (1, 2)),
    ((4, 3, 9), 4, 2), ((4, 9, 3), 4, (2, 1)), ((4, 3, 3), 7, 3), ((4, 1, 1), 7, 3),
    ((4, 8, 8), 4, (2, 0)), ((4, 8, 8), 4, (0, 3)), ((4, 9, 5), (1, 2), (0, 1)),
]  # fmt: skip
"""Exact, padded, covered on one side, covered on both."""


@pytest.mark.parametrize(("shape", "window", "shift"), WINDOWS)
def test_it_is_torchvisions_window_attention(shape, window, shift):
    layer = WindowAttention(2, window, shift)
    ours = filled(build(layer, shape))
    sizes = [list(v) if isinstance(v, tuple) else [v, v] for v in (window, shift)]
    theirs = ShiftedWindowAttention(shape[0], *sizes, 2)
    with torch.no_grad():
        theirs.relative_position_bias_table.copy_(ours.relative)
        theirs.qkv.load_state_dict(ours.qkv.state_dict())
        theirs.proj.load_state_dict(ours.out.state_dict())
    x = torch.randn(2, *shape)
    expected = theirs(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    torch.testing.assert_close(ours(x), expected, rtol=1e-4, atol=1e-5)
    with torch.device("meta"):
        meta = ShiftedWindowAttention(shape[0], *sizes, 2)
    price = cost(layer, shape)
    height_width_channels = (*shape[1:], shape[0])
    assert (price.params, price.macs) == counted(meta, height_width_channels)
    assert (price.params, price.macs) == counted(build(layer, shape, device="meta"), shape)


def test_one_window_over_the_image_sees_relative_positions():
    """Every pixel adds to what it likes in another the bias of where the other stands."""
    shape, heads = (4, 2, 3), 2
    network = filled(build(WindowAttention(heads, None, features=5), shape))
    assert network.relative.shape == (3 * 5, heads)
    x = torch.randn(1, *shape)
    pixels = x[0].flatten(1).T
    query, key, value = network.qkv(pixels).chunk(3, dim=1)
    taken = torch.zeros(6, 4)
    for head, part in ((0, slice(0, 2)), (1, slice(2, 4))):
        for here in range(6):
            scores = torch.empty(6)
            for there in range(6):
                down, across = here // 3 - there // 3, here % 3 - there % 3
                bias = network.relative[(down + 1) * 5 + across + 2, head]
                scores[there] = query[here, part] @ key[there, part] / 2**0.5 + bias
            taken[here, part] = scores.softmax(0) @ value[:, part]
    expected = network.out(taken).T.reshape(1, 5, 2, 3)
    torch.testing.assert_close(network(x), expected)


MIXED = Sequential(
    ConvNorm(8),
    WindowBlock(2, 4, 2, drop_path=0.1),
    WindowBlock(2, None, channels=12, halve=True),
    PatchEmbed(16, 2),
    TransformerBlock(4, dropout=0.1),
)


def test_layouts_of_memory_agree():
    network = build(Sequential(MIXED, Linear(3)), (3, 10, 9)).eval()
    x = torch.randn(2, 3, 10, 9)
    expected = network(x)
    last = network.to(memory_format=torch.channels_last)
    again = last(x.to(memory_format=torch.channels_last))
    torch.testing.assert_close(again, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_devices_agree():
    network = build(Sequential(MIXED, Linear(3)), (3, 10, 9)).eval()
    x = torch.randn(2, 3, 10, 9)
    expected = network(x)
    there = network.to("cuda", memory_format=torch.channels_last)
    again = there(x.to("cuda", memory_format=torch.channels_last)).cpu()
    torch.testing.assert_close(again, expected, rtol=1e-2, atol=1e-2)
    there.train()(x.cuda()).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in there.parameters())


def test_it_works_under_automatic_precision():
    network = build(Sequential(MIXED, Linear(3)), (3, 10, 9))
    x = torch.randn(2, 3, 10, 9)
    with torch.autocast("cpu", torch.bfloat16):
        output = network.train()(x)
    assert output.dtype == torch.bfloat16
    output.float().sum().backward()
    assert all(p.grad.isfinite().all() for p in network.parameters())


def test_first_weights_are_seeded_and_complete(monkeypatch):
    to_empty = nn.Module.to_empty

    def poisoned(network, *, device, recurse=True):
        network = to_empty(network, device=device, recurse=recurse)
        for tensor in [*network.parameters(), *network.buffers()]:
            tensor.data.fill_(torch.nan if tensor.is_floating_point() else 10**9)
        return network

    monkeypatch.setattr(nn.Module, "to_empty", poisoned)
    one, same, other = (build(MIXED, (3, 10, 9), seed=seed) for seed in (0, 0, 1))
    for name, tensor in [*one.named_parameters(), *one.named_buffers()]:
        assert tensor.isfinite().all(), name
    buffers = dict(one.named_buffers())
    assert any(name.endswith("near") and value.max() < 49 for name, value in buffers.items())
    state = one.state_dict()
    assert all(torch.equal(value, same.state_dict()[name]) for name, value in state.items())
    assert any(not torch.equal(value, other.state_dict()[name]) for name, value in state.items())


def test_the_networks_first_guess_is_a_guess():
    network = build(
        Sequential(MIXED.layers[0], WindowBlock(4, None), GlobalPool(), Linear()), (3, 8, 8), 10
    )
    loss = nn.functional.cross_entropy(network(torch.randn(40, 3, 8, 8)), torch.arange(40) % 10)
    assert abs(loss.item() - torch.tensor(10.0).log().item()) < 0.1
