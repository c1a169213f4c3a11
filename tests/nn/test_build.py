"""Descriptions become networks: seeded weights, sane numbers, the same on every layout."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from optunas.architecture import (
    Activation,
    Block,
    Conv,
    ConvNorm,
    DropPath,
    Flatten,
    GlobalPool,
    Linear,
    Primitive,
    Residual,
    Scale,
    Sequential,
    cost,
    from_json,
    key,
    to_json,
)
from optunas.errors import OptunasError, ShapeError
from optunas.nn import build
from optunas.nn.build import module
from optunas.spaces import ConvNet, draw

torch.set_num_threads(1)
SHAPE, CLASSES = (3, 16, 16), 10
SMALL = ConvNet(widths=(16,), widenings=(1, 1.5))


def drawn(count, space=SMALL, seed=0):
    rng = np.random.default_rng(seed)
    return [draw(space.suggest, rng).architecture for _ in range(count)]


def numbers(network):
    return torch.cat([value.flatten().double() for value in network.state_dict().values()])


@pytest.fixture(name="garbage")
def _garbage(monkeypatch):
    """Memory that was not set holds NaN."""
    to_empty = nn.Module.to_empty

    def poisoned(network, *, device, recurse=True):
        network = to_empty(network, device=device, recurse=recurse)
        for tensor in [*network.parameters(), *network.buffers()]:
            tensor.data.fill_(math.nan if tensor.is_floating_point() else 10**9)
        return network

    monkeypatch.setattr(nn.Module, "to_empty", poisoned)


def test_the_same_seed_gives_the_same_weights():
    for network in drawn(8):
        one, same, other = (numbers(build(network, SHAPE, CLASSES, seed=s)) for s in (3, 3, 4))
        assert torch.equal(one, same)
        assert not torch.equal(one, other)


def test_other_random_numbers_are_left_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    weights = numbers(build(drawn(1)[0], SHAPE, CLASSES))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    assert torch.equal(numbers(build(drawn(1)[0], SHAPE, CLASSES)), weights)


@pytest.mark.usefixtures("garbage")
def test_every_number_is_set():
    every_op = ConvNet(widths=(16,), stages=(3,), depths=(3,), norms=("batch", "group", "layer"))
    for network in drawn(25, every_op):
        values = numbers(build(network, SHAPE, CLASSES))
        assert values.isfinite().all()
        assert values.abs().max() < 10


def test_on_the_meta_device_nothing_is_held():
    network = build(drawn(1)[0], SHAPE, CLASSES, device="meta")
    assert all(p.is_meta for p in [*network.parameters(), *network.buffers()])


def test_first_steps_are_sane():
    """The first loss is that of a guess; nothing explodes or dies, however deep."""
    spaces = (ConvNet(widths=(16, 24)), ConvNet(widths=(16,), stages=(4,), depths=(3,)))
    x = torch.randn(16, *SHAPE, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(16) % CLASSES
    for network in [*drawn(30, spaces[0]), *drawn(20, spaces[1], seed=1)]:
        model = build(network, SHAPE, CLASSES, seed=1)
        logits = model(x)
        assert logits.shape == (16, CLASSES)
        assert 1e-4 < logits.std() < 1
        loss = nn.functional.cross_entropy(logits, labels)
        assert abs(loss.item() - math.log(CLASSES)) < 0.35
        loss.backward()
        gradients = torch.cat([p.grad.flatten() for p in model.parameters()])
        assert gradients.isfinite().all()
        assert 1e-4 < gradients.norm() < 100


def test_a_network_that_ends_in_a_convolution_starts_as_a_guess_too():
    network = build(Sequential(ConvNorm(16), Conv(10, 1, bias=True), GlobalPool()), SHAPE)
    logits = network(torch.randn(64, *SHAPE))
    loss = nn.functional.cross_entropy(logits, torch.arange(64) % 10)
    assert abs(loss.item() - math.log(10)) < 0.1


def test_evaluation_gives_one_answer_and_layouts_agree():
    x = torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(0))
    for network in drawn(12, ConvNet(widths=(16,), heads=("fc", "flatten"))):
        model = build(network, SHAPE, CLASSES).eval()
        with torch.inference_mode():
            expected = model(x)
            assert torch.equal(model(x), expected)
            last = model.to(memory_format=torch.channels_last)
            again = last(x.to(memory_format=torch.channels_last))
        torch.testing.assert_close(again, expected, rtol=1e-3, atol=1e-5 + 1e-4 * expected.std())


def test_weights_can_be_carried_over():
    for network in drawn(5):
        trained, fresh = (build(network, SHAPE, CLASSES, seed=s) for s in (1, 2))
        fresh.load_state_dict(trained.state_dict())
        x = torch.randn(2, *SHAPE)
        assert torch.equal(fresh.eval()(x), trained.eval()(x))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match="say how many classes"):
        build(Sequential(GlobalPool(), Linear()), SHAPE)


def test_dropped_paths_keep_the_mean_and_drop_whole_samples():
    model = build(DropPath(0.25), (2, 3, 3))
    x = torch.ones(4000, 2, 3, 3)
    torch.manual_seed(0)
    kept = model.train()(x).flatten(1)
    assert kept.unique().tolist() == pytest.approx([0, 4 / 3])
    assert torch.equal(kept.min(1).values, kept.max(1).values)
    assert abs(kept.mean().item() - 1) < 0.03
    assert torch.equal(model.eval()(x), x)


def test_a_scale_starts_where_it_is_told():
    x = torch.randn(2, 3, 4, 4)
    assert torch.equal(build(Scale(0.5), (3, 4, 4))(x), x * 0.5)
    assert torch.equal(build(Scale(0.5), (3,))(x[:, :, 0, 0]), x[:, :, 0, 0] * 0.5)


@dataclass(frozen=True)
class Widening(Block):
    """A block of a person's own, with a shape-dependent meaning."""

    factor: int = 2

    def expand(self, shape):
        return Residual(Sequential(ConvNorm(shape[0] * self.factor), Activation("tanh")))


def test_an_own_block_works_everywhere():
    network = Sequential(Widening(), Widening(3), GlobalPool(), Linear())
    price = cost(network, SHAPE, CLASSES)
    model = build(network, SHAPE, CLASSES)
    assert sum(p.numel() for p in model.parameters()) == price.params
    assert model(torch.randn(2, *SHAPE)).shape == (2, CLASSES)
    assert from_json(to_json(network)) == network
    spelled = Sequential(Widening().expand((3, 16, 16)), Widening(3).expand((6, 16, 16)))
    assert key(Sequential(spelled, GlobalPool(), Linear()), SHAPE, 10) == key(network, SHAPE, 10)


@dataclass(frozen=True)
class Unknown(Primitive):
    """A primitive that no module is registered for."""


@dataclass(frozen=True)
class Bilinear(Primitive):
    """A primitive of a person's own."""

    features: int

    def output(self, shape):
        return (self.features,)

    def params(self, shape):
        return self.features * shape[0] ** 2 + self.features

    def macs(self, shape):
        return self.features * shape[0] ** 2


class Squared(nn.Module):
    """Its numbers come from torch's own first weights."""

    def __init__(self, width, features):
        super().__init__()
        self.inner = nn.Bilinear(width, width, features)

    def forward(self, x):
        return self.inner(x, x)


class Numbered(nn.Module):
    """A module that leaves its numbers to chance."""

    def __init__(self):
        super().__init__()
        self.register_buffer("number", torch.empty(3))


@dataclass(frozen=True)
class Chance(Primitive):
    """A primitive whose module can't be initialised."""


@pytest.fixture(name="registered")
def _registered():
    module.register(Bilinear, lambda layer, shape: Squared(shape[0], layer.features))
    module.register(Chance, lambda layer, shape: Numbered())


def test_a_primitive_without_a_module_is_explained():
    with pytest.raises(OptunasError, match="no module is known for Unknown: register one"):
        build(Sequential(Flatten(), Unknown()), SHAPE)


@pytest.mark.usefixtures("registered", "garbage")
def test_an_own_primitive_is_initialised_by_itself_and_seeded():
    network = Sequential(GlobalPool(), Bilinear(4))
    before = torch.get_rng_state()
    one, same, other = (build(network, SHAPE, seed=s) for s in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert numbers(one).isfinite().all()
    assert torch.equal(numbers(one), numbers(same))
    assert not torch.equal(numbers(one), numbers(other))
    assert cost(network, SHAPE).params == numbers(one).numel()


@pytest.mark.usefixtures("registered")
def test_a_module_whose_numbers_nobody_sets_is_refused():
    with pytest.raises(OptunasError, match="Numbered has numbers of its own and no reset_param"):
        build(Chance(), SHAPE)
