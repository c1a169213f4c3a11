"""The images that a network was most confidently wrong about, on one sheet (PNG). No torch."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from optunas.architecture.picture.text import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optunas.training.results import Mistake

COLUMNS = 6
TILE = 96  # px that an image's longer side takes at least
GAP = 10
LINES = 2
TEXT = 13  # px
BACK, INK, WRONG = (255, 255, 255), (21, 25, 31), (154, 47, 12)
HEAD = 26


def contact_sheet(
    mistakes: Sequence[Mistake], classes: Sequence[str], most_bytes: int = 200_000
) -> bytes:
    """A PNG: each image as it was stored, below it what it is and what the network took it for.

    Where it would take more than `most_bytes`, fewer images are shown, the surest mistakes first.
    """
    shown = list(mistakes)
    while True:
        content = _png(_sheet(shown, classes))
        if len(content) <= most_bytes or len(shown) <= 1:
            return content
        shown = shown[: max(1, len(shown) * 2 // 3)]


def pixels(image: NDArray[np.uint8]) -> Image.Image:
    """uint8 (H, W, C), enlarged by whole pixels; grey where it has not three channels."""
    array = np.asarray(image)
    flat = array if array.shape[2] == 3 else array[:, :, 0]
    times = max(1, round(TILE / max(array.shape[:2])))
    large = flat.repeat(times, axis=0).repeat(times, axis=1)
    return Image.fromarray(np.ascontiguousarray(large))


def _sheet(mistakes: Sequence[Mistake], classes: Sequence[str]) -> Image.Image:
    pictures = [pixels(mistake.image) for mistake in mistakes]
    wide = max([TILE, *(picture.width for picture in pictures)]) + GAP
    high = max([TILE, *(picture.height for picture in pictures)]) + LINES * (TEXT + 3) + GAP
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (GAP + columns * wide, HEAD + rows * high), BACK)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(TEXT)
    draw.text((GAP, 5), "what it is / what the network took it for", fill=INK, font=font)
    for place, (mistake, picture) in enumerate(zip(mistakes, pictures, strict=True)):
        x, y = GAP + place % columns * wide, HEAD + place // columns * high
        sheet.paste(picture.convert("RGB"), (x, y))
        below = y + picture.height + 2
        answer = f"{round(100 * mistake.confidence)} % {classes[mistake.answer]}"
        for text, colour in ((classes[mistake.true], INK), (answer, WRONG)):
            draw.text((x, below), _cut(text, font, wide - GAP // 2), fill=colour, font=font)
            below += TEXT + 3
    return sheet


def _cut(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, room: int) -> str:
    text = printable(" ".join(text.split())[:60])
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(f"{text}…") > room:
        text = text[:-1]
    return f"{text}…"


def _png(sheet: Image.Image) -> bytes:
    file = io.BytesIO()
    sheet.save(file, "PNG", optimize=True)
    return file.getvalue()
