"""The module of `Resize`."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import interpolate

from optunas.architecture import Resize as Described
from optunas.architecture import Shape
from optunas.architecture.windows import pair
from optunas.nn.build import module


class Resize(nn.Module):
    """Bilinear or bicubic resizing with antialiasing, as torchvision does it."""

    def __init__(self, size: tuple[int, int], mode: str = "bilinear") -> None:
        super().__init__()
        self.size = size
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        """x: (B, C, H, W) -> (B, C, *size)."""
        if tuple(x.shape[-2:]) == self.size:
            return x
        return interpolate(x, self.size, mode=self.mode, align_corners=False, antialias=True)

    def extra_repr(self) -> str:
        """Size and kind, where torch prints the module."""
        return f"{self.size}, mode={self.mode!r}"


@module.register
def _(layer: Described, shape: Shape) -> nn.Module:
    return Resize(pair(layer.size))
