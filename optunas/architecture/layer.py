"""What a description is made of: layers, and blocks that are said in simpler layers.

An architecture is a layer, and a layer is an architecture: a frozen value that can be compared,
hashed, stored, priced and drawn without torch. There are three kinds of node:

* a `Primitive` is one operation (a convolution, a pooling); it knows its output shape and its cost;
* a composition (`Sequential`, `Parallel`) joins layers;
* a `Block` is a name for something said in simpler layers: `expand(shape)` says it. A new kind of
  block is one class with that one method; cost, key, network and picture follow from it.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from typing import Any, ClassVar

from optunas.errors import OptunasError

Shape = tuple[int, ...]
"""Without the batch: `(C, H, W)` images, `(L, D)` sequences of tokens, `(F,)` flat features."""

Pair = int | tuple[int, int]
"""One number for both directions, or (vertical, horizontal)."""


@dataclass(frozen=True)
class Layer:
    """A description of a part of a network: immutable, comparable, hashable, free of torch."""

    kinds: ClassVar[dict[str, type[Layer]]] = {}
    """Every kind of layer by its name, users' own included, so that JSON can be read back."""

    def __init_subclass__(cls, abstract: bool = False) -> None:
        if abstract:
            return
        known = Layer.kinds.setdefault(cls.__name__, cls)
        if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise OptunasError(
                f"a kind of layer needs a name of its own; {cls.__name__!r} of {cls.__module__} is "
                f"already that of {known.__module__}: rename the class"
            )
        Layer.kinds[cls.__name__] = cls  # the newer one: a notebook cell that ran twice

    def __str__(self) -> str:
        """As one would write it, without the fields that have their defaults."""
        return spelled(self)

    def diagram(
        self, input_shape: Shape | None = None, classes: int | None = None, *, detail: int = 0
    ) -> str:
        """The picture as an SVG text; `optunas.architecture.diagram` tells what is in it."""
        from optunas.architecture.diagram import diagram

        return diagram(self, input_shape, classes, detail=detail)

    def _repr_svg_(self) -> str:
        """Jupyter shows a description as its picture."""
        return self.diagram()


@dataclass(frozen=True)
class Primitive(Layer, abstract=True):
    """One operation, with the shape it gives and what it costs at a given input shape."""

    def output(self, shape: Shape) -> Shape:
        """Shape after this layer; raises `ShapeError` where `shape` can't be taken."""
        return shape

    def params(self, shape: Shape) -> int:
        """Trainable numbers."""
        return 0

    def macs(self, shape: Shape) -> int:
        """Multiply-accumulates for one input.

        Counted where torch's `FlopCounterMode` counts (two operations each): convolutions and
        matrix products. Normalisation, activation and pooling count as zero.
        """
        return 0

    def is_identity(self, shape: Shape) -> bool:
        """Whether the layer gives back exactly what it gets, in training as in evaluation."""
        return False

    def for_classes(self, classes: int) -> Primitive:
        """The same, with the number of classes where this layer leaves it open."""
        return self

    def keeps_zero(self, shape: Shape) -> bool:
        """Whether zeros give zeros, whatever the parameters."""
        return False

    def resolved(self, shape: Shape) -> Primitive:
        """The one spelling of this operation for an input of `shape`, among those that say it."""
        return self


@dataclass(frozen=True)
class Block(Layer, abstract=True):
    """A name for something said in simpler layers."""

    def expand(self, shape: Shape) -> Layer:
        """The same, said in simpler layers, for an input of this shape."""
        raise OptunasError(f"{type(self).__name__} is a Block: give it expand(shape) -> Layer")


def pixels(shape: Shape) -> str:
    """A shape as a person says it: `64 channels of 8x8`."""
    if len(shape) == 3:
        return f"{shape[0]} channels of {shape[1]}x{shape[2]}"
    if len(shape) == 2:
        return f"{shape[0]} tokens of {shape[1]} features"
    return f"{shape[0]} flat features" if len(shape) == 1 else f"shape {shape}"


def width(shape: Shape) -> int:
    """How many numbers a pixel, a token or a flat vector has: channels, or features."""
    return shape[-1] if len(shape) == 2 else shape[0]


def spelled(layer: Layer) -> str:
    """Equal exactly for equal layers: `Conv(32, kernel=5)`, without what has its default."""
    words: list[str] = []
    for position, (name, default) in enumerate(_fields(type(layer))):  # type: ignore[arg-type]
        value = getattr(layer, name)
        if value == default:
            continue
        required = default is MISSING and position == len(words)
        words.append(_text(value) if required else f"{name}={_text(value)}")
    return f"{type(layer).__name__}({', '.join(words)})"


@lru_cache
def _fields(kind: Any) -> tuple[tuple[str, object], ...]:
    return tuple((field.name, field.default) for field in fields(kind))


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # 1.0 and 1 are equal
    return str(value) if isinstance(value, Layer) else repr(value)
