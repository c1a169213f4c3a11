"""What all figures have in common: no background, inherited font, titles in plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import floor, isfinite, log10
from textwrap import wrap
from typing import Any

import numpy as np
import plotly.graph_objects as go

from optunas.visualization.palette import FAINT, NOTHING, TEXT
from optunas.wording import count

LINE = 62
"""Characters of a line of the title: what a page of 390 pixels can show."""

NAME_LENGTH, CHOICE_LENGTH = 30, 18
WIDE = 20.0
"""An axis is logarithmic where its largest value is so many times the smallest."""

FEW, FAR = 10, 3.0

LONG = 2000.0
"""Over so many times, only the powers of ten are marked."""

GL_FROM = 1500
"""From so many points on they are drawn by WebGL."""


def framed(title: str, *, height: int = 420, **layout: Any) -> go.Figure:
    """An empty figure with this title; `layout` as plotly has it."""
    said, lines = titled(title)
    figure = go.Figure()
    figure.update_layout(
        template=go.layout.Template(),
        title={"text": said, "x": 0.0, "xref": "container", "xanchor": "left", "yref": "container",
               "y": 1.0, "yanchor": "top", "pad": {"t": 12, "l": 8}, "font": {"size": 14}},
        paper_bgcolor=NOTHING,
        plot_bgcolor=NOTHING,
        font={"family": "inherit", "size": 12, "color": TEXT},
        margin={"l": 10, "r": 14, "t": 30 + 19 * lines, "b": 10},
        height=height + 19 * lines,
        legend={"orientation": "h", "x": 0, "xanchor": "left", "xref": "container",
                "y": 0, "yanchor": "bottom", "yref": "container", "itemsizing": "constant"},
        hoverlabel={"namelength": -1},
    )  # fmt: skip
    figure.update_layout(**layout)
    return axes(figure)


def axes(figure: go.Figure) -> go.Figure:
    """Faint lines, and room for what stands beside the axes."""
    look = {"gridcolor": FAINT, "linecolor": FAINT, "zerolinecolor": FAINT}
    place = {"automargin": True, "title": {"standoff": 6, "font": {"size": 12}}}
    figure.update_xaxes(**look, **place)
    return figure.update_yaxes(**look, **place)


def empty(title: str, missing: str) -> go.Figure:
    """A figure that says in a line what is missing."""
    figure = framed(f"{title}\n{missing}", height=60)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure


def titled(title: str) -> tuple[str, int]:
    """A title for plotly, the first line bold, and how many lines it takes."""
    head, _, rest = title.partition("\n")
    lines = [f"<b>{safe(line)}</b>" for line in wrap(head, LINE - 6)]
    lines += [f"<span style='font-size:12px'>{safe(line)}</span>" for line in wrap(rest, LINE)]
    return "<br>".join(lines), len(lines)


def safe(text: Any, length: int = 2000) -> str:
    """A text of anybody's as plotly shows it, sign by sign: it takes some HTML for markup."""
    said = "".join(c if c.isprintable() else " " for c in str(text)[:length])
    return said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def named(text: Any, length: int = NAME_LENGTH) -> str:
    """A name, shortened in the middle where it is long, as plotly shows it."""
    said = str(text)
    if len(said) > length:
        said = f"{said[: length // 2]}…{said[1 - length // 2 :]}"
    return safe(said)


def labelled(parameter: Any, choice: Any) -> str:
    """`stage1.block1.kernel = 5`, as plotly shows it."""
    return f"{named(parameter)} = {named(choice, CHOICE_LENGTH)}"


def epochs(axis: Callable[..., go.Figure], last: int) -> None:
    """Name an axis (`figure.update_xaxes`) of epochs, and mark whole ones."""
    axis(title_text="epoch", dtick=max(1, -(-last // 10)), tick0=0)


def rounded(numbers: Iterable[float], digits: int = 5) -> list[float | None]:
    """Numbers of so many digits, which are short to write; None for what is none."""
    return [float(f"{n:.{digits}g}") if isfinite(n) else None for n in numbers]


def is_wide(numbers: Sequence[float]) -> bool:
    """Whether a logarithmic axis shows these numbers better."""
    return bool(numbers) and min(numbers) > 0 and max(numbers) / min(numbers) >= WIDE


def scatter(points: int) -> Any:
    """The class of trace for so many points."""
    return go.Scattergl if points >= GL_FROM else go.Scatter


def time_unit(seconds: float) -> tuple[str, float]:
    """The unit in which so long a time is shown, and its seconds."""
    for size, name in ((2 * 3600.0, "h"), (120.0, "min")):
        if seconds >= size:
            return name, 3600.0 if name == "h" else 60.0
    return "s", 1.0


def close_up(values: Sequence[float], maximise: bool) -> list[float] | None:
    """The range of an axis that shows the better four fifths of the values, where the rest is so
    far off that they would be pressed together; None where all can be shown."""
    if len(values) < FEW:
        return None
    low, high = min(values), max(values)
    edge = float(np.quantile(values, 0.2 if maximise else 0.8))
    near = high - edge if maximise else edge - low
    if not 0 < near < (high - low) / FAR:
        return None
    room = 0.08 * near
    return [edge - room, high + room] if maximise else [low - room, edge + room]


def logarithmic(axis: Callable[..., go.Figure], numbers: Sequence[float]) -> None:
    """Make an axis (`figure.update_xaxes`) logarithmic, with marks at 1, 2 and 5 of each power."""
    low, high = min(numbers), max(numbers)
    steps = (1, 2, 5) if high / low < LONG else (1,)
    powers = range(floor(log10(low)), floor(log10(high)) + 1)
    ticks = [step * 10.0**power for power in powers for step in steps]
    shown = [tick for tick in ticks if low <= tick <= high]
    axis(type="log", tickvals=shown, ticktext=[_short(tick) for tick in shown])


def _short(tick: float) -> str:
    return count(tick).replace(".00", "").replace(".0 ", " ") if tick >= 1000 else f"{tick:g}"
