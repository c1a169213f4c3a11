"""`plot_cost`: what the networks reached for what they cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log10

import plotly.graph_objects as go
from optuna import Study
from optuna.trial import FrozenTrial

from optunas.insights import Front, Point, front
from optunas.insights.words import Unit, quantity, unit_of
from optunas.visualization.frame import (
    close_up,
    empty,
    framed,
    is_wide,
    logarithmic,
    named,
    rounded,
    safe,
    scatter,
)
from optunas.visualization.palette import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    TEXT,
    VERMILION,
    faded,
)

TITLE = "What networks reach for what they cost"
STRIP = 0.07
"""The share of the height that the rejected ones have, which have a cost and no value."""

Style = tuple[str, Callable[[Point], bool], str, str]
STYLES: tuple[Style, ...] = (
    ("pruned", lambda p: p.outcome == "pruned", ORANGE, "x-thin-open"),
    ("reused", lambda p: p.outcome == "reused", SKY, "circle-open"),
    ("over a limit", lambda p: not p.feasible, VERMILION, "triangle-down-open"),
    ("random draw", lambda p: p.role == "random draw", GREEN, "square"),
    ("hand-made", lambda p: p.role == "baseline", PURPLE, "star"),
    ("search", lambda p: True, BLUE, "circle"),
)
"""Each point is drawn in the first style that it meets."""


def plot_cost(
    study: Study, cost: str | None = None, trials: Sequence[FrozenTrial] | None = None
) -> go.Figure:
    """Value against cost, with the Pareto front and the limit; see `insights.front`.

    Networks that were rejected have a cost and no value: they are marks on a strip of their own.
    Pruned ones stand where their last epoch left them.
    """
    found = front(study, cost, trials)
    shown = [point for point in found.points if point.value is not None]
    across, up = unit_of(found.cost), unit_of(found.value)
    if not shown:
        return empty(TITLE, _missing(found))
    figure = framed(f"{TITLE}\n{_sentence(found)}", height=440)
    for name, mine, colour, symbol in _groups(shown):
        figure.add_trace(_dots(name, mine, colour, symbol, across, up, len(shown)))
    _draw_front(figure, found, across, up)
    _draw_rejected(figure, found, across)
    costs = [across.scale * point.cost for point in found.points]
    if is_wide(costs):
        logarithmic(figure.update_xaxes, costs)
    _draw_limit(figure, found, across, is_wide(costs))
    figure.update_layout(yaxis={"title": {"text": safe(up.title)}, "range": _range(found)})
    return figure.update_xaxes(title_text=safe(across.title))


def _sentence(found: Front) -> str:
    said = f"{len(found.points)} networks whose cost is known, {len(found.best)} on the front."
    ends = {point.outcome for point in found.points}
    if "pruned" in ends:
        said += " A pruned one stands where its last epoch left it."
    if any(point.value is None for point in found.points):
        said += " Marks at the foot: never trained."
    span = _range(found)
    scale = unit_of(found.value).scale
    values = [scale * point.value for point in found.points if point.value is not None]
    beyond = sum(not span[0] <= value <= span[1] for value in values) if span else 0
    return f"{said} {beyond} far worse ones lie outside the frame." if beyond else said


def _range(found: Front) -> list[float] | None:
    """Of the networks that were trained to the end, most."""
    scale = unit_of(found.value).scale
    full = [p.value for p in found.points if p.value is not None and p.outcome != "pruned"]
    return close_up([scale * value for value in full], found.direction == "maximize")


def _missing(found: Front) -> str:
    if found.points:
        return f"None of the {len(found.points)} networks with a known cost was trained yet."
    return f"No finished trial says what it costs: none has the attribute {found.cost!r}."


def _groups(points: Sequence[Point]) -> list[tuple[str, list[Point], str, str]]:
    groups: dict[str, list[Point]] = {name: [] for name, *_ in STYLES}
    for point in points:
        groups[next(name for name, is_one, *_ in STYLES if is_one(point))].append(point)
    return [(name, groups[name], c, s) for name, _, c, s in STYLES if groups[name]]


def _dots(
    name: str, points: Sequence[Point], colour: str, symbol: str, across: Unit, up: Unit, total: int
) -> go.Scatter:
    return scatter(total)(
        x=rounded(across.scale * point.cost for point in points),
        y=rounded(up.scale * (point.value or 0.0) for point in points),
        customdata=[point.trial for point in points],
        name=f"{name} ({len(points)})",
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": 7, "opacity": 0.75},
        hovertemplate=_hover(across, up),
    )


def _hover(across: Unit, up: Unit) -> str:
    return (
        f"trial %{{customdata}}<br>{named(across.label)} %{{x:.4s}} {across.unit}"
        f"<br>{named(up.label)} %{{y:.4g}} {up.unit}"
    )


def _draw_front(figure: go.Figure, found: Front, across: Unit, up: Unit) -> None:
    best = found.best
    figure.add_trace(
        go.Scatter(
            x=rounded(across.scale * point.cost for point in best),
            y=rounded(up.scale * (point.value or 0.0) for point in best),
            customdata=[point.trial for point in best],
            name=f"Pareto front ({len(best)})",
            mode="lines+markers",
            line={"color": TEXT, "width": 1.5, "shape": "hv"},
            marker={"color": TEXT, "symbol": "circle-open", "size": 11},
            hovertemplate=_hover(across, up),
        )
    )


def _draw_rejected(figure: go.Figure, found: Front, across: Unit) -> None:
    rejected = [point for point in found.points if point.value is None]
    if not rejected:
        return
    figure.add_trace(
        scatter(len(rejected))(
            x=rounded(across.scale * point.cost for point in rejected),
            y=[0] * len(rejected),
            yaxis="y2",
            customdata=[point.trial for point in rejected],
            name=f"never trained ({len(rejected)})",
            mode="markers",
            marker={"color": faded(GREY, 0.6), "symbol": "line-ns-open", "size": 10},
            hovertemplate="trial %{customdata}, never trained<br>%{x:.4s}<extra></extra>",
        )
    )
    figure.update_layout(
        xaxis={"anchor": "y2"},
        yaxis={"domain": [STRIP + 0.02, 1]},
        yaxis2={"domain": [0, STRIP], "visible": False, "range": [-1, 1], "fixedrange": True},
    )


def _draw_limit(figure: go.Figure, found: Front, across: Unit, is_log: bool) -> None:
    if found.limit is None:
        return
    limit = across.scale * found.limit
    figure.add_vline(x=limit, line={"color": VERMILION, "width": 1.5, "dash": "dash"})
    figure.add_annotation(
        x=log10(limit) if is_log else limit,  # plotly has it so
        y=1,
        yref="paper",
        yanchor="bottom",
        showarrow=False,
        text=f"limit {quantity(found.cost, found.limit)}",
        font={"color": VERMILION},
    )
