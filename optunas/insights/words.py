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
    """`+0.81 ± 0.19 points of validation accuracy`; after ± stands half the 95 % interval."""
    sign = "-" if estimate.difference < 0 else "+"
    return f"{sign}{amount(name, estimate)}"


def amount(name: str, estimate: Estimate) -> str:
    """`0.30 ± 0.10 ms of latency`: the size of a difference, with two digits of its margin."""
    unit = unit_of(name)
    middle = unit.scale * abs(estimate.difference)
    margin = unit.scale * (estimate.high - estimate.low) / 2
    digits = max(0, 1 - floor(log10(margin))) if margin > 0 else 0
    said = f"{middle:,.{digits}f} ± {margin:,.{digits}f}"
    what = unit.difference or unit.unit
    if name in ("params", "macs"):
        return f"{said} {unit.label}"
    return f"{said} {what} of {unit.label}".replace("  ", " ")


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
