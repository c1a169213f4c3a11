"""`plot_agreement`: whether an early epoch ranks the networks as the last one does."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from optuna import Study
from optuna.trial import FrozenTrial

from optunas.insights.agreement import SAFE, Agreement, agreement
from optunas.visualization.frame import empty, epochs, framed, rounded
from optunas.visualization.palette import BLUE, GREEN, ORANGE, faded

TITLE = "Is pruning safe here?"


def plot_agreement(study: Study, trials: Sequence[FrozenTrial] | None = None) -> go.Figure:
    """Spearman's rho of each epoch with the last, its 95 % band, and the verdict in plain words.

    See `insights.agreement`.
    """
    found = agreement(study, trials)
    if found.judged is None:
        return empty(TITLE, found.verdict)
    figure = framed(f"{TITLE}\n{found.verdict}")
    _draw_rho(figure, found)
    figure.add_hline(
        y=SAFE,
        line={"color": GREEN, "width": 1.5, "dash": "dash"},
        annotation={"text": f"safe from {SAFE}", "font": {"color": GREEN}},
        annotation_position="bottom right",
    )
    if found.pruned_from is not None:
        figure.add_vline(
            x=found.pruned_from,
            line={"color": ORANGE, "width": 1.5, "dash": "dash"},
            annotation={"text": "first pruned", "font": {"color": ORANGE}},
            annotation_position="bottom right",
        )
    epochs(figure.update_xaxes, found.epochs)
    figure.update_xaxes(range=[0.5, found.epochs + 0.5])
    figure.update_yaxes(title_text=f"rank correlation with epoch {found.epochs}")
    return figure


def _draw_rho(figure: go.Figure, found: Agreement) -> None:
    at = [row.epoch for row in found.rows]
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    figure.add_trace(
        go.Scatter(x=at, y=rounded(r.high for r in found.rows), showlegend=False, **edge)
    )
    figure.add_trace(
        go.Scatter(
            x=at,
            y=rounded(row.low for row in found.rows),
            fill="tonexty",
            fillcolor=faded(BLUE, 0.2),
            name="95 % interval",
            **edge,
        )
    )
    figure.add_trace(
        go.Scatter(
            x=at,
            y=rounded(row.rho for row in found.rows),
            name=f"Spearman's rho ({found.networks} networks)",
            mode="lines+markers",
            line={"color": BLUE},
            hovertemplate="epoch %{x}<br>rho %{y:.2f}<extra></extra>",
        )
    )
