"""`plot_timeline`: which worker ran what, and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import plotly.graph_objects as go
from optuna import Study
from optuna.trial import FrozenTrial

from optunas.insights import Span, timeline
from optunas.visualization.frame import empty, framed, named, rounded, time_unit
from optunas.visualization.palette import OUTCOMES

TITLE = "Who ran what, and when"
ROW, LEAST, MOST = 22, 120, 900


def plot_timeline(study: Study, trials: Sequence[FrozenTrial] | None = None) -> go.Figure:
    """A row for each worker (`host:pid`), a bar for each trial, coloured by how it ended.

    A running trial's bar goes on to the last moment that the study knows of.
    """
    spans = timeline(study, trials)
    if not spans:
        return empty(TITLE, "No trial was started yet.")
    start, end = spans[0].start, _last(spans)
    unit, size = time_unit((end - start).total_seconds())
    workers = list(dict.fromkeys(span.worker for span in spans))
    height = min(MOST, max(LEAST, ROW * len(workers))) + 110
    figure = framed(f"{TITLE}\n{_sentence(spans, workers, start)}", height=height)
    rows = {worker: row for row, worker in enumerate(workers)}
    thick = max(2.0, min(14.0, 0.7 * (height - 110) / len(workers)))
    for outcome, colour in OUTCOMES.items():
        mine = [span for span in spans if span.outcome == outcome]
        if mine:
            figure.add_trace(_bars(outcome, mine, rows, (start, end, size), colour, thick))
    figure.update_xaxes(title_text=f"time since the first trial began ({unit})")
    figure.update_yaxes(
        tickvals=list(rows.values()), ticktext=list(map(named, workers)), autorange="reversed"
    )
    return figure


def _bars(
    outcome: str,
    spans: Sequence[Span],
    rows: dict[str, int],
    frame: tuple[datetime, datetime, float],
    colour: str,
    thick: float,
) -> go.Scattergl:
    """One trace for all of them: a line with gaps, drawn by WebGL."""
    start, last, size = frame
    x: list[float | None] = []
    y: list[int | None] = []
    who: list[int | None] = []
    for span in spans:
        ends = (span.start, max(span.start, span.end or last))
        x += [*rounded((moment - start).total_seconds() / size for moment in ends), None]
        y += [rows[span.worker]] * 2 + [None]
        who += [span.trial] * 2 + [None]
    return go.Scattergl(
        x=x,
        y=y,
        customdata=who,
        name=f"{outcome} ({len(spans)})",
        mode="lines+markers",
        line={"color": colour, "width": thick},
        marker={"color": colour, "size": thick, "symbol": "line-ns"},
        connectgaps=False,
        hovertemplate="trial %{customdata}<extra>" + outcome + "</extra>",
    )


def _last(spans: Sequence[Span]) -> datetime:
    return max(span.end or span.start for span in spans)


def _sentence(spans: Sequence[Span], workers: Sequence[str], start: datetime) -> str:
    who = "1 worker" if len(workers) == 1 else f"{len(workers)} workers"
    return f"{len(spans)} trials on {who}, since {start:%Y-%m-%d %H:%M}."
