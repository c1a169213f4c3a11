"""The picture of an architecture: an SVG that a web page, a notebook or a report can show."""

from __future__ import annotations

from optunas.architecture.layer import Layer, Shape
from optunas.architecture.normal import lower
from optunas.architecture.picture.layout import laid_out, stacked
from optunas.architecture.picture.panels import with_panels
from optunas.architecture.picture.reader import Reader
from optunas.architecture.picture.shapes import Legend, Note, Part, Placed, moved
from optunas.architecture.picture.svg import Total, written
from optunas.architecture.picture.text import amount, sizes, width
from optunas.errors import OptunasError

MARGIN = 14


def diagram(
    architecture: Layer,
    input_shape: Shape | None = None,
    classes: int | None = None,
    *,
    detail: int = 0,
) -> str:
    """An SVG of `architecture`, from top to bottom, as a text; nothing else is needed to show it.

    With `input_shape`, (C, H, W) for images, each box says the shape behind it and its parameters,
    and thin bars its share of the network's parameters and MACs. `classes` is what `Linear()`
    stands for. `detail`: how many levels of blocks are opened (0: each is one box); this needs
    `input_shape`, as what is in a block may depend on it. Repeats are folded: `×3`; Σ is the sum
    over all copies. Light and dark follow the reader's setting.

    Raises `ShapeError` where the shapes don't fit.
    """
    if not isinstance(architecture, Layer):
        raise OptunasError(f"a picture is drawn of a layer; got {architecture!r:.80}")
    try:
        part, total = picture(architecture, input_shape, classes, detail)
    except RecursionError:
        raise OptunasError("the architecture is nested too deeply to be drawn") from None
    cost = f", {amount(total.params)} parameters, {amount(total.macs)} MACs" if total else ""
    return written(part, f"Neural network{cost}", total)


def picture(
    architecture: Layer, input_shape: Shape | None, classes: int | None, detail: int
) -> tuple[Part, Total | None]:
    """Everything at its place: legend, input, network, and the cells that it has several times."""
    total = None
    if input_shape is not None:
        lowered = lower(architecture, input_shape, classes)
        input_shape, total = lowered.input, Total(lowered.params, lowered.macs)
    trunk, frames = with_panels(Reader(classes, detail).read(architecture, input_shape))
    network = _below_input(laid_out(trunk), input_shape)
    panels = [laid_out(frame) for frame in frames]
    legend = _legend(total) if total else ()
    broad = max(part.width for part in (network, *panels))
    broad = max([broad, *(21 + width(line.text, "number") for line in legend)])
    y = MARGIN + 18.0 * len(legend)
    things: list[Placed] = [*moved(legend, MARGIN, MARGIN)]
    for part in (network, *panels):
        things += moved(part.things, MARGIN + (broad - part.width) / 2, y)
        y += part.height + MARGIN
    return Part(broad + 2 * MARGIN, y, broad / 2, tuple(things)), total


def _below_input(network: Part, input_shape: Shape | None) -> Part:
    said = f"input {sizes(input_shape, input_shape)}" if input_shape else "input"
    long = width(said, "note") + 20
    pill = Part(long, 22, long / 2, (Note(long / 2, 11, said, long),))
    return stacked([pill, network] if network.things else [pill])


def _legend(total: Total) -> tuple[Legend, ...]:
    return (
        Legend(0, 8, "params", f"{amount(total.params)} parameters"),
        Legend(0, 25, "macs", f"{amount(total.macs)} MACs"),
    )
