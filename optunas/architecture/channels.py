"""Channels taken apart and put in another order: no arithmetic, no parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace

from optunas.architecture.checks import positive
from optunas.architecture.layer import Primitive, Shape, pixels
from optunas.errors import OptunasError, ShapeError


@dataclass(frozen=True)
class Slice(Primitive):
    """The channels from `start` up to `stop`, as in Python. (C, H, W) -> (stop - start, H, W).

    `stop=None` means to the end. Flat features, (F,), are sliced likewise.
    """

    start: int = 0
    stop: int | None = None

    def __post_init__(self) -> None:
        start, stop = self.start, self.stop
        whole = type(start) is int and (stop is None or type(stop) is int)
        if not whole or start < 0 or (stop is not None and stop <= start):
            raise OptunasError(
                "Slice takes whole numbers with 0 <= start < stop; "
                f"got start={start!r:.80} and stop={stop!r:.80}"
            )

    def output(self, shape: Shape) -> Shape:
        _channels(self, shape)
        stop = shape[0] if self.stop is None else self.stop
        if not self.start < stop <= shape[0]:
            least = max(self.start + 1, stop)
            raise ShapeError(f"{self} needs {least} channels; the input is {pixels(shape)}")
        return (stop - self.start, *shape[1:])

    def keeps_zero(self, shape: Shape) -> bool:
        return True

    def resolved(self, shape: Shape) -> Slice:
        return replace(self, stop=shape[0]) if self.stop is None else self

    def is_identity(self, shape: Shape) -> bool:
        return self.start == 0 and self.stop in (None, shape[0])


@dataclass(frozen=True)
class Shuffle(Primitive):
    """Deals the channels of each group out among all groups (ShuffleNet, Zhang et al. 2018).

    (C, H, W), or (F,): the shape stays. With two groups of three, 0 1 2 3 4 5 become 0 3 1 4 2 5,
    so that a grouped or sliced layer sees what came from every group before it.
    """

    groups: int

    def __post_init__(self) -> None:
        positive(self, groups=self.groups)

    def output(self, shape: Shape) -> Shape:
        _channels(self, shape)
        if shape[0] % self.groups:
            raise ShapeError(
                f"the groups to shuffle must divide the channels; "
                f"they are {self.groups} and {shape[0]}"
            )
        return shape

    def keeps_zero(self, shape: Shape) -> bool:
        return True

    def is_identity(self, shape: Shape) -> bool:
        return self.groups in (1, shape[0])

    def then(self, other: Shuffle, channels: int) -> Shuffle | None:
        """Both, one after the other, as one; None where no single shuffle does the same.

        A channel goes from place p to p * groups modulo (channels - 1), where the last stays.
        """
        groups = self.groups * other.groups % (channels - 1)
        return Shuffle(groups) if groups and channels % groups == 0 else None


def _channels(layer: Primitive, shape: Shape) -> None:
    if len(shape) not in (1, 3):
        raise ShapeError(
            f"{type(layer).__name__} needs (C, H, W) or (F,); the input is {pixels(shape)}"
        )
