"""What the headers of many files say: which are images, and the one shape that fits them."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor

from optunas.data.children import Shape, headers_of
from optunas.data.decode import Header
from optunas.data.disk import recall, remember

LARGEST = 128  # pixels: the shorter side that mixed sizes are brought to at most


@dataclass(frozen=True)
class Survey:
    """shape: (C, H, W) of every image, None if there is none; failures: place -> reason.

    headers: int32 (N, 3), height, width and 1 for gray of every file; zeros where there is none.
    """

    shape: Shape | None
    failures: dict[int, str]
    headers: Tensor = field(compare=False)


def survey(paths: list[str], size: tuple[int, int] | None, workers: int) -> Survey:
    """Read the header of every file."""
    headers = headers_of(paths, workers)
    good = [header for header in headers if not isinstance(header, str)]
    failures = {i: header for i, header in enumerate(headers) if isinstance(header, str)}
    table = [(0, 0, 0) if isinstance(header, str) else header for header in headers]
    rows = torch.tensor(table, dtype=torch.int32).reshape(-1, 3)
    return Survey(shape_of(good, size) if good else None, failures, rows)


def shape_of(headers: Sequence[Header], size: tuple[int, int] | None) -> Shape:
    """The size asked for, or that all share, or a square of the median shorter side."""
    channels = 1 if all(header.gray for header in headers) else 3
    if size is None:
        sizes = {(header.height, header.width) for header in headers}
        size = sizes.pop() if len(sizes) == 1 else _common_size(headers)
    return (channels, *size)


def recalled(place: Path) -> Survey | None:
    """The survey that was remembered beside this file of images."""
    facts = recall(_beside(place))
    if facts is None or len(facts) != 3:  # of an older version, which kept no headers
        return None
    shape, failures, rows = facts
    known = {int(i): why for i, why in failures}
    return Survey(tuple(shape) if shape else None, known, unpacked(rows))


def remember_survey(place: Path, found: Survey) -> None:
    """Remember a survey: a second start reads no header."""
    failures = list(found.failures.items())
    remember(_beside(place), [found.shape, failures, packed(found.headers)])


def packed(headers: Tensor) -> str:
    """int32 (N, 3) as a short text: some bytes an image, next to none where all are alike."""
    columns = headers.numpy().astype("<i4").T.tobytes()
    return base64.b64encode(zlib.compress(columns, 1)).decode()


def unpacked(text: str) -> Tensor:
    """What was `packed`."""
    columns = np.frombuffer(zlib.decompress(base64.b64decode(text)), "<i4").reshape(3, -1)
    return torch.from_numpy(columns.T.astype(np.int32, order="C"))


def _beside(place: Path) -> Path:
    return place.with_suffix(".headers")


def _common_size(headers: Sequence[Header]) -> tuple[int, int]:
    side = median(min(header.height, header.width) for header in headers)
    side = min(LARGEST, max(8, round(side / 8) * 8))
    return side, side
