"""Text in a picture: how wide it is, how it is cut and wrapped, how numbers and shapes are said.

An SVG can't measure its text, and which font a reader has is unknown: widths are those of DejaVu
Sans, the widest of the usual system fonts, so that what fits here fits everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from unicodedata import east_asian_width

from optunas.architecture.layer import Shape

SIZES = {"title": 13, "times": 13, "words": 11, "shape": 12, "number": 11, "note": 12, "join": 11}
"""Font sizes in px by the role of a text."""

BOLD = ("title", "times")

_WIDTHS = {
    0.34: "iIjl|.,:;!' ",
    0.42: 'frt()[]{}/-`"',
    0.56: "cskvxyzJ?",
    0.66: "abdeghnopquEFLPSTXYZ0123456789_=",
    0.78: "ABCDGHKNORUV+<>~#×…↓→^",
    1.0: "mwMQW%@&",
}
_WIDTH = {letter: em for em, letters in _WIDTHS.items() for letter in letters}


@lru_cache(4096)
def width(text: str, role: str) -> float:
    """Px that `text` takes at most in the usual fonts."""
    em = sum(_WIDTH.get(c) or (1.0 if east_asian_width(c) in "WF" else 0.8) for c in text)
    return em * SIZES[role] * (1.1 if role in BOLD else 1.0)


def clipped(text: str, role: str, room: float) -> str:
    """The text, cut with an ellipsis where it is wider than `room`."""
    if width(text, role) <= room:
        return text
    text = text[:200]
    while text and width(text + "…", role) > room:
        text = text[:-1]
    return text.rstrip(" ,") + "…"


def wrapped(words: Sequence[str], role: str, room: float, lines: int) -> list[str]:
    """Words, joined by commas, in at most `lines` lines; the last is cut where more is left."""
    done: list[str] = []
    for word in words:
        longer = f"{done[-1]}, {word}" if done else word
        if not done:
            done.append(word)
        elif width(longer, role) <= room or len(done) == lines:
            done[-1] = longer
        else:
            done[-1] += ","
            done.append(word)
    return [clipped(line, role, room + width(",", role)) for line in done]


def broken(name: str, role: str, room: float) -> list[str]:
    """A name in lines, broken where a new word begins: `ReLUSeparable`, `Conv`."""
    if width(name, role) <= room:
        return [name]
    first, *parts = re.findall(r"[A-Z]+(?![a-z])|.[^A-Z]*", name[:200], re.DOTALL)
    lines = [first]
    for part in parts:
        if width(lines[-1] + part, role) <= room:
            lines[-1] += part
        else:
            lines.append(part)
    return [clipped(line, role, room) for line in lines]


def amount(number: int) -> str:
    """A count as a person reads it: `950`, `9.4k`, `25.6M`, `4.1G`."""
    for unit, letter in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= 0.9995 * unit:
            value = number / unit
            return f"{value:.{0 if value >= 99.95 else 1}f}".removesuffix(".0") + letter
    return str(number)


def sizes(first: Shape, last: Shape) -> str:
    """A shape, `64×56×56`; where it grows over folded copies, `96…256×56×56`."""
    if len(first) != len(last):
        return "×".join(map(str, last))
    pairs = zip(first, last, strict=True)
    return "×".join(str(a) if a == b else f"{a}…{b}" for a, b in pairs)


def printable(text: str) -> str:
    """The text without the characters that XML can't hold."""
    return "".join(c if _legal(ord(c)) else "\ufffd" for c in text)


def _legal(code: int) -> bool:
    if code < 0x20:
        return code in (0x9, 0xA, 0xD)
    return not (0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or code in (0xFFFE, 0xFFFF))
