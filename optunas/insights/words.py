"""Numbers as a person says them, with their units."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10

from optunas.insights.adjusted import Estimate
from optunas.wording import count


@dataclass(frozen=True)
class Unit:
    """How a quantity is shown: its name, the unit, what it is multiplied by first, and what a
    difference of it is called where that is something else."""

    label: str
    unit: str = ""
    scale: float = 1.0
    difference: str = ""

    @property
    def title(self) -> str:
        """`validation accuracy (%)`"""
        return f"{self.label} ({self.unit})" if self.unit else self.label


UNITS = {
    "accuracy": Unit("validation accuracy", "%", 100, "points"),
    "f1": Unit("validation F1", "%", 100, "points"),
    "params": Unit("parameters"),
    "macs": Unit("multiply-accumulates"),
    "latency_ms": Unit("latency", "ms"),
    "memory_mb": Unit("memory in training", "MiB"),
    "inference_memory_mb": Unit("memory for one image", "MiB"),
    "train_seconds": Unit("training time", "s"),
}


def unit_of(name: str) -> Unit:
    """How a metric or cost is shown; any other name stands for itself."""
    return UNITS.get(name) or Unit(name)


def worth(name: str, estimate: Estimate) -> str:
    """`+0.8 ± 0.2 points`; what stands after ± is half the 95 % interval."""
    unit = unit_of(name)
    middle, margin = _both(estimate, unit.scale)
    what = unit.difference or unit.unit
    sign = "" if middle.startswith("-") else "+"
    return f"{sign}{middle} ± {margin} {what}".strip()


def amount(name: str, estimate: Estimate) -> str:
    """`0.3 ± 0.1 ms of latency`."""
    unit = unit_of(name)
    middle, margin = _both(estimate, unit.scale)
    said = f"{middle} ± {margin}"
    return f"{said} {unit.unit} of {unit.label}" if unit.unit else f"{said} {unit.label}"


def quantity(name: str, number: float) -> str:
    """`2.5 ms`, `100 k`, `88.1 %`: a value or a cost as it is."""
    unit = unit_of(name)
    shown = unit.scale * number
    said = count(shown) if not unit.unit and shown >= 1000 else f"{shown:.4g}"
    return f"{said} {unit.unit}".strip()


def duration(seconds: float) -> str:
    """`2.1 h`, `35 min`, `12 s`."""
    for size, name in ((3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {name}"
    return f"{seconds:.2g} s"


def _both(estimate: Estimate, scale: float) -> tuple[str, str]:
    """The difference and half its interval, with two digits of the half."""
    middle = scale * estimate.difference
    margin = scale * (estimate.high - estimate.low) / 2
    digits = max(0, 1 - floor(log10(margin))) if margin > 0 else 0
    return f"{middle:,.{digits}f}", f"{margin:,.{digits}f}"
