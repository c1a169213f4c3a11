"""The numbers that a predictor sees: what is in a network, how deep, how wide, by how many paths.

They are read off the normal form, so equal networks have equal features whatever their spelling,
and they name nothing but what every network has: a cell of a benchmark, a transformer and a plain
CNN share one vocabulary. Absent means zero: `features(a).get(name, 0.0)`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import log2, prod

from optunas.architecture.layer import Layer, Primitive, Shape
from optunas.architecture.layers import Activation, Conv, Norm
from optunas.architecture.normal import lower
from optunas.architecture.pooling import Pool
from optunas.architecture.steps import Fork, Operation, Step, Web


@dataclass(frozen=True)
class _Routes:
    """The ways from one value to another: the shortest and longest, in layers that learn, and how
    many there are."""

    shortest: int
    longest: int
    number: float

    def then(self, other: _Routes) -> _Routes:
        return _Routes(
            self.shortest + other.shortest,
            self.longest + other.longest,
            self.number * other.number,
        )


_HERE = _Routes(0, 0, 1.0)


def features(
    architecture: Layer, input_shape: Shape, classes: int | None = None
) -> dict[str, float]:
    """Names and numbers that describe a network for inputs of `input_shape`.

    `log2.params`, `log2.macs`; `depth.longest`, `depth.shortest` (layers that learn on a path),
    `log2.paths`; `log2.widest` (channels); `log2.pixels.out` (of the last map before the head);
    `count.<layer>`, and for what has kinds `count.Pool.max`, `count.Conv.3x3`,
    `count.Conv.depthwise`, ...; `count.join.sum`, ... (of two values; a sum of three counts two);
    `share.macs.<layer>` of the multiply-accumulates.
    """
    lowered = lower(architecture, tuple(input_shape), classes)
    seen = _Seen()
    routes = seen.walk(lowered.steps)
    numbers = {
        "log2.params": log2(1 + lowered.params),
        "log2.macs": log2(1 + lowered.macs),
        "depth.longest": float(routes.longest),
        "depth.shortest": float(routes.shortest),
        "log2.paths": log2(max(routes.number, 1.0)),
        "log2.widest": log2(max(seen.widest, 1)),
        "log2.pixels.out": log2(max(seen.pixels, 1)),
    }
    counts = {f"count.{name}": float(count) for name, count in seen.counts.items()}
    total = max(lowered.macs, 1)
    shares = {f"share.macs.{name}": macs / total for name, macs in seen.macs.items()}
    return numbers | counts | shares


class _Seen:
    """What a walk over the steps has met so far."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.macs: Counter[str] = Counter()
        self.widest = 0
        self.pixels = 1

    def walk(self, steps: tuple[Step, ...]) -> _Routes:
        routes = _HERE
        for step in steps:
            routes = routes.then(self._step(step))
        return routes

    def _step(self, step: Step) -> _Routes:
        match step:
            case Operation():
                return self._operation(step)
            case Fork(join=join, branches=branches):
                self.counts[f"join.{join}"] += len(branches) - 1
                return _together([self.walk(branch) for branch in branches])
            case Web():
                return self._web(step)

    def _web(self, web: Web) -> _Routes:
        """Each value is reached by the routes of all edges that lead to it, and theirs before."""
        values = [_HERE]
        for meeting in web.meetings:
            if len(meeting.edges) > 1:
                self.counts[f"join.{meeting.join}"] += len(meeting.edges) - 1
            arriving = [values[source].then(self.walk(steps)) for source, steps in meeting.edges]
            values.append(_together(arriving))
        return values[-1]

    def _operation(self, step: Operation) -> _Routes:
        layer, output = step.layer, step.output
        self.widest = max(self.widest, output[0] if len(output) == 3 else output[-1])
        if len(output) == 3 and prod(output[1:]) > 1:
            self.pixels = prod(output[1:])
        kind = type(layer).__name__
        self.counts[kind] += 1
        for detail in _details(layer, step.input):
            self.counts[f"{kind}.{detail}"] += 1
        macs = layer.macs(step.input)
        if macs:
            self.macs[kind] += macs
        learns = int(macs > 0)
        return _Routes(learns, learns, 1.0)


def _together(branches: list[_Routes]) -> _Routes:
    if not branches:  # a meeting that nothing reaches: a constant
        return _Routes(0, 0, 0.0)
    return _Routes(
        min(branch.shortest for branch in branches),
        max(branch.longest for branch in branches),
        sum(branch.number for branch in branches),
    )


def _details(layer: Primitive, shape: Shape) -> tuple[str, ...]:
    match layer:
        case Conv(kernel=kernel, groups=groups):
            sides = kernel if isinstance(kernel, tuple) else (kernel, kernel)
            window = "x".join(map(str, sides))
            return (window, "depthwise") if groups == shape[0] > 1 else (window,)
        case Pool(kind=kind) | Norm(kind=kind) | Activation(kind=kind):
            return (kind,)
    return ()
