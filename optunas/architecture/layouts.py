"""Which layouts of the same numbers are one: an image's pixels, and the tokens read from them.

A change of layout moves before what treats every pixel, or every number, alike; one that undoes the
one before it vanishes with it; and what is pooled over all tokens was pooled over all pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod

from optunas.architecture.layer import Layer, Primitive, spelled, width
from optunas.architecture.layers import Activation, Dropout, DropPath, Flatten, Norm, Scale
from optunas.architecture.pooling import GlobalPool
from optunas.architecture.steps import Operation, Step
from optunas.architecture.tokens import ToImage, TokenPool, ToTokens

ALIKE = (Activation, Dropout, DropPath)
"""They treat every number alike, wherever it stands."""

PIXELWISE = (*ALIKE, Norm, Scale)
"""They treat every pixel alike; norms also see all pixels together, in whatever order."""

Append = Callable[[list[Step], Step], None]


def relaid(steps: list[Step], step: Operation, append: Append) -> bool:
    """Take a change of layout, or a pooling, into the operations before it."""
    before = steps[-1]
    assert isinstance(before, Operation)
    match before.layer, step.layer:
        case ToTokens(by="pixel"), ToImage() if step.output == before.input:
            steps.pop()
        case ToImage(), ToTokens(by="pixel"):
            steps.pop()
        case (ToTokens() | ToImage(), Flatten()) if _in_order(before):
            steps.pop()
            append(steps, replace(step, input=before.input))
        case _, Flatten() | ToTokens() | ToImage() if isinstance(before.layer, _passing(step)):
            steps.pop()
            append(steps, replace(step, input=before.input))
            steps.append(replace(before, input=step.output, output=step.output))
        case ((Activation() | Dropout() | DropPath() | Scale()), TokenPool(kind=kind)) if (
            kind not in POOLS_OF_TOKENS  # it only picks
        ):
            steps.pop()
            append(steps, replace(step, input=before.input))
            steps.append(replace(before, input=step.output, output=step.output))
        case _, Flatten() | TokenPool() | GlobalPool(keep=False):
            return _before_layout(steps, step, append)
        case _:
            return False
    return True


def _in_order(layout: Operation) -> bool:
    match layout.layer:
        case ToTokens() as layer:
            return not layer.reorders(layout.input)
    return 1 in layout.input


def _passing(layout: Operation) -> tuple[type[Layer], ...]:
    """What a change of layout may move across."""
    pixels = layout.layer == ToTokens() or isinstance(layout.layer, ToImage)
    lone = prod(layout.input) == width(layout.input)
    return PIXELWISE if pixels or lone else ALIKE


def _before_layout(steps: list[Step], pool: Operation, append: Append) -> bool:
    """Pool, or flatten, where the numbers come from, without the change of layout."""
    first = len(steps)
    while first and pixelwise(steps[first - 1]):
        first -= 1
    layout = steps[first - 1] if first else None
    if not isinstance(layout, Operation):
        return False
    source: Primitive
    match layout.layer, pool.layer:
        case ToTokens(by="pixel"), TokenPool(kind=kind) if kind in POOLS_OF_TOKENS:
            source = GlobalPool(POOLS_OF_TOKENS[kind])
        case ToImage(), GlobalPool(kind=kind):
            source = TokenPool(next(t for t, p in POOLS_OF_TOKENS.items() if p == kind))
        case (ToTokens(by="pixel") | ToImage(), Flatten()) if _in_order(layout):
            source = Flatten()
        case _:
            return False
    between = steps[first:]
    del steps[first - 1 :]
    for part in between:
        append(steps, replace(part, input=layout.input, output=layout.input))
    append(steps, Operation(source, spelled(source), layout.input, pool.output))
    return True


def pixelwise(step: Step) -> bool:
    """Whether a step treats every pixel alike, whatever the layout."""
    return isinstance(step, Operation) and isinstance(step.layer, PIXELWISE)


POOLS_OF_TOKENS = {"mean": "avg", "max": "max"}
