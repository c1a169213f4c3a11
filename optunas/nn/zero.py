"""Modules of layers that make zeros."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from optunas.architecture import Pad, Shape, Zero
from optunas.nn.build import module


class Zeros(nn.Module):
    """Zeros of one shape for each input of the batch."""

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, ...) -> zeros (B, *shape)."""
        return x.new_zeros((x.shape[0], *self.shape))

    def extra_repr(self) -> str:
        """The shape, where torch prints the module."""
        return f"shape={self.shape}"


class Padding(nn.Module):
    """Zeros around an image; negative amounts cut off."""

    def __init__(self, left: int, right: int, top: int, bottom: int) -> None:
        super().__init__()
        self.left, self.right, self.top, self.bottom = left, right, top, bottom
        self.amounts = [left, right, top, bottom]

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W) -> (B, C, H + top + bottom, W + left + right)."""
        return functional.pad(x, self.amounts)

    def extra_repr(self) -> str:
        """Left, right, top and bottom, where torch prints the module."""
        return f"amounts={self.amounts}"


@module.register
def _(layer: Zero, shape: Shape) -> nn.Module:
    return Zeros(layer.output(shape))


@module.register
def _(layer: Pad, shape: Shape) -> nn.Module:
    return Padding(layer.left, layer.right, layer.top, layer.bottom)
