"""Each proxy against an independent, plain computation; what `score` leaves alone and can't say."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from optunas.architecture import Attention, Linear, Sequential, TokenPool, ToTokens, cost
from optunas.errors import DataError, StudyError
from optunas.nn import SelfAttention, build
from optunas.nn.build import _ACTIVATION
from optunas.proxies import PROXIES, score
from optunas.spaces import ConvNet, MobileNet, NASBench201, RecurrentNet, VisionTransformer, draw

BATCH, CLASSES = 12, 10


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def batch(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    made = torch.Generator().manual_seed(seed)
    images = torch.randn(BATCH, *(shape or (3, 8, 8)), generator=made)
    return images, torch.arange(BATCH) % CLASSES


def convolutional(
    activation: Callable[[], nn.Module] = nn.ReLU, *, norm: bool = True, bias: bool = True
) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, bias=bias),
        *([nn.BatchNorm2d(4)] if norm else []),
        activation(),
        nn.Conv2d(4, 6, 3, stride=2, bias=bias),
        activation(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, CLASSES, bias=bias),
    )


def one(name: str, network: nn.Module, *given: Tensor, **more: Any) -> float:
    (answer,) = score([name], network, *(given or batch()), **more).values()
    return answer


def codes(network: nn.Sequential, images: Tensor) -> list[list[bool]]:
    """For each image, which units are on: read off layer by layer, in a network of ReLUs."""
    rows: list[list[bool]] = [[] for _ in images]
    x = images
    with torch.no_grad():
        for layer in network:
            if isinstance(layer, nn.BatchNorm2d):  # by the batch's own statistics
                mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
                x = (x - mean[:, None, None]) / (var[:, None, None] + layer.eps).sqrt()
                continue
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                for row, values in zip(rows, x, strict=True):
                    row += (values.flatten() > 0).tolist()
    return rows


class Functional(nn.Module):
    """The network of `convolutional()` with functions instead of modules."""

    def __init__(self, inner: nn.Sequential, activate: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.inner, self.activate = inner, activate

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.inner:
            x = self.activate(x) if isinstance(layer, nn.ReLU) else layer(x)
        return x


# SWAP and NASWOT


def test_swap_by_hand() -> None:
    """Three units see two images with two pixels each: on for (both, the first, both)."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    with torch.no_grad():
        network[1].weight.copy_(torch.tensor([[1.0, 1.0], [1.0, -1.0], [2.0, 0.5]]))
        network[1].bias.zero_()
    images = torch.tensor([[[[2.0, 1.0]]], [[[1.0, 2.0]]]])
    assert one("swap", network, images, torch.tensor([0, 1])) == 2


def test_swap_counts_the_different_patterns_of_units() -> None:
    network, (images, labels) = convolutional(), batch()
    units = zip(*codes(network, images), strict=True)
    assert one("swap", network, images, labels) == len(set(units)) > 20


def test_swap_takes_twelve_images_of_64_pixels() -> None:
    images = torch.randn(23, 3, 8, 8)
    spread = images[[0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22]]
    assert one("swap", convolutional(), images, torch.arange(23)) == len(
        set(zip(*codes(convolutional(), spread), strict=True))
    )


def test_swap_is_regularised_by_parameters() -> None:
    network = convolutional()
    size = sum(parameter.numel() for parameter in network.parameters())
    for mu, sigma in ((size, 1), (size + 50, 100.0), (3 * size, size)):
        paper = one("swap", network) * math.exp(-(((size - mu) / sigma) ** 2))
        found = one(f"swap(mu={mu}, sigma={sigma})", network)
        assert found == pytest.approx(math.log(paper), rel=1e-9)
    linear = convolutional(nn.Identity)
    assert math.isnan(one("swap(mu=1, sigma=1)", linear))
    assert math.isfinite(one("swap(mu=1, sigma=1)", network))  # exp(-300,000) is 0 in float64


def test_naswot_is_the_log_determinant_of_agreement() -> None:
    network, (images, labels) = convolutional(), batch()
    rows = codes(network, images)
    kernel = [[sum(a == b for a, b in zip(p, q, strict=True)) for q in rows] for p in rows]
    sign, expected = np.linalg.slogdet(np.array(kernel, dtype=np.float64) + np.eye(BATCH))
    assert sign == 1
    assert one("naswot", network, images, labels) == pytest.approx(expected, rel=1e-10)


def test_the_one_on_the_diagonal_changes_nothing_where_there_are_many_units() -> None:
    network = build(NASBench201(repeats=1).architecture(["nor_conv_3x3"] * 6), (3, 16, 16), 10)
    images, labels = batch(3, 16, 16)
    rows: list[Tensor] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        rows.append(inputs[0].flatten(1) > 0)

    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_pre_hook(note)
    with torch.no_grad():
        network.train()(images)
    on = torch.cat(rows, 1).double().numpy()
    published = np.linalg.slogdet(on @ on.T + (1 - on) @ (1 - on).T)[1]
    assert one("naswot", network, images, labels) == pytest.approx(published, rel=1e-4)


def test_images_that_look_the_same_score_low_and_finite() -> None:
    images, labels = batch()
    twins = torch.cat([images[:6], images[:6]])
    low, high = (one("naswot", convolutional(), x, labels) for x in (twins, images))
    assert math.isfinite(low)
    assert low < high - 5


@pytest.mark.parametrize("name", ["swap", "naswot"])
@pytest.mark.parametrize(
    "network",
    [
        convolutional(lambda: nn.ReLU(inplace=True)),
        Functional(convolutional(), functional.relu),
        Functional(convolutional(), functional.relu_),
        Functional(convolutional(), lambda x: torch.relu_(x)),
        Functional(convolutional(), lambda x: x.relu_()),
        Functional(convolutional(), lambda x: functional.relu(input=x, inplace=True)),
    ],
    ids=["inplace", "relu", "relu_", "torch.relu_", "method", "keyword"],
)
def test_how_an_activation_is_written_makes_no_difference(name: str, network: nn.Module) -> None:
    assert one(name, network) == one(name, convolutional())


NOT_ELEMENTWISE = {
    "LogSoftmax", "MultiheadAttention", "Softmax", "Softmax2d", "Softmin",
}  # fmt: skip
SMALLER = {"GLU"}  # gives half of what it gets
MODULES = sorted(set(torch.nn.modules.activation.__all__) - NOT_ELEMENTWISE - SMALLER)


@pytest.mark.parametrize("kind", MODULES)
def test_every_activation_of_torch_has_a_pattern(kind: str) -> None:
    """That of its input, which is the same for the first activation of a network."""
    settings = {"Threshold": (0.0, 0.0)}.get(kind, ())

    def network(made: Callable[[], nn.Module]) -> nn.Module:
        return nn.Sequential(*convolutional(made)[:3])

    assert one("swap", network(lambda: getattr(nn, kind)(*settings))) == one(
        "swap", network(nn.ReLU)
    )


def test_every_activation_of_our_language_is_among_them() -> None:
    assert {activation.__name__ for activation in _ACTIVATION.values()} <= set(MODULES)


# synflow and the gradient's norm


def test_synflow_of_a_chain_by_hand() -> None:
    """Without biases each of L layers has the flow 1' |W_L| ... |W_1| 1 through it."""
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(4, 5, bias=False), nn.ReLU(), nn.Linear(5, 3, bias=False)
    )
    first, last = (network[place].weight.double().abs() for place in (1, 3))
    flow = last @ first @ torch.ones(4).double()
    found = one("synflow", network, torch.randn(2, 1, 2, 2), torch.tensor([0, 1]))
    assert found == pytest.approx(math.log(2 * flow.sum().item()), rel=1e-12)


def test_synflow_is_the_sum_of_weight_times_gradient() -> None:
    network = convolutional(norm=False)
    plain = convolutional(norm=False).double()
    for parameter in plain.parameters():
        parameter.data = parameter.data.abs()
    plain(torch.ones(1, 3, 8, 8).double()).sum().backward()
    layers = [layer for layer in plain if isinstance(layer, nn.Conv2d | nn.Linear)]
    flow = sum((layer.weight * layer.weight.grad).sum().item() for layer in layers)  # type: ignore[operator]
    assert one("synflow", network) == pytest.approx(math.log(flow), rel=1e-12)


@pytest.mark.parametrize(
    "norm", [nn.BatchNorm2d(4), nn.GroupNorm(2, 4), nn.InstanceNorm2d(4), nn.LayerNorm((4, 8, 8))]
)
def test_synflow_passes_normalisation_over(norm: nn.Module) -> None:
    without, norms = convolutional(norm=False), convolutional()
    norms[1] = norm
    norms[0], norms[3], norms[7] = without[0], without[2], without[6]
    assert one("synflow", norms) == one("synflow", without)


def test_an_activation_in_place_does_not_write_into_what_normalisation_got() -> None:
    class Preactivated(nn.Module):
        def __init__(self, inplace: bool) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.first, self.last = nn.Conv2d(3, 4, 3), nn.Conv2d(4, CLASSES, 6)
            self.norm, self.act = nn.BatchNorm2d(4), nn.SiLU(inplace=inplace)

        def forward(self, x: Tensor) -> Tensor:
            x = self.first(x)
            return self.last(x + self.act(self.norm(x))).flatten(1)

    assert one("synflow", Preactivated(True)) == one("synflow", Preactivated(False))


def test_a_network_through_which_nothing_flows_is_the_worst() -> None:
    cut = build(NASBench201(repeats=1).architecture(["none"] * 6), (3, 8, 8), 10)
    found = one("synflow", cut)
    assert math.isfinite(found)
    assert found < -700


def test_attention_flows_through_its_values() -> None:
    """Of one token the average is the value itself: a chain of the values' matrix and the last."""
    network = build(Sequential(ToTokens(), Attention(2), TokenPool(), Linear(3)), (4, 1, 1))
    attention = next(m for m in network.modules() if isinstance(m, SelfAttention))
    bias = attention.qkv.bias, attention.out.bias, network[-1].bias
    with torch.no_grad():
        for one_of_them in bias:
            one_of_them.zero_()
    layers = attention.qkv, attention.out, network[-1]
    qkv, out, last = (layer.weight.detach().abs().double() for layer in layers)
    flow = last @ out @ qkv[-4:] @ torch.ones(4).double()
    found = one("synflow", network, torch.randn(2, 4, 1, 1), torch.tensor([0, 1]))
    assert found == pytest.approx(math.log(3 * flow.sum().item()), rel=1e-12)


def test_grad_norm_is_the_sum_of_the_layers_norms() -> None:
    network, (images, labels) = convolutional(), batch()
    plain = convolutional().train()
    functional.cross_entropy(plain(images), labels).backward()
    layers = [layer for layer in plain if isinstance(layer, nn.Conv2d | nn.Linear)]
    norms = sum(layer.weight.grad.norm().item() for layer in layers)  # type: ignore[union-attr]
    assert one("grad_norm", network, images, labels) == pytest.approx(norms, rel=1e-6)


def test_recurrent_layers_are_scored_by_their_own_weights() -> None:
    """torch keeps a second list of them, which a copy must bring along."""

    class Rows(nn.Module):
        def __init__(self, scale: float) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.layer, self.out = nn.LSTM(8, 6, batch_first=True), nn.Linear(6, CLASSES)
            with torch.no_grad():
                self.layer.weight_ih_l0.mul_(scale)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(self.layer(x[:, 0])[0][:, -1])

    for name in ("synflow", "grad_norm"):
        small, large = (one(name, Rows(scale), *batch(1, 8, 8)) for scale in (1, 3))
        assert math.isfinite(small)
        assert small != large
    assert math.isnan(one("swap", Rows(1), *batch(1, 8, 8)))  # its gates lie inside torch


# sizes


def test_parameters_and_macs_are_those_of_the_description() -> None:
    architecture = draw(ConvNet().suggest, np.random.default_rng(0)).architecture
    price = cost(architecture, (3, 16, 16), CLASSES)
    found = score(("params", "macs"), build(architecture, (3, 16, 16), CLASSES), *batch(3, 16, 16))
    assert found == {"params": price.params, "macs": price.macs}


# what is left alone


def test_the_network_and_the_random_state_are_left_as_found() -> None:
    network, (images, labels) = convolutional(), batch()
    network(images)  # running statistics that are not the first ones
    functional.cross_entropy(network(images), labels).backward()
    network.eval()
    network[2].train()
    network[0].weight.requires_grad_(False)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    gradients = [None if p.grad is None else p.grad.clone() for p in network.parameters()]
    modes = [module.training for module in network.modules()]
    learned = [p.requires_grad for p in network.parameters()]
    random = torch.get_rng_state()
    score(PROXIES, network, images, labels, seed=3)
    assert torch.equal(torch.get_rng_state(), random)
    assert [module.training for module in network.modules()] == modes
    assert [p.requires_grad for p in network.parameters()] == learned
    for name, value in network.state_dict().items():
        assert torch.equal(value, state[name]), name
        assert value.dtype == state[name].dtype
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        assert parameter.grad is not None
        assert gradient is not None
        assert torch.equal(parameter.grad, gradient)
    assert not any(module._forward_hooks for module in network.modules())


def test_the_images_are_left_as_found() -> None:
    images, labels = batch()
    before = images.clone()
    writes = Functional(nn.Sequential(nn.ReLU(), *convolutional()), torch.relu_)
    assert not any(map(math.isnan, score(PROXIES, writes, images, labels).values()))
    assert torch.equal(images, before)


def test_the_state_it_is_in_and_what_else_is_asked_make_no_difference() -> None:
    network, given = convolutional(), batch()
    together = score(PROXIES, network, *given)
    network.eval().requires_grad_(False)
    with torch.no_grad():
        apart = {name: one(name, network, *given) for name in reversed(PROXIES)}
    assert together == apart
    assert list(together) == list(PROXIES)


def test_a_default_device_without_memory_makes_no_difference() -> None:
    """A sampler is asked while a space's network is written on the meta device."""
    network, given = convolutional(), batch()
    expected = score(PROXIES, network, *given)
    with torch.device("meta"):
        assert score(PROXIES, network, *given) == expected


def test_dropout_is_no_noise_and_other_noise_is_seeded() -> None:
    dropped = nn.Sequential(nn.Dropout(0.5), *convolutional())
    assert score(PROXIES[:4], dropped, *batch()) == score(PROXIES[:4], convolutional(), *batch())

    class Noisy(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x + torch.randn_like(x))

    noisy = Noisy(*convolutional())
    first, again, other = (one("naswot", noisy, *batch(), seed=seed) for seed in (1, 1, 2))
    assert first == again != other


# what can't be said


def test_without_an_activation_patterns_say_nothing() -> None:
    found = score(PROXIES, convolutional(nn.Identity), *batch())
    assert [name for name, value in found.items() if math.isnan(value)] == ["swap", "naswot"]


def test_code_that_fails_says_nothing() -> None:
    class Broken(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("not today")

    assert all(map(math.isnan, score(PROXIES, Broken(), *batch()).values()))


def test_a_network_that_insists_on_its_precision_has_no_synflow() -> None:
    class Single(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.float())

    found = score(PROXIES, Single(*convolutional()), *batch())
    assert [name for name, value in found.items() if math.isnan(value)] == ["synflow"]


def test_what_is_beyond_numbers_says_nothing() -> None:
    network = nn.Sequential(nn.Flatten(), *(nn.Linear(192, 192, bias=False) for _ in range(3)))
    for layer in network[1:]:
        nn.init.constant_(layer.double().weight, 1e120)  # type: ignore[arg-type]
    assert math.isnan(one("synflow", network))


@pytest.mark.parametrize(
    "space", [ConvNet(), MobileNet(resolutions=(64,)), VisionTransformer(), NASBench201()]
)
def test_networks_of_our_spaces_are_scored_by_all(space: Any) -> None:
    drawn = draw(space.suggest, np.random.default_rng(1)).architecture
    found = score(PROXIES, build(drawn, (3, 16, 16), 10), *batch(3, 16, 16))
    assert all(map(math.isfinite, found.values())), found


def test_recurrent_networks_are_scored_by_some() -> None:
    drawn = draw(RecurrentNet().suggest, np.random.default_rng(0)).architecture
    found = score(PROXIES, build(drawn, (3, 16, 16), 10), *batch(3, 16, 16))
    assert all(math.isfinite(found[name]) for name in PROXIES[2:])


# bad input


@pytest.mark.parametrize(
    ("names", "change", "error", "message"),
    [
        (
            ["swop"],
            lambda x, y: (x, y),
            StudyError,
            "no proxy is called 'swop'. Did you mean 'swap'",
        ),
        (["swap"], lambda x, y: (x[0], y), DataError, r"float \(B, C, H, W\).*float32 \(3, 8, 8\)"),
        (["swap"], lambda x, y: (x[:1], y[:1]), DataError, "two images or more"),
        (["swap"], lambda x, y: (x.byte(), y), DataError, "normalised; got torch.uint8"),
        (["swap"], lambda x, y: (x, y[:5]), DataError, r"each of 12 images .*int64 \(5,\)"),
        (["swap"], lambda x, y: (x, y.float()), DataError, "one label.*float32"),
    ],
)
def test_what_is_refused(
    names: list[str], change: Callable[..., Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        score(names, convolutional(), *change(*batch()))


def test_one_name_may_stand_alone() -> None:
    assert score("params", convolutional(), *batch()) == {
        "params": sum(p.numel() for p in convolutional().parameters())
    }


def test_pairs_of_proxies_are_asked_in_any_order() -> None:
    for pair in itertools.permutations(("synflow", "swap")):
        assert score(pair, convolutional(), *batch()) == {n: one(n, convolutional()) for n in pair}


def test_an_encoder_of_torch_is_seen_into() -> None:
    """Its fast path for evaluation would compute the activation inside one call."""

    class Encoded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
            self.out = nn.Linear(8, CLASSES)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(self.layer(x[:, 0]).mean(1))

    found = score(PROXIES, Encoded(), *batch(1, 8, 8))
    assert 1 < found["swap"] <= 8 * 16
    assert all(map(math.isfinite, found.values()))
