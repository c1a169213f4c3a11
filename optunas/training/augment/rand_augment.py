"""RandAugment: a few operations for each image, chosen from a list without being learned."""

from dataclasses import dataclass
from functools import partial
from math import ceil, cos, radians, sin

import torch
from torch import Tensor

from optunas.training.augment.colour import blended, grayscale, levels, mean_level
from optunas.training.augment.pixels import in_parts
from optunas.training.augment.tones import Tones
from optunas.training.augment.warp import warped

OPERATIONS = (
    "identity",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
    "rotate",
    "brightness",
    "colour",
    "contrast",
    "sharpness",
    "posterize",
    "solarize",
    "autocontrast",
    "equalize",
)


@dataclass(frozen=True)
class RandAugment:
    """Two random operations of 14, one after the other (Cubuk et al. 2019, arXiv:1909.13719).

    magnitude 0..1: the share of the full range that torchvision's `RandAugment` also has, 0.3 is
    its default, the paper's M = 9 of 30. At 1: shears of 0.3, translations of 150 / 331 of the
    size, 30 degrees, factors of 1 ± 0.9 (brightness, colour, contrast, sharpness), 4 bits
    (posterize), all levels inverted (solarize). What has a direction takes either.
    Autocontrast and equalize have no magnitude. Two numbers a round: operation, direction.
    """

    magnitude: float
    rounds: int = 2

    @property
    def numbers(self) -> int:
        """How many random numbers it wants for each image."""
        return 2 * self.rounds

    def __call__(self, images: Tensor, u: Tensor, fill: Tensor) -> Tensor:
        """images uint8 (B, C, H, W), u (2 * rounds, B), fill uint8 (C,) -> the same shape."""
        return in_parts(partial(self._rounds, fill=fill), images, u)

    def _rounds(self, images: Tensor, u: Tensor, fill: Tensor) -> Tensor:
        for choice, direction in zip(u[::2], u[1::2], strict=True):
            operation = (choice * len(OPERATIONS)).long()
            sign = 1 - 2 * (direction < 0.5).float()
            images = self.applied(images, operation, sign, fill)
        return images

    def applied(self, images: Tensor, operation: Tensor, sign: Tensor, fill: Tensor) -> Tensor:
        """One operation for each image: an index of OPERATIONS, int64 (B,); sign ±1.0 (B,).

        An image has one operation, so that the kinds can be gone through in any order; each leaves
        the images alone that have another kind.
        """
        these = {name: operation == i for i, name in enumerate(OPERATIONS)}
        images = self._toned(images, these)
        images = self._blended(images, these, sign)
        return warped(images, self._matrix(images, these, sign), fill)

    def _toned(self, images: Tensor, these: dict[str, Tensor]) -> Tensor:
        tones = Tones(8 - round(4 * self.magnitude), ceil(256 * (1 - self.magnitude)))
        return tones(images, *(these[name] for name in OPERATIONS[-4:]))

    def _blended(self, images: Tensor, these: dict[str, Tensor], sign: Tensor) -> Tensor:
        share = {
            name: these[name].float()[:, None, None, None]
            for name in ("brightness", "colour", "contrast", "sharpness")
        }
        factor = 1 + 0.9 * self.magnitude * sign[:, None, None, None] * sum(share.values())
        pixels = images.float()
        gray = levels(grayscale(pixels))
        degenerate = smoothed(pixels).mul_(share["sharpness"])
        degenerate += mean_level(gray) * share["contrast"]
        if images.shape[1] == 3:
            degenerate += gray * share["colour"]
        else:
            degenerate += pixels * share["colour"]  # without colour there is nothing to lose
        return blended(degenerate, pixels, factor).to(torch.uint8)

    def _matrix(self, images: Tensor, these: dict[str, Tensor], sign: Tensor) -> Tensor:
        """(6, B), see `warped`. Shears leave the upper left corner, rotations the centre."""
        height, width = images.shape[-2:]
        shear, angle = 0.3 * self.magnitude, radians(30 * self.magnitude)
        across, along = (int(150 / 331 * self.magnitude * size) for size in (width, height))
        turn, x, y = these["rotate"].float(), width / 2, height / 2
        sine = turn * sign * sin(angle)
        cosine = 1 - turn * (1 - cos(angle))
        b = these["shear_x"] * sign * shear - sine
        d = these["shear_y"] * sign * shear + sine
        c = these["translate_x"] * sign * across + turn * (x - cosine * x + sine * y)
        f = these["translate_y"] * sign * along + turn * (y - sine * x - cosine * y)
        return torch.stack((cosine, b, c, d, cosine, f))


def smoothed(pixels: Tensor) -> Tensor:
    """Pillow's SMOOTH: the middle of 3 x 3 pixels counts five times; borders stay, whole levels."""
    result = pixels.clone()
    if pixels.shape[2] > 2 and pixels.shape[3] > 2:
        rows = (pixels[:, :, :-2] + pixels[:, :, 1:-1]).add_(pixels[:, :, 2:])
        total = (rows[..., :-2] + rows[..., 1:-1]).add_(rows[..., 2:])
        total.add_(pixels[..., 1:-1, 1:-1], alpha=4)
        result[..., 1:-1, 1:-1] = levels(total.div_(13))
    return result
