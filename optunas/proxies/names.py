"""Which proxies there are, and how they are written. No torch."""

from __future__ import annotations

from collections.abc import Iterable

from optunas._named import parse_named, unknown
from optunas.errors import StudyError
from optunas.numeric import is_number

SIZES = ("params", "macs")
"""Known without building the network."""

PROXIES = ("swap", "naswot", "synflow", "grad_norm", *SIZES)

SETTINGS = {"swap": ("mu", "sigma")}
"""Which settings a proxy takes, all or none of them: `swap(mu=1500000, sigma=1000000)`."""

PREFIX = "proxy."
"""Before the name of a proxy stands this in the name of a trial's user attribute."""


def check_proxies(names: Iterable[str]) -> tuple[str, ...]:
    """The proxies, each once, written in one way. Raises `StudyError` for one that is none."""
    every = [names] if isinstance(names, str) else names
    return tuple(dict.fromkeys(_written(*parsed_proxy(name)) for name in every))


def parsed_proxy(name: str) -> tuple[str, dict[str, float]]:
    """A proxy's name and its settings. Raises `StudyError`."""
    kind, settings = parse_named("proxy", str(name))
    kind = kind.replace("-", "_")
    if kind not in PROXIES:
        raise StudyError(unknown("proxy", kind, list(PROXIES)))
    takes = SETTINGS.get(kind, ())
    if settings and sorted(settings) != sorted(takes):
        raise StudyError(
            f"proxy {kind!r} takes {' and '.join(takes) or 'no settings'}; got {name!r}"
        )
    for key, value in settings.items():
        if not is_number(value) or value <= 0:
            raise StudyError(f"proxy {kind!r}: {key} is a number above 0; got {value!r}")
    return kind, {key: float(settings[key]) for key in takes if key in settings}


def _written(kind: str, settings: dict[str, float]) -> str:
    said = ", ".join(f"{key}={value:.15g}" for key, value in settings.items())
    return f"{kind}({said})" if said else kind
