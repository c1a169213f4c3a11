"""RandAugment: a few operations for each image, chosen from a list without being learned."""

from dataclasses import dataclass
from functools import partial
from math import ceil, cos, radians, sin

import torch
from torch import Tensor

from optunas.training.augment.colour import blended, grayscale, levels, mean_level
from optunas.training.augment.pixels import by_kind
from optunas.training.augment.tones import Tones
from optunas.training.augment.warp import warped

WARPS = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")
BLENDS = ("brightness", "colour", "contrast", "sharpness")
TONES = ("posterize", "solarize", "autocontrast", "equalize")
KINDS = (WARPS, BLENDS, TONES)
OPERATIONS = ("identity", *(name for kind in KINDS for name in kind))


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
        kind = torch.stack([operation >= OPERATIONS.index(names[0]) for names in KINDS]).sum(0)
        changes = (_same, partial(self._warped, fill), self._blended, self._toned)
        return by_kind(kind, changes, images, operation, sign)

    def _toned(self, images: Tensor, operation: Tensor, sign: Tensor) -> Tensor:
        tones = Tones(8 - round(4 * self.magnitude), ceil(256 * (1 - self.magnitude)))
        return tones(images, *_which(operation, TONES))

    def _blended(self, images: Tensor, operation: Tensor, sign: Tensor) -> Tensor:
        which = torch.stack(_which(operation, BLENDS)).float()[..., None, None, None]
        _, colour, contrast, sharpness = which
        factor = 1 + 0.9 * self.magnitude * sign[:, None, None, None] * which.sum(0)
        pixels = images.float()
        gray = levels(grayscale(pixels))
        degenerate = smoothed(pixels).mul_(sharpness).add_(mean_level(gray) * contrast)
        # Without colours there is nothing to lose.
        degenerate += (gray if images.shape[1] == 3 else pixels) * colour
        return blended(degenerate, pixels, factor).to(torch.uint8)

    def _warped(self, fill: Tensor, images: Tensor, operation: Tensor, sign: Tensor) -> Tensor:
        """Shears leave the upper left corner where it is, rotations the centre."""
        shear_x, shear_y, shift_x, shift_y, turn = (
            which * sign for which in _which(operation, WARPS)
        )
        height, width = images.shape[-2:]
        x, y = width / 2, height / 2
        across, along = (int(150 / 331 * self.magnitude * size) for size in (width, height))
        shear, angle = 0.3 * self.magnitude, radians(30 * self.magnitude)
        sine, cosine = turn * sin(angle), 1 - turn.abs() * (1 - cos(angle))
        to_x = (cosine, shear_x * shear - sine, shift_x * across + x - cosine * x + sine * y)
        to_y = (shear_y * shear + sine, cosine, shift_y * along + y - sine * x - cosine * y)
        return warped(images, torch.stack((*to_x, *to_y)), fill)


def _same(images: Tensor, operation: Tensor, sign: Tensor) -> Tensor:
    return images


def _which(operation: Tensor, names: tuple[str, ...]) -> list[Tensor]:
    """For each name, which images have this operation: bool (B,)."""
    return [operation == OPERATIONS.index(name) for name in names]


def smoothed(pixels: Tensor) -> Tensor:
    """Pillow's SMOOTH: the middle of 3 x 3 pixels counts five times; borders stay, whole levels."""
    result = pixels.clone()
    if pixels.shape[2] > 2 and pixels.shape[3] > 2:
        rows = (pixels[:, :, :-2] + pixels[:, :, 1:-1]).add_(pixels[:, :, 2:])
        total = (rows[..., :-2] + rows[..., 1:-1]).add_(rows[..., 2:])
        total.add_(pixels[..., 1:-1, 1:-1], alpha=4)
        result[..., 1:-1, 1:-1] = levels(total.div_(13))
    return result
