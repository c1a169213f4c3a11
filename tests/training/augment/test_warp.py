"""Affine warps against a loop over pixels, in exact fractions."""

from collections.abc import Callable
from fractions import Fraction
from math import floor

import torch
from torch import Tensor

from optunas.training.augment.warp import warped

Make = Callable[..., Tensor]
FILL = torch.tensor([11, 22, 33], dtype=torch.uint8)


def reference(image: Tensor, matrix: list[float]) -> Tensor:
    """The nearest pixel's centre is half a pixel away at most, in both directions."""
    _, height, width = image.shape
    a, b, c, d, e, f = map(Fraction, matrix)
    result = torch.empty_like(image)
    for y in range(height):
        for x in range(width):
            middle_x, middle_y = x + Fraction(1, 2), y + Fraction(1, 2)
            column = floor(a * middle_x + b * middle_y + c)
            row = floor(d * middle_x + e * middle_y + f)
            inside = 0 <= column < width and 0 <= row < height
            result[:, y, x] = image[:, row, column] if inside else FILL[: len(image)]
    return result


def test_pixels_come_from_where_the_matrix_says(make_images: Make) -> None:
    """Coefficients are multiples of 1/64, so that float32 is exact, too."""
    generator = torch.Generator().manual_seed(0)
    for channels, height, width in ((3, 9, 12), (1, 5, 5), (3, 1, 1), (3, 2, 3)):
        images = make_images(40, height, width, channels)
        matrix = torch.randint(-96, 97, (6, 40), generator=generator) / 64
        matrix[2::3] *= 4  # up to six pixels
        result = warped(images, matrix, FILL[:channels])
        for i in range(40):
            assert torch.equal(result[i], reference(images[i], matrix[:, i].tolist()))


def test_the_identity_and_whole_pixels_are_exact(make_images: Make) -> None:
    images = make_images(2, 6, 7)
    matrix = torch.tensor([[1.0, 0, 0, 0, 1, 0], [1, 0, 2, 0, 1, -1]]).T
    result = warped(images, matrix, FILL)
    assert torch.equal(result[0], images[0])
    assert torch.equal(result[1, :, 1:, :5], images[1, :, :5, 2:])
    assert (result[1, :, 0] == FILL[:, None]).all()
    assert (result[1, :, :, 5:] == FILL[:, None, None]).all()
