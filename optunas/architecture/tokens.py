"""Sequences of tokens, (L, D): from images to them and back, positions, a class token, pooling."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from optunas.architecture.checks import one_of, positive, positive_pair
from optunas.architecture.layer import Layer, Pair, Primitive, Shape, pixels
from optunas.architecture.layers import Flatten, image, put
from optunas.architecture.windows import pair, simple
from optunas.errors import ShapeError

READINGS = ("pixel", "row", "column")
POSITIONS = ("learned", "sine")
TOKEN_POOLS = ("mean", "max", "first", "last", "ends")


def tokens(layer: Layer, shape: Shape) -> None:
    """Check that a layer gets a sequence of tokens."""
    if len(shape) != 2:
        raise ShapeError(
            f"{type(layer).__name__} needs a sequence of tokens (length, features): put ToTokens() "
            f"before it; the input is {pixels(shape)}"
        )


@dataclass(frozen=True)
class ToTokens(Primitive):
    """Reads an image as a sequence. (C, H, W) -> (L, D); a sequence stays as it is.

    `by` says what a token is: a `pixel`, row after row (H * W tokens of C features; after a strided
    convolution these are patches), a `row` (H tokens of C * W) or a `column` (W tokens of C * H).
    A series of measurements is an image of height 1: its pixels, or columns, are the time steps.
    """

    by: str = "pixel"

    def __post_init__(self) -> None:
        one_of(self, by=(self.by, READINGS))

    def output(self, shape: Shape) -> Shape:
        if len(shape) == 2:
            return shape
        image(self, shape)
        channels, height, width = shape
        if self.by == "row":
            return (height, channels * width)
        if self.by == "column":
            return (width, channels * height)
        return (height * width, channels)

    def resolved(self, shape: Shape) -> ToTokens:
        if len(shape) == 2:
            return self
        a_pixel = (self.by == "row" and shape[2] == 1) or (self.by == "column" and shape[1] == 1)
        return replace(self, by="pixel") if a_pixel else self

    def reorders(self, shape: Shape) -> bool:
        """Whether the numbers come in another order than in the image, all in a row."""
        stays = {"pixel": shape[0] == 1 or prod(shape[1:]) == 1, "row": 1 in shape[:2]}
        return not stays.get(self.by, False)

    def is_identity(self, shape: Shape) -> bool:
        return len(shape) == 2


@dataclass(frozen=True)
class ToImage(Primitive):
    """Lays a sequence out as an image, row after row. (L, D) -> (D, height, L / height).

    `ToImage()` gives one row: a convolution with a (1, k) kernel then slides along the sequence.
    """

    height: int = 1

    def __post_init__(self) -> None:
        positive(self, height=self.height)

    def output(self, shape: Shape) -> Shape:
        tokens(self, shape)
        if shape[0] % self.height:
            raise ShapeError(
                f"{shape[0]} tokens make no image of {self.height} rows: give ToImage a height "
                "that divides them"
            )
        return (shape[1], self.height, shape[0] // self.height)


@dataclass(frozen=True)
class ClassToken(Primitive):
    """A learned token before the others, to gather what the classifier reads (ViT).

    (L, D) -> (L + 1, D). Dosovitskiy et al. 2021, after BERT.
    """

    def output(self, shape: Shape) -> Shape:
        tokens(self, shape)
        return (shape[0] + 1, shape[1])

    def params(self, shape: Shape) -> int:
        return shape[1]


@dataclass(frozen=True)
class Position(Primitive):
    """Adds to each token what tells where it stands. Keeps the shape, (L, D).

    `learned` for each place (ViT), or the fixed `sine` waves of Vaswani et al. 2017.
    """

    kind: str = "learned"

    def __post_init__(self) -> None:
        one_of(self, kind=(self.kind, POSITIONS))

    def output(self, shape: Shape) -> Shape:
        tokens(self, shape)
        return shape

    def params(self, shape: Shape) -> int:
        return prod(shape) if self.kind == "learned" else 0


@dataclass(frozen=True)
class TokenPool(Primitive):
    """One token for the whole sequence. (L, D) -> (D,).

    The `mean` or `max` of each feature over the sequence, the `first` token (a class token), the
    `last` (the state after the last step), or both `ends`: the first half of the features from the
    last token and the second half from the first, which are the final states of a recurrence in
    both directions.
    """

    kind: str = "mean"

    def __post_init__(self) -> None:
        one_of(self, kind=(self.kind, TOKEN_POOLS))

    def output(self, shape: Shape) -> Shape:
        tokens(self, shape)
        if self.kind == "ends" and shape[1] % 2:
            raise ShapeError(f"both ends give half the features each; there are {shape[1]}")
        return (shape[1],)

    def resolved(self, shape: Shape) -> Primitive:
        return Flatten() if shape[0] == 1 else self


@dataclass(frozen=True)
class SpaceToDepth(Primitive):
    """Each block of `size` x `size` pixels becomes one. (C, H, W) -> (size² C, H / size, W / size).

    Zeros fill the last blocks where the size doesn't divide. The channels of a block's pixels
    follow each other column by column, the order of Swin's patch merging (Liu et al. 2021).
    """

    size: Pair = 2

    def __post_init__(self) -> None:
        positive_pair(self, size=self.size)
        put(self, "size", simple(self.size))

    def output(self, shape: Shape) -> Shape:
        image(self, shape)
        down, across = pair(self.size)
        return (shape[0] * down * across, -(-shape[1] // down), -(-shape[2] // across))

    def is_identity(self, shape: Shape) -> bool:
        return self.size == 1
