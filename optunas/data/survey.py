"""What the headers of many files say: which are images, and the one shape that fits them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from optunas.data.children import Shape, headers_of
from optunas.data.decode import Header
from optunas.data.disk import recall, remember

LARGEST = 128  # pixels: the shorter side that mixed sizes are brought to at most


@dataclass(frozen=True)
class Survey:
    """shape: (C, H, W) of every image, None if there is none; failures: place -> reason."""

    shape: Shape | None
    failures: dict[int, str]


def survey(paths: list[str], size: tuple[int, int] | None, workers: int) -> Survey:
    """Read the header of every file."""
    headers = headers_of(paths, workers)
    good = [header for header in headers if not isinstance(header, str)]
    failures = {i: header for i, header in enumerate(headers) if isinstance(header, str)}
    return Survey(shape_of(good, size) if good else None, failures)


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
    if facts is None:
        return None
    shape, failures = facts
    return Survey(tuple(shape) if shape else None, {int(i): why for i, why in failures})


def remember_survey(place: Path, found: Survey) -> None:
    """Remember a survey: a second start reads no header."""
    remember(_beside(place), [found.shape, list(found.failures.items())])


def _beside(place: Path) -> Path:
    return place.with_suffix(".headers")


def _common_size(headers: Sequence[Header]) -> tuple[int, int]:
    side = median(min(header.height, header.width) for header in headers)
    side = min(LARGEST, max(8, round(side / 8) * 8))
    return side, side
