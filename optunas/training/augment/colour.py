"""Brightness, contrast, saturation and hue, each image by amounts of its own.

The definitions are Pillow's (`ImageEnhance`): a factor draws an image away from, or towards, a
degenerate one, which is black, the mean gray or the gray image.

Products and sums are separate operations on purpose. Fused ones (`addcmul`, `lerp`, `alpha=`) round
otherwise at the end of a row of memory than in its middle, and then it would matter where in a
batch an image lies.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from optunas.training.augment.pixels import in_parts

LUMA = (19595, 38470, 7471)  # of 65536: Pillow's weights of red, green and blue, ITU-R 601-2


@dataclass(frozen=True)
class Colour:
    """Colour jitter as SimCLR has it (Chen et al. 2020, arXiv:2002.05709).

    strength 0..1: factors of brightness, contrast and saturation are uniform in 1 ± 0.8 * strength,
    the hue moves by up to 0.2 * strength of the circle; always in this order, where torchvision
    shuffles it. Half the strength is usual for training with labels. Images without three channels
    have neither saturation nor hue. Four numbers, one for each.
    """

    strength: float
    numbers = 4

    def __call__(self, images: Tensor, u: Tensor, fill: Tensor) -> Tensor:
        """images uint8 (B, C, H, W), u (4, B) -> the same shape."""
        return in_parts(self._jittered, images, u)

    def _jittered(self, images: Tensor, u: Tensor) -> Tensor:
        amount = ((2 * u - 1) * self.strength)[..., None, None, None]
        brightness, contrast, saturation = 1 + 0.8 * amount[:3]
        pixels = images.float().mul_(brightness).clamp_(0, 255)
        pixels = blended(mean_level(levels(grayscale(pixels))), pixels, contrast)
        if images.shape[1] == 3:
            pixels = blended(grayscale(pixels), pixels, saturation)
            pixels = turned(pixels, 0.2 * amount[3])
        return pixels.add_(0.5).to(torch.uint8)


def grayscale(pixels: Tensor) -> Tensor:
    """float32 (B, C, H, W), 0..255 -> (B, 1, H, W): luma, or the mean of other than 3 channels."""
    if pixels.shape[1] != 3:
        return pixels.mean(1, keepdim=True)
    red, green, blue = (part * weight for part, weight in zip(_three(pixels), LUMA, strict=True))
    # For whole levels every sum is a whole number below 2 ** 24, exact in float32.
    return red.add_(green).add_(blue).mul_(1 / (1 << 16))


def levels(gray: Tensor) -> Tensor:
    """Rounded to whole levels, in place; halves go up, as in Pillow's convert("L")."""
    return gray.add_(0.5).floor_()


def mean_level(gray: Tensor) -> Tensor:
    """Whole levels (B, 1, H, W) -> their rounded mean (B, 1, 1, 1).

    Sums of whole numbers are exact, hence the same in any order.
    """
    total = gray.sum(3).sum(2, dtype=torch.float64)
    mean = levels(total / (gray.shape[2] * gray.shape[3]))
    return mean.to(gray.dtype)[..., None, None]


def blended(degenerate: Tensor, pixels: Tensor, factor: Tensor) -> Tensor:
    """degenerate + factor * (pixels - degenerate), within 0..255; shapes broadcast."""
    return (pixels - degenerate).mul_(factor).add_(degenerate).clamp_(0, 255)


def turned(pixels: Tensor, turn: Tensor) -> Tensor:
    """The hue moved, saturation and value (of HSV) kept.

    pixels: float (B, 3, H, W); turn: (B, 1, 1, 1), in turns of the colour circle.
    """
    red, green, blue = _three(pixels)
    most, least = pixels.amax(1, keepdim=True), pixels.amin(1, keepdim=True)
    span = most - least
    # The hue in sixths of the circle, times the span: red lies at 0, green at 2, blue at 4.
    by_blue = (red - green).add_(4 * span)
    by_green = (blue - red).add_(2 * span)
    hue = torch.where(most == green, by_green, by_blue)
    hue = torch.where(most == red, green - blue, hue)
    hue = hue.div_(span.clamp_min(1e-6)).add_(6 * turn)
    hue = hue.sub_((hue / 6).floor_().mul_(6))
    # How far each channel is above the least: a trapezoid around its own place.
    shares = ((hue - 3).abs_().sub_(1), 2 - (hue - 2).abs_(), 2 - (hue - 4).abs_())
    return torch.cat(shares, 1).clamp_(0, 1).mul_(span).add_(least)


def _three(pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return pixels[:, 0:1], pixels[:, 1:2], pixels[:, 2:3]
