"""What a network may cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from optunas.errors import OptunasError


@dataclass(frozen=True)
class Limits:
    """Upper limits; `None` is no limit.

    `params`: trainable numbers. `macs`: multiply-accumulates for one image. `latency_ms`: median
    milliseconds for one image on the device of the search. `memory_mb`: MiB that training takes at
    its peak, with the recipe's batch. `inference_memory_mb`: MiB that one image's answer takes.
    """

    params: int | None = None
    macs: int | None = None
    latency_ms: float | None = None
    memory_mb: float | None = None
    inference_memory_mb: float | None = None

    def __post_init__(self) -> None:
        for name, limit in self:
            if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit > 0:
                raise OptunasError(f"Limits.{name} must be a number above 0; got {limit!r}")

    def __iter__(self) -> Iterator[tuple[str, float]]:
        """The limits that are set, each a name and a number."""
        for field in fields(self):
            limit = getattr(self, field.name)
            if limit is not None:
                yield field.name, limit

    def margins(self, **costs: float) -> dict[str, float]:
        """How far each cost is over its limit, as a share of the limit; 0 or less is within."""
        return {name: costs[name] / limit - 1 for name, limit in self if name in costs}

    def __str__(self) -> str:
        """`params <= 1,000,000, latency_ms <= 2`, or `none`."""
        return ", ".join(f"{name} <= {limit:,}" for name, limit in self) or "none"
