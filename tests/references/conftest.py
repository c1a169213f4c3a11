"""torchvision's own modules, and how their weights are carried over into ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.convnext import CNBlock

from optunas.architecture import Architecture
from optunas.nn import build

torch.set_num_threads(1)

NO_HEADS = {"aux_logits": False, "init_weights": False}
"""No auxiliary heads; and plain first weights, because those of the papers take long to draw."""


def torchvision_network(name: str, classes: int, device: str = "cpu") -> nn.Module:
    """Random weights, in evaluation mode."""
    options = NO_HEADS if name in ("googlenet", "inception_v3") else {}
    make = getattr(torchvision.models, name)
    if name.startswith("regnet"):  # computes its widths with torch: not on the meta device
        return make(weights=None, num_classes=classes, **options).eval().to(device)
    with torch.device(device):
        return make(weights=None, num_classes=classes, **options).eval()


@torch.no_grad()
def randomise(network: nn.Module, x: Tensor, seed: int = 0) -> nn.Module:
    """Random scales and shifts, and statistics that keep the images in sight to the end: near those
    of `x`, because with any others a deep network says the same to all images."""
    g = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.LayerNorm):
            module.weight.uniform_(0.5, 1.5, generator=g)
            module.bias.normal_(0, 0.1, generator=g)
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
        if isinstance(module, CNBlock):
            module.layer_scale.uniform_(0.5, 1.5, generator=g)
    network.train()(x)
    for module in network.eval().modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.add_(0.1 * torch.randn(module.num_features, generator=g))
            module.running_var.mul_(0.5 + torch.rand(module.num_features, generator=g))
    return network


class Call:
    """A layer's numbers at work: what it holds, what it saw, how many numbers came out."""

    def __init__(self, module: nn.Module, x: Tensor, output: Tensor) -> None:
        last = type(module) in (nn.Linear, nn.LayerNorm) and x.ndim == 4
        self.state = _own_state(module)
        self.input = (x.movedim(-1, 1) if last else x).detach().clone().flatten(1)
        self.given = output.numel()

    def fits(self, other: Call) -> bool:
        """Equal shapes of the numbers and equal inputs, whether pixels are rows or images."""
        mine, theirs = ([_shape(v) for v in c.state.values()] for c in (self, other))
        return (
            mine == theirs
            and self.given == other.given
            and self.input.shape == other.input.shape
            and torch.allclose(self.input, other.input, rtol=1e-3, atol=1e-4)
        )


def _shape(value: Tensor) -> tuple[int, ...]:
    """Without what has no size at the end: a 1x1 convolution is a matrix."""
    shape = list(value.shape)
    while shape and shape[-1] == 1:
        shape.pop()
    return tuple(shape)


def _own_state(module: nn.Module) -> dict[str, Tensor]:
    parameters = dict(module.named_parameters(recurse=False))
    return parameters | dict(module.named_buffers(recurse=False))


@torch.no_grad()
def calls(network: nn.Module, x: Tensor) -> tuple[list[Call], Tensor]:
    """Every use of numbers in the order of execution, and the output."""
    seen: list[Call] = []

    def used(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        seen.append(Call(module, inputs[0], output))

    def scaled(inner: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        seen.append(Call(blocks[inner], output, output))

    blocks = {m.block: m for m in network.modules() if isinstance(m, CNBlock)}
    hooks = [inner.register_forward_hook(scaled) for inner in blocks]
    for module in network.modules():
        if _own_state(module) and not isinstance(module, CNBlock):
            hooks.append(module.register_forward_hook(used))
    output = network(x)
    for hook in hooks:
        hook.remove()
    return seen, output


@torch.no_grad()
def carry_over(seen: list[Call], network: nn.Module, x: Tensor) -> Tensor:
    """Run our network, whose tensors have no memory yet; each layer takes, when its turn comes,
    the numbers of the first layer of theirs that has the same shapes and saw the same input.

    Every layer of theirs is used once, or this fails. -> our output
    """
    left = list(seen)

    def take(module: nn.Module, inputs: tuple[Tensor]) -> None:
        output = module.forward(inputs[0].to("meta"))  # has a shape and no numbers
        mine = Call(module, inputs[0], output)
        match = next((call for call in left if call.fits(mine)), None)
        assert match is not None, f"no layer of theirs does what {module} does"
        left.remove(match)
        module.load_state_dict(dict(_given(mine.state, match.state)), assign=True)

    hooks = [m.register_forward_pre_hook(take) for m in network.modules() if _own_state(m)]
    output = network(x)
    for hook in hooks:
        hook.remove()
    assert not left, f"{len(left)} of their layers do nothing in ours"
    return output


def _given(mine: dict[str, Tensor], theirs: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    for (name, old), new in zip(mine.items(), theirs.values(), strict=True):
        yield name, new.reshape(old.shape)


def both_outputs(
    theirs: nn.Module, architecture: Architecture, x: Tensor, classes: int
) -> tuple[Tensor, Tensor]:
    """(theirs, ours) on the same images with the same numbers, which are random."""
    seen, expected = calls(randomise(theirs, x), x)
    ours = build(architecture, tuple(x.shape[1:]), classes, device="meta").eval()
    return expected, carry_over(seen, ours, x)


@pytest.fixture(name="torchvision_network", scope="session")
def _torchvision_network() -> Callable[..., nn.Module]:
    return torchvision_network


@pytest.fixture(name="both_outputs", scope="session")
def _both_outputs() -> Callable[..., tuple[Tensor, Tensor]]:
    return both_outputs
