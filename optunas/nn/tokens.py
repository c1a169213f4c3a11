"""Modules for sequences of tokens, (B, L, D)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from optunas.architecture import (
    ClassToken,
    Position,
    Shape,
    SpaceToDepth,
    ToImage,
    TokenPool,
    ToTokens,
)
from optunas.architecture.windows import pair
from optunas.nn.build import module


class TokenReader(nn.Module):
    """Reads an image as a sequence of pixels, rows or columns."""

    def __init__(self, by: str) -> None:
        super().__init__()
        self.by = by

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W) -> (B, L, D)."""
        if self.by == "pixel":
            return x.flatten(2).transpose(1, 2)
        side = 2 if self.by == "row" else 3
        return x.movedim(side, 1).flatten(2)

    def extra_repr(self) -> str:
        """What a token is, where torch prints the module."""
        return f"by={self.by!r}"


class ImageOfTokens(nn.Module):
    """Lays a sequence out as an image, row after row."""

    def __init__(self, height: int) -> None:
        super().__init__()
        self.height = height

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, L, D) -> (B, D, height, L / height)."""
        batch, length, width = x.shape
        return x.transpose(1, 2).reshape(batch, width, self.height, length // self.height)

    def extra_repr(self) -> str:
        """The height, where torch prints the module."""
        return f"height={self.height}"


class WithClassToken(nn.Module):
    """Puts a learned token before the others; zeros at first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.token = nn.Parameter(torch.empty(1, 1, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start with zeros."""
        nn.init.zeros_(self.token)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, L, D) -> (B, L + 1, D)."""
        return torch.cat([self.token.expand(x.shape[0], -1, -1).to(x.dtype), x], dim=1)


class LearnedPosition(nn.Module):
    """Adds a learned vector for each place."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.length, self.width = length, width
        self.place = nn.Parameter(torch.empty(1, length, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Normal with a standard deviation of 0.02, as in ViT."""
        nn.init.normal_(self.place, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, L, D) -> the same shape."""
        return x + self.place


class SinePosition(nn.Module):
    """Adds sines and cosines of the place, from a wave length of 2 pi to 10,000 times that."""

    place: Tensor

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.length, self.width = length, width
        self.register_buffer("place", torch.empty(1, length, width), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Write the waves: a feature pair for each frequency, sine first."""
        _, length, width = self.place.shape
        feature = torch.arange(width)
        frequency = torch.exp(-math.log(10_000) * (feature - feature % 2) / width)
        angle = torch.arange(length).unsqueeze(1) * frequency
        with torch.no_grad():
            self.place.copy_(torch.where(feature % 2 == 0, angle.sin(), angle.cos()))

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, L, D) -> the same shape."""
        return x + self.place


class PooledTokens(nn.Module):
    """One token for the whole sequence."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, L, D) -> (B, D)."""
        match self.kind:
            case "mean":
                return x.mean(1)
            case "max":
                return x.amax(1)
            case "first":
                return x[:, 0]
            case "last":
                return x[:, -1]
        half = x.shape[2] // 2
        return torch.cat([x[:, -1, :half], x[:, 0, half:]], dim=1)

    def extra_repr(self) -> str:
        """The kind, where torch prints the module."""
        return f"kind={self.kind!r}"


class DepthFromSpace(nn.Module):
    """Each block of pixels becomes one, its pixels' channels column by column."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W) -> (B, size² C, ceil(H / size), ceil(W / size))."""
        down, across = self.size
        x = functional.pad(x, (0, -x.shape[3] % across, 0, -x.shape[2] % down))
        pixels = [x[:, :, i::down, j::across] for j in range(across) for i in range(down)]
        return torch.cat(pixels, dim=1)

    def extra_repr(self) -> str:
        """The size, where torch prints the module."""
        return f"size={self.size}"


@module.register
def _(layer: ToTokens, shape: Shape) -> nn.Module:
    return TokenReader(layer.by)


@module.register
def _(layer: ToImage, shape: Shape) -> nn.Module:
    return ImageOfTokens(layer.height)


@module.register
def _(layer: ClassToken, shape: Shape) -> nn.Module:
    return WithClassToken(shape[1])


@module.register
def _(layer: Position, shape: Shape) -> nn.Module:
    return (LearnedPosition if layer.kind == "learned" else SinePosition)(*shape)


@module.register
def _(layer: TokenPool, shape: Shape) -> nn.Module:
    return PooledTokens(layer.kind)


@module.register
def _(layer: SpaceToDepth, shape: Shape) -> nn.Module:
    return DepthFromSpace(pair(layer.size))
