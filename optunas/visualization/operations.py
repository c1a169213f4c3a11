"""`plot_operations`: what the best networks are made of, by depth, against all of them."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from optuna import Study
from optuna.trial import FrozenTrial

from optunas.insights import Operations, Share, operations
from optunas.insights.operations import FEWEST
from optunas.visualization.frame import empty, framed, named
from optunas.visualization.palette import DIVERGING, TEXT

TITLE = "What the best networks are made of, by depth"
ROW = 30


def plot_operations(study: Study, trials: Sequence[FrozenTrial] | None = None) -> go.Figure:
    """A row for each kind of layer, a column for each tenth of the depth, the input at the left.

    The colour is the share that the kind has in the best tenth of the networks, less that in all;
    a dot where the difference is sure. See `insights.operations`.
    """
    found = operations(study, trials)
    if not found.shares:
        missing = (
            f"It takes {FEWEST} networks that were trained to the end and whose architecture is "
            f"stored; there are {found.networks}."
        )
        return empty(TITLE, missing)
    figure = framed(
        f"{TITLE}\nThe best {found.best} networks against all {found.networks}, in points of the "
        "share; a dot where the difference is sure.",
        height=120 + ROW * len(found.kinds),
    )
    figure.add_trace(_heat(found))
    figure.update_xaxes(title_text="depth in tenths, from the input", dtick=1)
    return figure.update_yaxes(autorange="reversed", showgrid=False)


def _heat(found: Operations) -> go.Heatmap:
    rows = [[s for s in found.shares if s.kind == kind] for kind in found.kinds]
    apart = [[round(100 * (s.best - s.all), 1) for s in row] for row in rows]
    most = max(5.0, max(abs(value) for row in apart for value in row))
    return go.Heatmap(
        z=apart,
        x=list(range(1, found.bins + 1)),
        y=[named(kind) for kind in found.kinds],
        zmin=-most,
        zmax=most,
        colorscale=[list(stop) for stop in DIVERGING],
        xgap=2,
        ygap=2,
        text=[["●" if share.sure else "" for share in row] for row in rows],
        texttemplate="%{text}",
        textfont={"color": TEXT},
        customdata=[[_said(share) for share in row] for row in rows],
        hovertemplate="%{y}, tenth %{x}<br>%{customdata}<extra></extra>",
        colorbar={"thickness": 10, "title": {"text": "points"}, "outlinewidth": 0},
    )


def _said(share: Share) -> str:
    return f"{share.best:.0%} in the best, {share.all:.0%} in all"
