"""`plot_effects`: what each choice is worth, with its uncertainty."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from optuna import Study
from optuna.trial import FrozenTrial

from optunas.insights import Effect, effects
from optunas.insights.reading import aim_of
from optunas.insights.words import Unit, amount, unit_of
from optunas.visualization.frame import empty, framed, labelled, named, rounded, safe
from optunas.visualization.palette import BETTER, TEXT, UNCLEAR, WORSE

TITLE = "What each choice is worth"
MISSING = (
    "It takes a choice that five networks made and five others did not, and ten networks trained "
    "to the end where many were pruned."
)
SHOWN = 24
ROW = 22
KINDS = {
    "better": ("better", BETTER),
    "worse": ("worse", WORSE),
    "unclear": ("could be chance", UNCLEAR),
}


def plot_effects(study: Study, trials: Sequence[FrozenTrial] | None = None) -> go.Figure:
    """The choices that matter most, each with the difference that it makes and the 95 % interval.

    Against the other choices of the same parameter, everything else held equal; what it costs
    stands in the hover text. See `insights.effects`.
    """
    every = effects(study, trials)
    if not every:
        return empty(TITLE, MISSING)
    chosen = sorted(every, key=lambda e: -abs(e.value.difference) / e.value.error)[:SHOWN]
    shown = sorted(chosen, key=lambda effect: -effect.value.difference)
    unit = unit_of(aim_of(study).name)
    figure = framed(
        f"{TITLE}\nAgainst the other choices of the same parameter, everything else equal; the "
        f"{len(shown)} clearest of {len(every)} choices, 95 % intervals.",
        height=100 + ROW * len(shown),
    )
    places = {id(effect): place for place, effect in enumerate(shown)}
    for direction, (said, colour) in KINDS.items():
        mine = [effect for effect in shown if effect.direction == direction]
        if mine:
            rows = [places[id(effect)] for effect in mine]
            figure.add_trace(_dots(mine, rows, said, colour, unit))
    figure.add_vline(x=0, line={"color": TEXT, "width": 1})
    what = unit.difference or unit.unit
    figure.update_xaxes(title_text=f"{what or 'difference'} of {named(unit.label)}")
    labels = [labelled(effect.parameter, effect.choice) for effect in shown]
    return figure.update_yaxes(
        tickvals=list(range(len(shown))), ticktext=labels, range=[len(shown) - 0.5, -0.5]
    )


def _dots(
    effects: Sequence[Effect], rows: Sequence[int], name: str, colour: str, unit: Unit
) -> go.Scatter:
    scale = unit.scale
    return go.Scatter(
        x=rounded(scale * effect.value.difference for effect in effects),
        y=list(rows),
        error_x={
            "array": rounded(scale * (e.value.high - e.value.difference) for e in effects),
            "color": colour,
            "thickness": 1.5,
            "width": 3,
        },
        customdata=[_said(effect) for effect in effects],
        name=name,
        mode="markers",
        marker={"color": colour, "size": 8},
        hovertemplate="%{customdata}<extra></extra>",
    )


def _said(effect: Effect) -> str:
    lines = [
        labelled(effect.parameter, effect.choice),
        f"{effect.networks} networks, {effect.others} others",
        *(f"costs {safe(amount(name, cost))}" for name, cost in effect.costs.items()),
    ]
    return "<br>".join(lines)
