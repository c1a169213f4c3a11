"""A result in a notebook: a few numbers and the network's picture. No torch."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from optunas.architecture import Layer, Shape
from optunas.errors import OptunasError
from optunas.report.html.templates import environment


def card(
    title: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    network: Layer | None = None,
    input_shape: Shape | None = None,
    classes: int | None = None,
) -> str:
    """An HTML fragment: a table, whose first column are words, and the network's picture beside it.

    Colours are those of the page around it, and every text is shown as a text.
    """
    picture = ""
    if network is not None:
        try:
            picture = network.diagram(input_shape, classes)
        except OptunasError:
            picture = ""  # the numbers are there all the same
    template = environment().get_template("card.html")
    return template.render(title=title, heads=heads, rows=rows, picture=Markup(picture))
