"""`build`: a description becomes a network.

The network is built from the normal form, so two descriptions with the same key give the same
module, weight for weight. What torch has, torch gives: the network is made of plain `torch.nn`
layers in an `nn.Sequential`, with a few small modules of ours.
"""

from __future__ import annotations

from functools import singledispatch

import torch
from torch import nn

from optunas import architecture as described
from optunas.architecture import Layer, Primitive, Shape
from optunas.architecture.layer import width
from optunas.architecture.normal import lower
from optunas.architecture.steps import Fork, Step, Web
from optunas.errors import OptunasError
from optunas.nn.graph import Graph
from optunas.nn.initialise import initialise
from optunas.nn.modules import (
    ChannelNorm,
    DropPath,
    Parallel,
    Scale,
    TokenBatchNorm,
    TokenGroupNorm,
)


def build(
    architecture: Layer,
    input_shape: Shape,
    classes: int | None = None,
    *,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> nn.Module:
    """The network that `architecture` describes, for inputs of `input_shape`, (C, H, W).

    x: (B, C, H, W) float -> logits (B, classes). The same seed gives the same weights on every
    device. On `device="meta"` the network has shapes and no memory. Raises `ShapeError`.
    """
    steps = lower(architecture, input_shape, classes).steps
    with torch.device("meta"):
        network = _sequence(steps)
    if torch.device(device).type == "meta":
        return network
    return initialise(network, torch.Generator().manual_seed(seed)).to(device)


def _sequence(steps: tuple[Step, ...]) -> nn.Module:
    modules = [_step(step) for step in steps]
    return modules[0] if len(modules) == 1 else nn.Sequential(*modules)


def _step(step: Step) -> nn.Module:
    if isinstance(step, Fork):
        return Parallel(map(_sequence, step.branches), step.join)
    if isinstance(step, Web):
        return _graph(step)
    return module(step.layer, step.input)


def _graph(web: Web) -> nn.Module:
    nodes = [meeting.edges for meeting in web.meetings]
    return Graph(
        edges=[[_sequence(steps) for _, steps in edges] for edges in nodes],
        sources=[[source for source, _ in edges] for edges in nodes],
        joins=[meeting.join for meeting in web.meetings],
    )


@singledispatch
def module(layer: Primitive, shape: Shape) -> nn.Module:
    """The module of one primitive for inputs of `shape`; a kind of primitive registers its own."""
    raise OptunasError(
        f"no module is known for {type(layer).__name__}: register one with "
        "@optunas.nn.build.module.register, or make it a Block of known layers"
    )


@module.register
def _(layer: described.Conv, shape: Shape) -> nn.Module:
    return nn.Conv2d(
        shape[0],
        layer.output(shape)[0],
        layer.kernel,
        layer.stride,
        layer.pad,
        layer.dilation,
        layer.groups,
        layer.bias,
    )


@module.register
def _(layer: described.Norm, shape: Shape) -> nn.Module:
    channels, eps = width(shape), layer.epsilon
    if len(shape) == 2 and layer.kind == "batch":
        return TokenBatchNorm(channels, eps)
    if len(shape) == 2 and layer.kind == "group":
        return TokenGroupNorm(layer.groups, channels, eps)
    if layer.kind == "group":
        return nn.GroupNorm(layer.groups, channels, eps)
    if layer.kind == "layer":
        return (ChannelNorm if len(shape) == 3 else nn.LayerNorm)(channels, eps)
    return (nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d)(channels, eps)


_ACTIVATION: dict[str, type[nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "hardsigmoid": nn.Hardsigmoid,
    "hardswish": nn.Hardswish,
    "leaky_relu": nn.LeakyReLU,
    "mish": nn.Mish,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


@module.register
def _(layer: described.Activation, shape: Shape) -> nn.Module:
    return _ACTIVATION[layer.kind]()


@module.register
def _(layer: described.Pool, shape: Shape) -> nn.Module:
    if layer.kind == "max":
        return nn.MaxPool2d(layer.kernel, layer.step, layer.padding, ceil_mode=layer.ceil)
    return nn.AvgPool2d(layer.kernel, layer.step, layer.padding, layer.ceil, layer.count_padding)


@module.register
def _(layer: described.GlobalPool, shape: Shape) -> nn.Module:
    pool = nn.AdaptiveAvgPool2d(1) if layer.kind == "avg" else nn.AdaptiveMaxPool2d(1)
    return pool if layer.keep else nn.Sequential(pool, nn.Flatten())


@module.register
def _(layer: described.Flatten, shape: Shape) -> nn.Module:
    return nn.Flatten()


@module.register
def _(layer: described.Linear, shape: Shape) -> nn.Module:
    return nn.Linear(shape[-1], layer.output(shape)[-1], layer.bias)


@module.register
def _(layer: described.Dropout, shape: Shape) -> nn.Module:
    return nn.Dropout(layer.p)


@module.register
def _(layer: described.DropPath, shape: Shape) -> nn.Module:
    return DropPath(layer.p)


@module.register
def _(layer: described.Scale, shape: Shape) -> nn.Module:
    return Scale(width(shape), layer.init, 3 if len(shape) == 3 else 1)
