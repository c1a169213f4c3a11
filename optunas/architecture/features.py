"""The numbers that a predictor sees: what is in a network, how deep, how wide, by how many paths.

They are read off the normal form, so equal networks have equal features whatever their spelling,
and they name nothing but what every network has: a cell of a benchmark, a transformer and a plain
CNN share one vocabulary. Absent means zero: `features(a).get(name, 0.0)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
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
_NONE: Mapping[str, int] = {}


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
    seen = _walk(lowered.steps)
    numbers = {
        "log2.params": log2(1 + lowered.params),
        "log2.macs": log2(1 + lowered.macs),
        "depth.longest": float(seen.routes.longest),
        "depth.shortest": float(seen.routes.shortest),
        "log2.paths": log2(max(seen.routes.number, 1.0)),
        "log2.widest": log2(max(seen.widest, 1)),
        "log2.pixels.out": log2(max(seen.pixels, 1)),
    }
    counts = {f"count.{name}": float(count) for name, count in seen.counts.items()}
    total = max(lowered.macs, 1)
    shares = {f"share.macs.{name}": macs / total for name, macs in seen.macs.items()}
    return numbers | counts | shares


@dataclass(frozen=True)
class _Seen:
    """What a walk has met: names and how often, MACs by kind, channels, the last map's pixels."""

    counts: Mapping[str, int]
    macs: Mapping[str, int]
    widest: int
    pixels: int
    routes: _Routes


def _walk(steps: tuple[Step, ...]) -> _Seen:
    met = [_known(step) for step in steps]
    routes = reduce(_Routes.then, [seen.routes for seen in met], _HERE)
    return _put_together(met, routes)


def _put_together(met: list[_Seen], routes: _Routes, joins: Mapping[str, int] = _NONE) -> _Seen:
    counts, macs = dict(joins), dict[str, int]()
    for seen in met:
        for name, count in seen.counts.items():
            counts[name] = counts.get(name, 0) + count
        for name, count in seen.macs.items():
            macs[name] = macs.get(name, 0) + count
    widest = max([seen.widest for seen in met], default=0)
    pixels = next((seen.pixels for seen in reversed(met) if seen.pixels), 0)
    return _Seen(counts, macs, widest, pixels, routes)


def _known(step: Step) -> _Seen:
    """What is in a step; steps repeat, within a network and between candidates."""
    name = (step.token, step.input)
    seen = _STEPS.get(name)
    if seen is None:
        if len(_STEPS) >= REMEMBERED:
            _STEPS.clear()
        seen = _STEPS[name] = _look(step)
    return seen


_STEPS: dict[tuple[str, Shape], _Seen] = {}
REMEMBERED = 1 << 14


def _look(step: Step) -> _Seen:
    match step:
        case Operation():
            return _operation(step)
        case Fork(join=join, branches=branches):
            met = [_walk(branch) for branch in branches]
            joins = {f"join.{join}": len(branches) - 1}
            return _put_together(met, _together([seen.routes for seen in met]), joins)
        case Web():
            return _web(step)


def _web(web: Web) -> _Seen:
    """Each value is reached by the routes of all edges that lead to it, and theirs before."""
    values, met, joins = [_HERE], [], Counter[str]()
    for meeting in web.meetings:
        edges = [(values[source], _walk(steps)) for source, steps in meeting.edges]
        met += [seen for _, seen in edges]
        if len(edges) > 1:
            joins[f"join.{meeting.join}"] += len(edges) - 1
        values.append(_together([before.then(seen.routes) for before, seen in edges]))
    return _put_together(met, values[-1], joins)


def _operation(step: Operation) -> _Seen:
    kind, output = type(step.layer).__name__, step.output
    counts = {kind: 1} | {f"{kind}.{said}": 1 for said in _details(step.layer, step.input)}
    macs = step.layer.macs(step.input)
    image = len(output) == 3
    pixels = prod(output[1:]) if image else 0
    return _Seen(
        counts,
        {kind: macs} if macs else {},
        output[0] if image else output[-1],
        pixels if pixels > 1 else 0,
        _Routes(1, 1, 1.0) if macs else _HERE,
    )


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
