"""Which proxies there are. No torch."""

from __future__ import annotations

from collections.abc import Iterable

from optunas._named import unknown
from optunas.errors import StudyError

SIZES = ("params", "macs")
"""Known without building the network."""

PROXIES = ("swap", "naswot", "synflow", "grad_norm", *SIZES)

PREFIX = "proxy."
"""Before the name of a proxy stands this in the name of a trial's user attribute."""


def check_proxies(names: Iterable[str]) -> tuple[str, ...]:
    """The names, each once. Raises `StudyError` for one that is none."""
    wanted = tuple(dict.fromkeys([names] if isinstance(names, str) else names))
    for name in wanted:
        if name not in PROXIES:
            raise StudyError(unknown("proxy", str(name), list(PROXIES)))
    return wanted
