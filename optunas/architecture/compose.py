"""How layers are joined: in sequence, in parallel, around a shortcut."""

from __future__ import annotations

from dataclasses import dataclass

from optunas.architecture.checks import one_of
from optunas.architecture.layer import Layer, Shape, pixels
from optunas.architecture.layers import NORMS, Conv, Norm, as_norm, image, put, usual
from optunas.errors import OptunasError, ShapeError

JOINS = ("sum", "concat", "multiply")


@dataclass(frozen=True, init=False)
class Sequential(Layer):
    """Layers one after another: `Sequential(Conv(32), Activation(), GlobalPool(), Linear())`."""

    layers: tuple[Layer, ...]

    def __init__(self, *layers: Layer) -> None:
        _layers(self, layers)
        object.__setattr__(self, "layers", layers)

    def __str__(self) -> str:
        return " > ".join(map(str, self.layers)) or "Identity()"


@dataclass(frozen=True, init=False)
class Parallel(Layer):
    """Branches that see the same input, joined: by sum, by concatenating channels, by product.

    `sum` needs equal shapes; `concat` equal height and width (tokens: equal length; their features
    are concatenated); `multiply` broadcasts (C, 1, 1) over
    (C, H, W), which makes a gate such as squeeze-and-excitation.
    """

    branches: tuple[Layer, ...]
    join: str = "sum"

    def __init__(self, *branches: Layer, join: str = "sum") -> None:
        if not branches:
            raise OptunasError("Parallel needs at least one branch; got none")
        _layers(self, branches)
        object.__setattr__(self, "branches", branches)
        object.__setattr__(self, "join", join)
        one_of(self, join=(join, JOINS))

    def __str__(self) -> str:
        return f"{self.join}[{' | '.join(map(str, self.branches))}]"


@dataclass(frozen=True)
class Residual(Layer):
    """`body(x) + shortcut(x)` (He et al. 2016).

    Without a `shortcut` it is the identity where the shapes agree, else a strided 1x1 convolution
    with normalisation (`norm=None`: without).
    """

    body: Layer
    shortcut: Layer | None = None
    norm: str | Norm | None = "batch"

    def __post_init__(self) -> None:
        _layers(self, (self.body,) if self.shortcut is None else (self.body, self.shortcut))
        put(self, "norm", usual(self.norm))
        if not isinstance(self.norm, Norm):
            one_of(self, norm=(self.norm, (*NORMS, None)))

    def beside(self, shape: Shape, target: Shape) -> Layer:
        """What stands beside a body that leads from `shape` to `target`."""
        if self.shortcut is not None:
            return self.shortcut
        if target == shape:
            return Sequential()
        image(self, shape)
        image(self, target)
        (_, height, width), (channels, *wanted) = shape, target
        conv = Conv(channels, 1, stride=(-(-height // wanted[0]), -(-width // wanted[1])))
        if conv.output(shape) != target:
            raise ShapeError(
                f"no strided 1x1 convolution leads from {pixels(shape)} to {pixels(target)}: "
                "give Residual a shortcut"
            )
        return Sequential(conv, as_norm(self.norm)) if self.norm else conv


def joined(join: str, shapes: list[Shape]) -> Shape:
    """The shape after branches meet; raises `ShapeError` where they can't."""
    if join == "concat" and len(shapes[0]) == 2:
        if len({shape[:-1] for shape in shapes}) > 1:
            raise ShapeError(f"branches to concatenate {_differ('length', shapes)}")
        return (shapes[0][0], sum(shape[1] for shape in shapes))
    if join == "concat":
        if len({shape[1:] for shape in shapes}) > 1:
            raise ShapeError(f"branches to concatenate {_differ('height and width', shapes)}")
        return (sum(shape[0] for shape in shapes), *shapes[0][1:])
    if join == "multiply":
        widest = max(shapes, key=lambda shape: shape[1:])
        if any(shape not in (widest, (widest[0], 1, 1)) for shape in shapes):
            raise ShapeError(f"branches to multiply {_differ('shape, or 1x1 pixels', shapes)}")
        return widest
    if len(set(shapes)) > 1:
        raise ShapeError(f"branches to add {_differ('shape', shapes)}")
    return shapes[0]


def _layers(owner: Layer, layers: tuple[object, ...]) -> None:
    for layer in layers:
        if not isinstance(layer, Layer):
            hint = "call it: " if isinstance(layer, type) and issubclass(layer, Layer) else ""
            raise OptunasError(
                f"{type(owner).__name__} is made of layers; got {layer!r:.80} ({hint}"
                "write for example Conv(32))"
            )


def _differ(what: str, shapes: list[Shape]) -> str:
    return f"must have the same {what}; they give {', '.join(map(pixels, shapes))}"
