"""The network that a stored trial describes, whoever wrote it there. No torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from optuna.trial import FrozenTrial

from optunas.architecture import Layer, Row, Shape, from_json, summary
from optunas.errors import OptunasError

REASON_LENGTH = 200  # signs
T = TypeVar("T")


class Described(NamedTuple):
    """An architecture, (C, H, W) of its input, and the number of classes."""

    architecture: Layer
    input_shape: Shape
    classes: int | None

    def rows(self) -> list[Row]:
        """Its layers in order, each with its shape and cost; raises OptunasError."""
        return _readable(lambda: list(summary(*self)))

    def picture(self) -> str:
        """Its picture, an SVG; raises OptunasError."""
        return _readable(lambda: self.architecture.diagram(self.input_shape, self.classes))


def described(trial: FrozenTrial) -> Described:
    """The network of a trial; raises OptunasError where none is stored, or none that can be read.

    A trial of an own function `trial -> nn.Module` has none, nor one that failed early.
    """
    known = trial.user_attrs
    if "architecture" not in known:
        raise OptunasError(
            "it has no described architecture: it was a function of your own, or did not come so "
            "far"
        )
    return _readable(
        lambda: Described(
            from_json(known["architecture"]),
            tuple(int(size) for size in known["input_shape"]),
            known.get("classes"),
        )
    )


def _readable(read: Callable[[], T]) -> T:
    try:
        return read()
    except Exception as error:  # a person's own kind of layer, or nonsense, may raise anything
        said = " ".join(str(error).split())[:REASON_LENGTH] or type(error).__name__
        raise OptunasError(f"its architecture can't be read: {said}") from None
