"""The modules of `Slice`, `Shuffle` and `AdaptivePool`."""

from __future__ import annotations

from torch import Tensor, nn

from optunas import architecture as described
from optunas.architecture import Shape
from optunas.architecture.windows import pair
from optunas.nn.build import module


class Slice(nn.Module):
    """Some of the channels."""

    def __init__(self, start: int, stop: int) -> None:
        super().__init__()
        self.start = start
        self.stop = stop

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, ...) -> (B, stop - start, ...)."""
        return x[:, self.start : self.stop]

    def extra_repr(self) -> str:
        """Which channels, where torch prints the module."""
        return f"{self.start}:{self.stop}"


class Shuffle(nn.Module):
    """Channels dealt out among the groups."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, ...) -> the same shape."""
        batch, channels, *rest = x.shape
        grouped = x.reshape(batch, self.groups, channels // self.groups, *rest)
        return grouped.transpose(1, 2).reshape(batch, channels, *rest)

    def extra_repr(self) -> str:
        """How many groups, where torch prints the module."""
        return f"groups={self.groups}"


@module.register
def _(layer: described.Slice, shape: Shape) -> nn.Module:
    return Slice(layer.start, layer.start + layer.output(shape)[0])


@module.register
def _(layer: described.Shuffle, shape: Shape) -> nn.Module:
    return Shuffle(layer.groups)


@module.register
def _(layer: described.AdaptivePool, shape: Shape) -> nn.Module:
    pool = nn.AdaptiveAvgPool2d if layer.kind == "avg" else nn.AdaptiveMaxPool2d
    return pool(pair(layer.size))
