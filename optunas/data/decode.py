"""One image file -> pixels; also the program that a reading process runs.

Imports nothing of optunas, so that a child process starts in a fraction of a second
(`python decode.py`, see children.py for the other end of the pipe).
"""

from __future__ import annotations

import json
import struct
import sys
import warnings
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

Pixels = npt.NDArray[np.uint8]

# Formats that hold pictures and run nothing: Pillow hands EPS, for one, to Ghostscript.
_WANTED = (
    "JPEG",
    "PNG",
    "BMP",
    "GIF",
    "WEBP",
    "TIFF",
    "PPM",
    "MPO",
    "JPEG2000",
    "AVIF",
    "TGA",
    "ICO",
)
_GRAY_MODES = {"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N", "F"}
_TURNED = {5, 6, 7, 8}  # EXIF orientations that swap height and width
_ORIENTATION = 274
OTHER = "another size or kind"
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Header(NamedTuple):
    """What a file's header says: pixels as a viewer shows them, and whether it is gray."""

    height: int
    width: int
    gray: bool


def probe(path: str) -> Header | str:
    """The header of an image file, or the reason why it has none."""
    try:
        with _open(path) as image:
            width, height = image.size
            turned = _orientation(image) in _TURNED
            gray = image.mode in _GRAY_MODES
            return Header(width, height, gray) if turned else Header(height, width, gray)
    except Exception as error:  # decoders raise anything on hostile bytes
        return _reason(error)


def read(path: str, channels: int, height: int, width: int, exact: bool = False) -> Pixels | str:
    """The pixels (channels, height, width) of an image file, or the reason why it has none.

    A larger or smaller image is scaled until it covers the wanted size, then cut to it
    around the centre; with `exact` the answer is `OTHER` instead. Transparent pixels lie on
    white.
    """
    try:
        with _open(path) as image:
            turn = _orientation(image)
            want = (height, width) if turn in _TURNED else (width, height)
            if exact and (image.size != want or (image.mode in _GRAY_MODES) != (channels == 1)):
                return OTHER
            if image.size != want and image.format == "JPEG":
                image.draft(None, _cover(image.size, want, 2))  # decodes at 1/2, 1/4 or 1/8
            flat = _fit(_flatten(image, "L" if channels == 1 else "RGB"), want)
        if turn in _TURNS:
            flat = flat.transpose(_TURNS[turn])
        pixels = np.asarray(flat)
        return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)
    except Exception as error:
        return _reason(error)


def _open(path: str) -> Image.Image:
    return Image.open(path, formats=_formats())


def _formats(known: list[str] = []) -> list[str]:  # noqa: B006 (remembered between calls)
    if not known:
        Image.init()
        known.extend(name for name in _WANTED if name in Image.OPEN)
    return known


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a broken EXIF block does not make the pixels worse
        return 1


def _flatten(image: Image.Image, mode: str) -> Image.Image:
    """Any kind of image as "L" or "RGB", 8 bits a channel."""
    if image.mode == "F":
        raise ValueError("floating-point pixels have no known range")
    if image.mode.startswith("I"):  # 16 bits: keep the upper eight
        wide = np.asarray(image).astype(np.int64)
        image = Image.fromarray((wide.clip(0, 65535) >> 8).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image if image.mode == mode else image.convert(mode)


def _fit(image: Image.Image, want: tuple[int, int]) -> Image.Image:
    if image.size == want:
        image.load()
        return image
    scale = max(want[0] / image.width, want[1] / image.height)
    wide, high = want[0] / scale, want[1] / scale  # the part that is kept, in source pixels
    left, top = (image.width - wide) / 2, (image.height - high) / 2
    box = (
        max(0.0, left),
        max(0.0, top),
        min(left + wide, image.width),
        min(top + high, image.height),
    )
    return image.resize(want, Image.Resampling.BILINEAR, box=box)


def _cover(size: tuple[int, int], want: tuple[int, int], spare: int) -> tuple[int, int]:
    scale = spare * max(want[0] / size[0], want[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "not readable by this user"
    if "truncated" in str(error).lower():
        return "truncated"
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}"[:120]


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer one job: JSON in; headers as JSON, or pixels as records, out.

    A record is one byte, 1 and the pixels, or 0, two bytes of length and the reason.
    """
    job = json.load(source)
    if job["shape"] is None:
        sink.write(json.dumps([probe(path) for path in job["paths"]]).encode())
        return
    channels, height, width = job["shape"]
    for path in job["paths"]:
        pixels = read(path, channels, height, width, exact=job["exact"])
        if isinstance(pixels, str):
            reason = pixels.encode(errors="replace")
            sink.write(b"\0" + struct.pack("<H", len(reason)) + reason)
        else:
            sink.write(b"\1" + pixels.tobytes())


def quietly() -> warnings.catch_warnings[None]:
    """A context in which Pillow's warnings on odd files stay silent: notes say it instead."""
    return warnings.catch_warnings(action="ignore")


if __name__ == "__main__":
    with quietly():
        serve(sys.stdin.buffer, sys.stdout.buffer)
        sys.stdout.buffer.flush()
