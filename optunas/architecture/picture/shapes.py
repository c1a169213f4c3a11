"""What a layout is made of: boxes, frames, wires, joins and notes, at their places in px."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from optunas.architecture.picture.scene import Frame, Leaf
from optunas.architecture.picture.text import width


@dataclass(frozen=True)
class Run:
    """A text in one style; `role` is one of `text.SIZES`."""

    text: str
    role: str

    @property
    def width(self) -> float:
        """Px that it takes at most."""
        return width(self.text, self.role)


@dataclass(frozen=True)
class Line:
    """A line of a box: texts from the left, and one that ends at the right."""

    left: tuple[Run, ...]
    right: Run | None = None

    @property
    def width(self) -> float:
        """Px that it takes at most, gaps included."""
        texts = [*self.left, *([self.right] if self.right else [])]
        return sum(run.width for run in texts) + GAP * (len(texts) - 1)


GAP = 7
"""Px between texts of one line."""


@dataclass(frozen=True)
class Placed:
    """Something at a place; (x, y) is its upper left corner, or its middle where said."""

    x: float
    y: float


@dataclass(frozen=True)
class Box(Placed):
    """A layer's box."""

    width: float
    height: float
    leaf: Leaf
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Border(Placed):
    """A frame with its label in the upper left corner."""

    width: float
    height: float
    frame: Frame
    label: Line


@dataclass(frozen=True)
class Join(Placed):
    """Where branches meet; (x, y) is its middle. `note` stands beside it."""

    join: str
    width: float
    note: str = ""
    note_left: bool = False


@dataclass(frozen=True)
class Note(Placed):
    """A pill with a text, such as the input; (x, y) is its middle."""

    text: str
    width: float


@dataclass(frozen=True)
class Legend(Placed):
    """A bar's colour (`params` or `macs`) with a text at its right."""

    bar: str
    text: str


@dataclass(frozen=True)
class Wire(Placed):
    """A line through points relative to (x, y), with an arrow head at its end or without."""

    points: tuple[tuple[float, float], ...]
    head: bool = False
    curved: bool = False


@dataclass(frozen=True)
class Dot(Placed):
    """An input of a graph; (x, y) is its middle."""


P = TypeVar("P", bound=Placed)


def moved(things: Iterable[P], dx: float, dy: float) -> tuple[P, ...]:
    """The things, elsewhere."""
    return tuple(replace(thing, x=thing.x + dx, y=thing.y + dy) for thing in things)


@dataclass(frozen=True)
class Part:
    """A laid-out part: its size, where the wire comes in and goes out, what is in it.

    `open`: it begins with a wire, so that none with an arrow head has to lead to it. `inlets`:
    where its wires come in, if it has several inputs.
    """

    width: float
    height: float
    port: float
    things: tuple[Placed, ...]
    open: bool = False
    inlets: tuple[float, ...] = ()
