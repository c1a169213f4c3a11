"""`plot_savings`: where the device's time went, and what was saved of it."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from optuna import Study
from optuna.trial import FrozenTrial

from optunas.insights import Savings, savings
from optunas.insights.words import duration
from optunas.visualization.frame import empty, framed, rounded, time_unit
from optunas.visualization.palette import OUTCOMES, TEXT, faded

TITLE = "Device time spent and saved"
SAVED = {"pruning": "pruned", "rejection": "rejected", "reuse": "reused"}
ROW = 26


def plot_savings(study: Study, trials: Sequence[FrozenTrial] | None = None) -> go.Figure:
    """A bar for the time of the trials of each outcome, and fainter ones for what was saved.

    See `insights.savings`, which says how each is estimated; the line is what similar networks took
    (quartiles).
    """
    found = savings(study, trials)
    if found.spent <= 0 and found.total_saved <= 0:
        return empty(TITLE, "No trial has ended yet.")
    spent = [(f"{end} trials", s, OUTCOMES[end]) for end, s in found.by_outcome.items() if s > 0]
    rows = len(spent) + sum(saving.seconds > 0 for saving in found.saved)
    figure = framed(f"{TITLE}\n{_sentence(found)}", height=90 + ROW * rows, showlegend=False)
    longest = max([s for _, s, _ in spent] + [s.high for s in found.saved])
    unit, size = time_unit(longest)
    figure.add_trace(_spent(spent, size))
    figure.add_trace(_saved(found, size))
    room = 1.25 * longest / size  # for the text after the longest bar
    figure.update_xaxes(title_text=f"device time ({unit})", range=[0, room])
    return figure.update_yaxes(autorange="reversed")


def _spent(spent: Sequence[tuple[str, float, str]], size: float) -> go.Bar:
    return go.Bar(
        x=rounded(seconds / size for _, seconds, _ in spent),
        y=[name for name, *_ in spent],
        orientation="h",
        marker={"color": [colour for *_, colour in spent]},
        text=[duration(seconds) for _, seconds, _ in spent],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{text}<extra></extra>",
    )


def _saved(found: Savings, size: float) -> go.Bar:
    shown = [saving for saving in found.saved if saving.seconds > 0]
    return go.Bar(
        x=rounded(saving.seconds / size for saving in shown),
        y=[f"saved by {saving.by}" for saving in shown],
        orientation="h",
        marker={"color": [faded(OUTCOMES[SAVED[saving.by]], 0.55) for saving in shown]},
        error_x={
            "array": rounded((saving.high - saving.seconds) / size for saving in shown),
            "arrayminus": rounded((saving.seconds - saving.low) / size for saving in shown),
            "symmetric": False,
            "color": TEXT,
            "thickness": 1,
        },
        text=[duration(saving.seconds) for saving in shown],
        textposition="outside",
        cliponaxis=False,
        customdata=[f"{saving.trials} of {saving.of} trials, by {saving.how}" for saving in shown],
        hovertemplate="%{y}: %{text}<br>%{customdata}<extra></extra>",
    )


def _sentence(found: Savings) -> str:
    said = f"{duration(found.spent)} spent"
    if found.total_saved <= 0:
        return f"{said}; nothing saved by pruning, rejection or reuse."
    saved = duration(found.total_saved)
    return f"{said}; about {saved} saved against training every network to the end."
