"""A second, plain translation of descriptions to torch: no normal form, layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import pytest
import torch
from torch import Tensor, nn

from optunas import architecture as arch
from optunas.nn.modules import ChannelNorm, DropPath, Scale

torch.set_num_threads(1)

ACTIVATIONS = {
    "relu": nn.ReLU, "relu6": nn.ReLU6, "leaky_relu": nn.LeakyReLU, "elu": nn.ELU,
    "silu": nn.SiLU, "gelu": nn.GELU, "mish": nn.Mish, "hardswish": nn.Hardswish,
    "hardsigmoid": nn.Hardsigmoid, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh,
}  # fmt: skip


class Branches(nn.Module):
    def __init__(self, branches: list[nn.Module], join: str) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.join = join

    def forward(self, x: Tensor) -> Tensor:
        outputs = [branch(x) for branch in self.branches]
        if self.join == "concat":
            return torch.cat(outputs, 1)
        return reduce(torch.add if self.join == "sum" else torch.mul, outputs)


def plain(layer: arch.Layer, shape: tuple[int, ...], classes: int | None = None) -> nn.Module:
    """The network of a description, as one would write it by hand."""
    match layer:
        case arch.Sequential(layers=layers):
            network = nn.Sequential()
            for part in layers:
                network.append(plain(part, shape, classes))
                shape = arch.cost(part, shape, classes).output_shape
            return network
        case arch.Parallel(branches=branches, join=join):
            return Branches([plain(branch, shape, classes) for branch in branches], join)
        case arch.Residual(body=body):
            beside = layer.beside(shape, arch.cost(body, shape, classes).output_shape)
            return Branches([plain(body, shape, classes), plain(beside, shape, classes)], "sum")
        case arch.Block():
            return plain(layer.expand(shape), shape, classes)
        case arch.Linear(features=features, bias=bias):
            return nn.Linear(shape[0], features or classes or 0, bias)
        case arch.Conv(channels=c, kernel=k, stride=s, dilation=d, groups=g, bias=b):
            return nn.Conv2d(shape[0], c, k, s, layer.pad, d, g or shape[0], b)
        case arch.Pool(kind="max"):
            return nn.MaxPool2d(layer.kernel, layer.step, layer.padding, ceil_mode=layer.ceil)
        case arch.Pool(count_padding=counted):
            return nn.AvgPool2d(layer.kernel, layer.step, layer.padding, layer.ceil, counted)
        case arch.GlobalPool(kind=kind, keep=keep):
            pool = nn.AdaptiveAvgPool2d(1) if kind == "avg" else nn.AdaptiveMaxPool2d(1)
            return pool if keep else nn.Sequential(pool, nn.Flatten())
        case arch.Norm(kind="layer"):
            return (ChannelNorm if len(shape) == 3 else nn.LayerNorm)(shape[0], layer.epsilon)
        case arch.Norm(kind="batch"):
            return (nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d)(shape[0], layer.epsilon)
        case arch.Norm(groups=groups):
            numbers = [g for g in range(1, groups + 1) if shape[0] % g == 0]
            if shape[1:] in ((), (1, 1)):  # a group of one number would be normalised to nothing
                numbers = [g for g in numbers if g < shape[0]] or [1]
            return nn.GroupNorm(max(numbers), shape[0], layer.epsilon)
        case arch.Activation(kind=kind):
            return ACTIVATIONS[kind]()
        case arch.Dropout(p=p):
            return nn.Dropout(p)
        case arch.DropPath(p=p):
            return DropPath(p)
        case arch.Scale(init=init):
            return Scale(shape[0], init, len(shape))
        case arch.Flatten():
            return nn.Flatten()
        case arch.Identity():
            return nn.Identity()
    raise AssertionError(layer)


@torch.no_grad()
def filled(network: nn.Module) -> nn.Module:
    """Give each parameter numbers that follow from its size: where it stands does not matter."""
    for parameter in network.parameters():
        numbers = torch.arange(parameter.numel(), dtype=torch.float64) * 1.7 + parameter.ndim
        parameter.copy_(numbers.sin().reshape(parameter.shape))
    return network.eval()


@pytest.fixture(name="plain", scope="session")
def _plain() -> Callable[..., nn.Module]:
    return plain


@pytest.fixture(name="filled", scope="session")
def _filled() -> Callable[[nn.Module], nn.Module]:
    return filled
