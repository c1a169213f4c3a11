"""Whether images are held in memory or stay in their files."""

from __future__ import annotations

import math
from typing import Literal, cast, get_args

from optunas.data.children import Shape
from optunas.errors import DataError
from optunas.machine import free_ram

Keep = Literal["auto", "memory", "files"]

_RAM_SHARE = 0.6


def check_keep(keep: str) -> Keep:
    """`DataError` for a word that is none of the three."""
    if keep not in get_args(Keep):
        raise DataError(
            'images are kept in "memory", in their "files", or where there is room ("auto"); '
            f"got keep={keep!r}"
        )
    return cast(Keep, keep)


def fits(count: int, shape: Shape, copies: int) -> bool:
    """Is there room for this many images, this often?"""
    return copies * count * math.prod(shape) <= _room()


def stay_note(keep: Keep, count: int, shape: Shape, copies: int) -> str:
    """The line that says why images stay in their files; "" if they are held in memory.

    Raises `DataError` where memory is asked for and too small.
    """
    if keep == "memory":
        _check_memory(count, shape, copies)
    if keep == "memory" or (keep == "auto" and fits(count, shape, copies)):
        return ""
    room = f"{100 * _RAM_SHARE:.0f} % of the free memory is {_sized(_room())}"
    twice = ", and without a cache on the disk they are held twice" if copies > 1 else ""
    why = "as asked" if keep == "files" else room + twice
    size = _sized(count * math.prod(shape))
    return f"{count:,} images of {_times(shape)} ({size}) stay in their files: {why}"


def _room() -> float:
    """Bytes that images may take."""
    return _RAM_SHARE * free_ram()


def _check_memory(count: int, shape: Shape, copies: int) -> None:
    if fits(count, shape, copies):
        return
    room, need = _room(), copies * count * math.prod(shape)
    side = int((room / copies / count / shape[0]) ** 0.5)
    fitting = side // 8 * 8 or side
    way = f"try size={fitting}" if fitting else "use fewer images, or more memory"
    raise DataError(
        f"images are held in memory, in {100 * _RAM_SHARE:.0f} % of what is free; "
        f"{count:,} images of {_times(shape)} need {_sized(need)} and {_sized(room)} may be used: "
        f'{way}, or keep="files"'
    )


def _times(shape: Shape) -> str:
    return "x".join(map(str, shape))


def _sized(count: float) -> str:
    """ "185 GB", "1.8 MB"."""
    unit, name = (1e9, "GB") if count >= 1e9 else (1e6, "MB") if count >= 1e6 else (1e3, "kB")
    return f"{count / unit:,.0f} {name}" if count >= 10 * unit else f"{count / unit:.1f} {name}"
