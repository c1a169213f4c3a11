"""Numbers and names as people read them: in the terminal, in the report, in notes."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

LENGTH = 2000
"""Signs of a text that somebody else may have written."""

MANY_TIMES = 3
MUCH = 1e15  # more digits than a number has
SHARE = "%"
"""The unit of a share of one, which is told in percent and compared in points."""

COUNT = "#"
"""The unit of large counts, of which three digits are enough."""

TITLES = {
    "accuracy": "accuracy",
    "f1": "F1",
    "params": "parameters",
    "macs": "MACs",
    "latency_ms": "latency",
    "inference_memory_mb": "memory for one image",
    "memory_mb": "memory in training",
    "train_seconds": "training",
}
"""What an attribute is called."""


def count(value: float) -> str:
    """A large number as a person says it, in three digits: 770, 48.7 k, 1.40 M."""
    for size, unit in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= 0.9995 * size:  # 999,600 are 1.00 M
            share = value / size
            return f"{share:.{2 if share < 9.995 else 1 if share < 99.95 else 0}f}{unit}"
    return f"{value:.0f}"


def percent(share: float) -> str:
    """A share of one as a percentage: 98.61 %."""
    return f"{100 * share:.2f} %"


def title(name: str) -> str:
    """What an attribute is called; its own name where it is none of ours."""
    return TITLES.get(name, name)


def amount(value: float | None, unit: str = "") -> str:
    """A number with its unit: 4,794 or 1.5 ms or 98.61 %; nothing where there is none."""
    if value is None or not isfinite(value):
        return ""
    if unit in (SHARE, COUNT):
        return percent(value) if unit == SHARE else count(value)
    return (
        f"{value:.3g} {unit}" if unit and abs(value) < 100 else f"{_digits(value)} {unit}".strip()
    )


def change(one: float | None, other: float | None, unit: str = "") -> str:
    """How far the other is from one: `+1.11 points`, `-40 (-40 %)`; nothing where one lacks."""
    if one is None or other is None or not isfinite(gap := other - one):
        return ""
    if unit == SHARE:
        return _signed(f"{100 * gap:+.2f} points")
    if unit == COUNT:
        said = f"{'-' if gap < 0 else '+'}{count(abs(gap))}"
    else:
        said = f"{f'{gap:+,.0f}' if _whole(gap) else f'{gap:+.3g}'} {unit}".strip()
    return _signed(said) + (_relative(other / one) if one > 0 and gap else "")


def _relative(ratio: float) -> str:
    """A change as a share of what was, or as its multiple."""
    if ratio >= MANY_TIMES:
        return f" ({ratio:.1f} times)" if ratio < 10 else f" ({ratio:,.0f} times)"
    return f" ({_signed(f'{100 * (ratio - 1):+.3g} %')})"


def by(shape: Iterable[int]) -> str:
    """A shape: 8x32x32."""
    return "x".join(map(str, shape))


def plain(said: object, length: int = LENGTH) -> str:
    """A text of no great length, without signs that a terminal would obey: of anybody's origin."""
    whole = str(said)
    cut = whole if len(whole) <= length else f"{whole[: length - 1]}…"
    return cut if cut.isprintable() else "".join(c if c.isprintable() else " " for c in cut)


def setting(value: object) -> str:
    """A parameter's value or a recipe's; a dash where there is none."""
    return "–" if value is None else f"{value:.6g}" if isinstance(value, float) else plain(value)


def _digits(value: float) -> str:
    if _whole(value) or abs(value) >= 1000:
        return f"{value:,.0f}" if abs(value) < MUCH else f"{value:.4g}"
    return f"{value:.4g}"


def _whole(value: float) -> bool:
    return float(value).is_integer()


def _signed(said: str) -> str:
    """A difference of nothing has no sign, and a minus is as wide as a plus."""
    number = said.partition(" ")[0]
    return (said[1:] if not number.strip("+-0.,") else said).replace("-", "−", 1)
