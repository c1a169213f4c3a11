"""The modules that torch lacks: branches that meet, a scale for each channel, stochastic depth.

Like torch's own, each module here and beside keeps what it was made with under the names of its
`__init__`: so a network can be written down as Python (`optunas.delivery.code`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional


class Parallel(nn.Module):
    """Branches that see the same input, joined by `sum`, `concat` or `multiply`."""

    def __init__(self, branches: Iterable[nn.Module], join: str) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.join = join

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W), (B, L, D) or (B, F) -> the joined outputs."""
        return JOIN[self.join]([branch(x) for branch in self.branches])

    def extra_repr(self) -> str:
        """The join, where torch prints the module."""
        return f"join={self.join!r}"


def _concat(outputs: list[Tensor]) -> Tensor:
    return torch.cat(outputs, dim=2 if outputs[0].ndim == 3 else 1)


def _sum(outputs: list[Tensor]) -> Tensor:
    return reduce(torch.add, outputs)


def _multiply(outputs: list[Tensor]) -> Tensor:
    return reduce(torch.mul, outputs)


JOIN: dict[str, Callable[[list[Tensor]], Tensor]] = {
    "concat": _concat,
    "multiply": _multiply,
    "sum": _sum,
}


class Scale(nn.Module):
    """A learned factor for each channel (LayerScale, Touvron et al. 2021)."""

    def __init__(self, channels: int, init: float, dimensions: int) -> None:
        super().__init__()
        self.channels, self.init, self.dimensions = channels, init, dimensions
        self.weight = nn.Parameter(torch.empty(channels, *(1,) * (dimensions - 1)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start every channel at `init`."""
        nn.init.constant_(self.weight, self.init)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W), (B, L, C) or (B, C) -> the same shape."""
        return x * self.weight


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each pixel (ConvNeXt, Liu et al. 2022)."""

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W) -> the same shape."""
        x = x.permute(0, 2, 3, 1)
        x = functional.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class TokenBatchNorm(nn.BatchNorm1d):
    """Batch normalisation of each feature, over all tokens."""

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, L, D) -> the same shape."""
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class TokenGroupNorm(nn.GroupNorm):
    """Group normalisation over groups of features and all tokens of a sample."""

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, L, D) -> the same shape."""
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class DropPath(nn.Module):
    """Drops a whole sample's branch with probability p (stochastic depth, Huang et al. 2016)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, ...) -> the same shape; what is kept is scaled so that the mean stays."""
        if not self.training:
            return x
        kept = x.new_empty(x.shape[0], *(1,) * (x.ndim - 1)).bernoulli_(1 - self.p)
        return x * kept.div_(1 - self.p)

    def extra_repr(self) -> str:
        """The probability, where torch prints the module."""
        return f"p={self.p}"
