"""Quantities as people type them: `2M` parameters, `5ms`, `1.5G` of memory."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from optunas.errors import OptunasError

COUNT = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9, "t": 1e12}
MILLISECONDS = {"": 1, "us": 1e-3, "ms": 1, "s": 1e3}
MEBIBYTES = {"": 1, "m": 1, "mb": 1, "mib": 1, "g": 2**10, "gb": 2**10, "gib": 2**10}


def count(typed: str) -> int:
    """`2M` -> 2,000,000; k, M, G (or B) and T are powers of a thousand."""
    return round(_parsed(typed, COUNT, "a number such as 250000, 250k or 2M"))


def milliseconds(typed: str) -> float:
    """`5ms`, `5` -> 5.0; `0.01s` -> 10.0."""
    return _parsed(typed, MILLISECONDS, "a time such as 5ms or 0.01s")


def mebibytes(typed: str) -> float:
    """`512`, `512M` -> 512.0; `2G` -> 2048.0."""
    return _parsed(typed, MEBIBYTES, "a size such as 512M or 2G")


def _parsed(typed: str, units: Mapping[str, float], wanted: str) -> float:
    match = _QUANTITY.fullmatch(typed.strip().lower())
    if match is None or match[2] not in units:
        raise OptunasError(f"expected {wanted}; got {typed!r}")
    value = float(re.sub("[,_]", "", match[1])) * units[match[2]]
    if not 0 < value < math.inf:
        raise OptunasError(f"expected {wanted}, above 0; got {typed!r}")
    return value


# A comma stands between thousands: 1,000,000. Whoever means one and a half by 1,5 is told so.
_QUANTITY = re.compile(
    r"((?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9][0-9_]*|(?=\.[0-9]))(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?)\s*([a-z]*)"
)
