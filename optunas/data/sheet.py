"""A contact sheet: some images of each class, as a network will see them."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from optunas.data.dataset import Data, Split
from optunas.data.files import ImageFiles
from optunas.data.finding import Whole

_CLASSES = 40  # rows at most
_SIDE = 64  # pixels that a cell has at least
_LARGEST = 160
_LABEL, _GAP = 160, 4


def contact_sheet(data: Data, per_class: int = 10, seed: int = 0) -> Image.Image:
    """RGB picture: a row for each class (the first 40), with so many of its train images.

    Images are at the size they were brought to, enlarged by a whole number where they are small.
    """
    whole = Whole(data)
    rows = min(len(data.classes), _CLASSES)
    wide, high = _cell(data.input_shape)
    size = (_LABEL + per_class * (wide + _GAP), rows * (high + _GAP))
    sheet = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default()
    for label in range(rows):
        top = label * (high + _GAP)
        pen.text((_GAP, top + high // 2 - 6), _written(whole.class_name(label)), "black", font)
        for column, image in enumerate(_some(data.train, label, per_class, seed)):
            sheet.paste(_picture(image, (wide, high)), (_LABEL + column * (wide + _GAP), top))
    return sheet


def _cell(shape: tuple[int, int, int]) -> tuple[int, int]:
    """Width and height of an image on the sheet."""
    _, height, width = shape
    scale = float(max(1, _SIDE // max(height, width)))
    scale = min(scale, _LARGEST / max(height, width))
    return max(1, int(width * scale)), max(1, int(height * scale))


def _some(split: Split, label: int, count: int, seed: int) -> Tensor:
    """uint8 (at most count, C, H, W)"""
    members = np.flatnonzero(split.labels.cpu().numpy() == label)
    members = np.random.default_rng(seed).permutation(members)[:count]
    places = torch.from_numpy(np.sort(members))
    if isinstance(split.images, ImageFiles):
        return split.images.read(places)
    return split.images[places.to(split.images.device)].cpu()


def _picture(image: Tensor, size: tuple[int, int]) -> Image.Image:
    pixels = image.permute(1, 2, 0).numpy()
    pixels = pixels[:, :, :3] if pixels.shape[2] >= 3 else pixels[:, :, :1].repeat(3, axis=2)
    larger = size[0] >= pixels.shape[1]
    way = Image.Resampling.NEAREST if larger else Image.Resampling.BOX
    return Image.fromarray(np.ascontiguousarray(pixels)).resize(size, way)


def _written(name: str) -> str:
    """A name in letters that the smallest font has, cut to the room there is."""
    return name.encode("latin-1", errors="replace").decode("latin-1")[:24]
