"""Self-attention over a sequence, and in the windows of an image."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from optunas.architecture import Attention, Shape, WindowAttention
from optunas.architecture.attention import head_width
from optunas.architecture.windows import pair
from optunas.nn.build import module

UNSEEN = -100.0
"""Added before the softmax between pixels that aren't neighbours; exp(-100) is nothing."""


class SelfAttention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017)."""

    def __init__(
        self, width: int, heads: int, head_width: int, features: int, bias: bool, dropout: float
    ) -> None:
        super().__init__()
        self.width, self.heads, self.head_width, self.features = width, heads, head_width, features
        self.bias, self.dropout = bias, dropout
        inner = heads * head_width
        self.qkv = nn.Linear(width, 3 * inner, bias)
        self.out = nn.Linear(inner, features, bias)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, L, D) -> (B, L, features)."""
        taken = self.attend(*self.projected(x)).transpose(1, 2).flatten(2)
        output: Tensor = self.out(taken)
        return output

    def projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x: (B, L, D) -> queries, keys and values, each (B, heads, L, head width)."""
        three: Tensor = self.qkv(x)
        query, key, value = three.reshape(*x.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        return query, key, value

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """What each token takes from the others, (B, heads, L, head width)."""
        dropout = self.dropout if self.training else 0.0
        return functional.scaled_dot_product_attention(query, key, value, dropout_p=dropout)

    def extra_repr(self) -> str:
        """The heads, where torch prints the module."""
        dropout = f", dropout={self.dropout}" if self.dropout else ""
        return f"heads={self.heads}{dropout}"


class WindowSelfAttention(SelfAttention):
    """Attention in windows, with a bias for each relative position (Swin, Liu et al. 2021).

    `near` says for each pair of pixels of a window which entry of the table of biases is theirs;
    `mask` for each window which pairs came together only by the shift around the edges.
    """

    near: Tensor
    mask: Tensor | None

    def __init__(
        self,
        shape: Shape,
        window: tuple[int, int],
        shift: tuple[int, int],
        heads: int,
        head_width: int,
        features: int,
        bias: bool,
        dropout: float,
    ) -> None:
        super().__init__(shape[0], heads, head_width, features, bias, dropout)
        self.shape, self.window, self.shift = shape, window, shift
        self.grid = (-(-shape[1] // window[0]), -(-shape[2] // window[1]))
        seen, count = window[0] * window[1], self.grid[0] * self.grid[1]
        biases = (2 * window[0] - 1) * (2 * window[1] - 1)
        self.relative = nn.Parameter(torch.empty(biases, heads))
        self.register_buffer("near", torch.empty(seen, seen, dtype=torch.long), persistent=False)
        mask = torch.empty(count, 1, seen, seen) if any(shift) else None
        self.register_buffer("mask", mask, persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Biases: normal, cut at two, with a standard deviation of 0.02; indices from the shape."""
        nn.init.trunc_normal_(self.relative, std=0.02)
        (down, across), device = self.window, self.near.device
        row = torch.arange(down, device=device).repeat_interleave(across)
        column = torch.arange(across, device=device).repeat(down)
        rows = row.unsqueeze(1) - row + down - 1
        columns = column.unsqueeze(1) - column + across - 1
        self.near.copy_(rows * (2 * across - 1) + columns)
        if self.mask is not None:
            part = self._windows(self._parts().to(device)[None, :, :, None]).squeeze(2)
            apart = part.unsqueeze(1) != part.unsqueeze(2)
            self.mask.copy_(torch.where(apart, UNSEEN, 0.0).unsqueeze(1))

    def _parts(self) -> Tensor:
        """(H, W): pixels that the shift brings together from two edges have other numbers."""
        parts = torch.zeros(())
        for side, factor in ((0, 2), (1, 1)):
            place = torch.arange(self.grid[side] * self.window[side])
            wrapped = (place >= len(place) - self.shift[side]).float() * factor
            parts = parts + (wrapped.unsqueeze(1) if side == 0 else wrapped)
        return parts

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W) -> (B, features, H, W)."""
        _, _, height, width = x.shape
        down, across = (n * size for n, size in zip(self.grid, self.window, strict=True))
        x = functional.pad(x.permute(0, 2, 3, 1), (0, 0, 0, across - width, 0, down - height))
        x = x.roll((-self.shift[0], -self.shift[1]), (1, 2)) if any(self.shift) else x
        x = self._pixels(super().forward(self._windows(x)))
        x = x.roll(self.shift, (1, 2)) if any(self.shift) else x
        return x[:, :height, :width].permute(0, 3, 1, 2)

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """What each pixel takes from its window, (windows, heads, pixels, head width)."""
        weights = (query * query.shape[-1] ** -0.5) @ key.transpose(2, 3)
        weights = weights + self.relative[self.near].permute(2, 0, 1)
        if self.mask is not None:
            windows = weights.unflatten(0, (-1, self.mask.shape[0])) + self.mask
            weights = windows.flatten(0, 1)
        weights = functional.dropout(weights.softmax(-1), self.dropout, self.training)
        return weights @ value

    def _windows(self, x: Tensor) -> Tensor:
        """(B, H, W, C) -> (B * windows, pixels of one, C)."""
        (rows, columns), (down, across) = self.grid, self.window
        x = x.reshape(-1, rows, down, columns, across, x.shape[3]).transpose(2, 3)
        return x.reshape(-1, down * across, x.shape[5])

    def _pixels(self, x: Tensor) -> Tensor:
        """(B * windows, pixels of one, C) -> (B, H, W, C)."""
        (rows, columns), (down, across) = self.grid, self.window
        x = x.reshape(-1, rows, columns, down, across, x.shape[2]).transpose(2, 3)
        return x.reshape(-1, rows * down, columns * across, x.shape[5])

    def extra_repr(self) -> str:
        """Heads, window and shift, where torch prints the module."""
        return f"{super().extra_repr()}, window={self.window}, shift={self.shift}"


@module.register
def _(layer: Attention, shape: Shape) -> nn.Module:
    width = shape[1]
    each, features = head_width(layer, width), layer.features or width
    return SelfAttention(width, layer.heads, each, features, layer.bias, layer.dropout)


@module.register
def _(layer: WindowAttention, shape: Shape) -> nn.Module:
    return WindowSelfAttention(
        shape,
        layer.size(shape),
        pair(layer.shift),
        layer.heads,
        head_width(layer, shape[0]),
        layer.features or shape[0],
        layer.bias,
        layer.dropout,
    )
