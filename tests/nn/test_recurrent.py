"""Recurrence against torch's own layers and against products counted by hand."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from optunas.architecture import Flatten, Linear, Recurrent, Sequential, TokenPool, cost
from optunas.nn import build

torch.set_num_threads(1)
TORCH = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}

every_kind = pytest.mark.parametrize("kind", TORCH)
both_ways = pytest.mark.parametrize("bidirectional", [False, True])


@every_kind
@both_ways
def test_it_is_torchs_layer(kind, bidirectional):
    ours = build(Recurrent(6, kind, bidirectional), (5, 4), seed=1)
    theirs = TORCH[kind](4, 6, batch_first=True, bidirectional=bidirectional)
    theirs.load_state_dict({k.removeprefix("layer."): v for k, v in ours.state_dict().items()})
    x = torch.randn(3, 5, 4)
    torch.testing.assert_close(ours(x), theirs(x)[0])
    price = cost(Recurrent(6, kind, bidirectional), (5, 4))
    assert price.params == sum(p.numel() for p in theirs.parameters())


@every_kind
@both_ways
@pytest.mark.parametrize(("length", "width", "features"), [(1, 3, 4), (7, 8, 12), (20, 5, 1)])
def test_macs_are_the_matrix_products(kind, bidirectional, length, width, features):
    """Step by step: each gate multiplies a column of inputs, and one of states, by its matrix."""
    by_hand = 0
    for _direction in range(2 if bidirectional else 1):
        for _step in range(length):
            for _gate in range({"lstm": 4, "gru": 3, "rnn": 1}[kind]):
                by_hand += features * width + features * features
    layer = Recurrent(features, kind, bidirectional)
    assert cost(layer, (length, width)).macs == by_hand
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        build(layer, (length, width), device="meta")(torch.empty(1, length, width, device="meta"))
    assert counter.get_total_flops() // 2 == by_hand


@every_kind
def test_pooled_ends_are_the_final_states(kind):
    network = build(Recurrent(6, kind, bidirectional=True), (5, 4))
    x = torch.randn(3, 5, 4)
    states = network.layer(x)[1]
    final = states[0] if kind == "lstm" else states
    ends = build(TokenPool("ends"), (5, 12))(network(x))
    torch.testing.assert_close(ends, torch.cat([final[0], final[1]], dim=1))
    forwards = build(Recurrent(6, kind), (5, 4))
    states = forwards.layer(x)[1]
    final = states[0] if kind == "lstm" else states
    torch.testing.assert_close(build(TokenPool("last"), (5, 6))(forwards(x)), final[0])


def test_first_weights():
    one, same, other = (
        build(Recurrent(64, bidirectional=True), (9, 100), seed=s) for s in (0, 0, 1)
    )
    for name, parameter in one.layer.named_parameters():
        if name.startswith("weight"):
            assert parameter.std().item() == pytest.approx(parameter.shape[1] ** -0.5, rel=0.05)
        else:
            forget = parameter.reshape(4, 64)[1]
            assert torch.all(forget == (1 if name.startswith("bias_ih") else 0))
            assert parameter.sum() == forget.sum()
        assert torch.equal(parameter, same.get_parameter(f"layer.{name}"))
    assert not torch.equal(one.layer.weight_hh_l0, other.layer.weight_hh_l0)


def test_a_stack_learns_to_tell_the_first_token():
    """Gradients reach the first step through two layers."""
    network = build(
        Sequential(Recurrent(24), Recurrent(24, "gru"), TokenPool("last"), Flatten(), Linear()),
        (10, 4),
        4,
    )
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(256, 10, 4, generator=generator)
    labels = x[:, 0].argmax(1)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x), labels).backward()
        optimizer.step()
    assert (network(x).argmax(1) == labels).float().mean() > 0.9


@every_kind
@pytest.mark.parametrize("training", [True, False])
def test_it_works_under_automatic_precision(kind, training):
    network = build(Sequential(Linear(4), Recurrent(6, kind), Linear(3)), (5, 4)).train(training)
    with torch.autocast("cpu", torch.bfloat16):
        output = network(torch.randn(2, 5, 4))
    output.float().sum().backward()
    assert all(p.grad.isfinite().all() for p in network.parameters())


def test_it_is_exported_for_any_batch():
    network = build(Sequential(Recurrent(6), TokenPool("last"), Linear(3)), (5, 4)).eval()
    batch = {0: torch.export.Dim("batch", min=1, max=64)}
    with torch.no_grad():
        program = torch.export.export(network, (torch.randn(4, 5, 4),), dynamic_shapes=(batch,))
        x = torch.randn(7, 5, 4)
        torch.testing.assert_close(program.module()(x), network(x))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@every_kind
@both_ways
def test_devices_agree(kind, bidirectional):
    network = build(Recurrent(6, kind, bidirectional), (5, 4))
    x = torch.randn(3, 5, 4)
    expected = network(x)
    torch.testing.assert_close(network.cuda()(x.cuda()).cpu(), expected, rtol=1e-2, atol=1e-2)
