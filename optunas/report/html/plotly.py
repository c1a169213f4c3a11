"""plotly.js, the library that draws the figures, small enough to be in each report.

The browser unpacks it (`DecompressionStream`, in all browsers since 2023): 2 MB instead of 4.8.
"""

from __future__ import annotations

import base64
import gzip
from functools import lru_cache
from typing import NamedTuple


class Packed(NamedTuple):
    """`source`: the script; `gzipped`: the same, gzip and base64."""

    source: str
    gzipped: str


@lru_cache(1)
def packed() -> Packed:
    """The plotly.js that the installed plotly brings along."""
    from plotly.offline import get_plotlyjs

    source: str = get_plotlyjs()
    small = gzip.compress(source.encode(), 9, mtime=0)
    return Packed(source, base64.b64encode(small).decode())
