"""`plot_regret`: how far searches are behind the best network, evaluation by evaluation.

It needs matplotlib: `pip install 'optunas[plots]'`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optunas.errors import OptunasError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Styles = Mapping[str, tuple[str, float]]
"""Colour and width of each line."""

RED, GREY = "#c8102e", "#7a7a7a"
COLOURS = ("#1f77b4", "#e08214", "#2a9d5c", "#7b4fa3", "#0b8a9e", "#8c564b", "#d45fa8", "#98971a")
GAP = 0.062
"""Between two names, as a share of the height."""


def plot_regret(
    panels: Mapping[str, Mapping[str, Array]],
    *,
    near: float,
    unit: str = "",
    highlight: str = "",
    baseline: str = "random",
) -> Figure:
    """A panel for each table, a line for each strategy: its median, and a band of its quartiles.

    `panels`: title -> strategy -> (searches, evaluations), the best possible value less the best so
    far. The axis is logarithmic down to `near`, and linear from there to 0: the best was found.
    `highlight` is drawn thicker than the others, and `baseline` in grey.

    Raises `OptunasError` for no panel, and where matplotlib is missing.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise OptunasError("a plot needs matplotlib: pip install 'optunas[plots]'") from None
    if not panels:
        raise OptunasError("a plot has a panel or more; got none")
    names = dict.fromkeys(name for panel in panels.values() for name in panel)
    others = [name for name in names if name not in (highlight, baseline)]
    styles = {name: (COLOURS[i % len(COLOURS)], 1.4) for i, name in enumerate(others)}
    styles |= {baseline: (GREY, 1.4), highlight: (RED, 2.4)}
    across = min(2, len(panels))
    down = -(-len(panels) // across)
    figure = Figure(figsize=(5.4 * across, 3.7 * down), layout="constrained")
    for place, (title, panel) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(down, across, place)
        _panel(axes, panel, near, styles)
        axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
        if place > len(panels) - across:
            axes.set_xlabel("evaluations", fontsize=9)
        if place % across == 1 or across == 1:
            axes.set_ylabel(f"behind the best{', ' if unit else ''}{unit}", fontsize=9)
    return figure


def _panel(axes: Axes, panel: Mapping[str, Array], near: float, styles: Styles) -> None:
    axes.set_yscale("symlog", linthresh=near, linscale=0.4)
    lines = {name: np.nanpercentile(behind, [25, 50, 75], axis=0) for name, behind in panel.items()}
    end = max(len(middle) for _, middle, _ in lines.values())
    top = max(2 * near, *(1.2 * high[min(4, len(high) - 1)] for _, _, high in lines.values()))
    for name in sorted(lines, key=lambda name: styles[name][1]):  # the thickest on top
        low, middle, high = np.minimum(lines[name], top)
        at, (colour, width) = np.arange(1, len(middle) + 1), styles[name]
        axes.fill_between(at, low, high, color=colour, alpha=0.08, linewidth=0)
        axes.plot(at, middle, color=colour, linewidth=width, clip_on=False)
    axes.set(xlim=(0, end), ylim=(0, top))
    ticks = [0.0, *(10.0**power for power in range(-6, 6) if near <= 10.0**power <= top)]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8, length=0, colors="#555555")
    axes.spines[:].set_visible(False)
    _names(axes, {name: middle for name, (_, middle, _) in lines.items()}, end, styles)


def _names(axes: Axes, lines: Mapping[str, Array], end: int, styles: Styles) -> None:
    """Each name beside the end of its line, moved apart where they would meet.

    Of those that end alike, the one that was there first stands lowest.
    """
    lasts = {name: (line[-1], int(np.argmax(line == line[-1]))) for name, line in lines.items()}
    ordered = sorted(lines, key=lambda name: lasts[name])
    to_share = axes.transScale + axes.transLimits
    ends = [to_share.transform((len(lines[name]), lines[name][-1])) for name in ordered]
    for name, own, height in zip(ordered, ends, _apart([y for _, y in ends]), strict=True):
        colour, width = styles[name]
        axes.annotate(
            name,
            (own[0], own[1]),
            (1.07, height),
            xycoords="axes fraction",
            textcoords="axes fraction",
            color=colour,
            fontsize=8.5,
            fontweight="bold" if width > 2 else "normal",
            verticalalignment="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "relpos": (0, 0.5)},
        )


def _apart(heights: Sequence[float]) -> list[float]:
    """Rising heights, at least GAP apart, within the panel where there is room."""
    places = [max(0.0, min(1.0, height)) for height in heights]
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + GAP)
    places[-1] = min(places[-1], 1.0)
    for i in reversed(range(len(places) - 1)):
        places[i] = min(places[i], places[i + 1] - GAP)
    return places
