"""The blocks of vision transformers, each said in simpler layers."""

from __future__ import annotations

from dataclasses import dataclass

from optunas.architecture.attention import Attention, WindowAttention
from optunas.architecture.checks import fraction, number, positive
from optunas.architecture.compose import Residual, Sequential
from optunas.architecture.layer import Block, Layer, Pair, Shape
from optunas.architecture.layers import Activation, Conv, Dropout, DropPath, Linear, Norm, image
from optunas.architecture.pooling import Pool
from optunas.architecture.tokens import ToTokens, tokens
from optunas.errors import OptunasError


@dataclass(frozen=True)
class PatchEmbed(Block):
    """Cuts an image into patches, each described by `width` features (ViT).

    (C, H, W) -> (ceil(H / size) * ceil(W / size), width). Zeros fill the patches at the edges where
    the size doesn't divide.
    """

    width: int
    size: int = 16

    def __post_init__(self) -> None:
        positive(self, width=self.width, size=self.size)

    def expand(self, shape: Shape) -> Layer:
        image(self, shape)
        down, across = (-(-(-side % self.size) // 2) for side in shape[1:])
        padding = (down, across)
        conv = Conv(self.width, self.size, self.size, padding=padding, bias=True)
        return Sequential(conv, ToTokens())


@dataclass(frozen=True)
class TransformerBlock(Block):
    """Attention, then a two-layer perceptron on each token. Keeps the shape, (L, D).

    Each behind a layer normalisation and around a shortcut (ViT, Dosovitskiy et al. 2021). The
    perceptron's hidden layer has `ratio` times the features. `dropout` falls after each of the
    three, `drop_path` on both branches.
    """

    heads: int
    ratio: float = 4.0
    head_width: int | None = None
    activation: str = "gelu"
    dropout: float = 0.0
    drop_path: float = 0.0
    eps: float = 1e-6

    def __post_init__(self) -> None:
        _check(self)

    def expand(self, shape: Shape) -> Layer:
        tokens(self, shape)
        width = shape[1]
        attend = Attention(self.heads, self.head_width)
        perceptron = (
            Linear(hidden(width, self.ratio)),
            Activation(self.activation),
            Dropout(self.dropout),
            Linear(width),
        )
        return Sequential(_branch(self, attend), _branch(self, *perceptron))


@dataclass(frozen=True)
class WindowBlock(Block):
    """A transformer block on images: attention in windows, a perceptron on each pixel.

    (C, H, W) -> (channels, H', W'). Swin's block (Liu et al. 2021), twice a stage with `shift=0`
    and half a window; with `window=None` that of CoAtNet (Dai et al. 2021), which looks at the
    whole image. `channels=None` keeps them. With `halve`, or other channels, the branch of the
    attention begins with 2x2 max-pooling, and so does the shortcut, with a 1x1 convolution where
    the channels change (CoAtNet).
    """

    heads: int
    window: Pair | None = 7
    shift: Pair = 0
    ratio: float = 4.0
    head_width: int | None = None
    channels: int | None = None
    halve: bool = False
    activation: str = "gelu"
    dropout: float = 0.0
    drop_path: float = 0.0
    eps: float = 1e-5

    def __post_init__(self) -> None:
        _check(self)
        if self.channels is not None:
            positive(self, channels=self.channels)

    def expand(self, shape: Shape) -> Layer:
        image(self, shape)
        channels = self.channels or shape[0]
        smaller = (Pool("max", 2, ceil=True),) if self.halve else ()
        other = (Conv(channels, 1),) if channels != shape[0] else ()
        attend = WindowAttention(
            self.heads, self.window, self.shift, self.head_width, features=channels
        )
        perceptron = (
            Conv(hidden(channels, self.ratio), 1, bias=True),
            Activation(self.activation),
            Dropout(self.dropout),
            Conv(channels, 1, bias=True),
        )
        return Sequential(
            _branch(self, *smaller, attend, shortcut=Sequential(*smaller, *other)),
            _branch(self, *perceptron),
        )


def hidden(width: int, ratio: float) -> int:
    """Features of a perceptron's hidden layer."""
    return max(1, round(width * ratio))


def _branch(
    block: TransformerBlock | WindowBlock, *body: Layer, shortcut: Layer | None = None
) -> Layer:
    norm = Norm("layer", eps=block.eps)
    drop = (Dropout(block.dropout), DropPath(block.drop_path))
    return Residual(Sequential(norm, *body, *drop), shortcut)


def _check(block: TransformerBlock | WindowBlock) -> None:
    positive(block, heads=block.heads)
    number(block, ratio=block.ratio)
    fraction(block, dropout=block.dropout, drop_path=block.drop_path)
    if block.ratio <= 0:
        raise OptunasError(f"{type(block).__name__}.ratio must be above 0; got {block.ratio!r}")
    if block.head_width is not None:
        positive(block, head_width=block.head_width)
