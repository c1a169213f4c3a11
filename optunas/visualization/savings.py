"""`plot_savings`: where the device's time went, and what was saved of it."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from optuna import Study
from optuna.trial import FrozenTrial

from optunas.insights import Saving, Savings, savings
from optunas.insights.words import duration
from optunas.visualization.frame import empty, framed, rounded, time_unit
from optunas.visualization.palette import GREY, OUTCOMES

TITLE = "Time spent and saved"
SAVED = {"pruning": "pruned", "rejection": "rejected", "reuse": "reused"}


def plot_savings(study: Study, trials: Sequence[FrozenTrial] | None = None) -> go.Figure:
    """Two bars: device time by how trials ended, and what pruning, rejection and reuse saved.

    See `insights.savings`, which says how each is estimated.
    """
    found = savings(study, trials)
    if found.spent <= 0 and found.total_saved <= 0:
        return empty(TITLE, "No trial has ended yet.")
    unit, size = time_unit(max(found.spent, found.total_saved))
    figure = framed(f"{TITLE}\n{_sentence(found)}", height=260, barmode="stack")
    for outcome, seconds in found.by_outcome.items():
        figure.add_trace(_bar("spent", f"{outcome} trials", seconds, size, OUTCOMES[outcome], unit))
    for saving in found.saved:
        if saving.seconds > 0:
            colour = OUTCOMES[SAVED[saving.by]]
            bar = _bar("saved", f"saved by {saving.by}", saving.seconds, size, colour, unit)
            figure.add_trace(bar.update(marker_pattern_shape="/", hovertext=_how(saving)))
    figure.update_xaxes(title_text=f"device time ({unit})", rangemode="tozero")
    return figure.update_yaxes(autorange="reversed")


def _bar(row: str, name: str, seconds: float, size: float, colour: str, unit: str) -> go.Bar:
    return go.Bar(
        x=rounded([seconds / size]),
        y=[row],
        orientation="h",
        name=f"{name}, {duration(seconds)}",
        marker={"color": colour, "line": {"width": 0}, "pattern": {"fgcolor": GREY}},
        hovertemplate=f"{name}: %{{x:.3g}} {unit}<br>%{{hovertext}}<extra></extra>",
        hovertext="",
    )


def _sentence(found: Savings) -> str:
    said = f"{duration(found.spent)} of device time spent"
    if found.total_saved <= 0:
        return f"{said}; nothing saved by pruning, rejection or reuse."
    return f"{said}, about {duration(found.total_saved)} saved against training every network to the end."


def _how(saving: Saving) -> str:
    return f"{saving.trials} of {saving.of} trials, by {saving.how}"
