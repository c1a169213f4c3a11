"""What a network costs, before it exists: its output's shape, parameters and MACs, exact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from optunas.architecture.compose import Sequential
from optunas.architecture.layer import Layer, Shape
from optunas.architecture.normal import lower


@dataclass(frozen=True)
class Cost:
    """`params`: trainable numbers; `macs`: multiply-accumulates for one input."""

    params: int
    macs: int
    output_shape: Shape


@dataclass(frozen=True)
class Row:
    """One line of a summary: a layer, the shape that it gives, and its share of the cost."""

    layer: Layer
    output_shape: Shape
    params: int
    macs: int


def cost(architecture: Layer, input_shape: Shape, classes: int | None = None) -> Cost:
    """Price `architecture` for inputs of `input_shape`, (C, H, W) for images.

    `classes` is what `Linear()` without a number stands for. Equal to torch's own count:
    `sum(p.numel() for p in network.parameters())`, and half of `FlopCounterMode`'s operations.
    Raises `ShapeError` where the shapes don't fit.
    """
    lowered = lower(architecture, input_shape, classes)
    return Cost(lowered.params, lowered.macs, lowered.output)


def summary(architecture: Layer, input_shape: Shape, classes: int | None = None) -> Iterator[Row]:
    """The layers that a person wrote, in order, each with the shape after it and its own cost."""
    shape = lower(architecture, input_shape, classes).input
    for layer in _written(architecture):
        part = lower(layer, shape, classes)
        yield Row(layer, part.output, part.params, part.macs)
        shape = part.output


def _written(architecture: Layer) -> Iterator[Layer]:
    if not isinstance(architecture, Sequential):
        yield architecture
        return
    for layer in architecture.layers:
        yield from _written(layer)
