"""`plot_importances`: which parameters matter, by two measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from optuna import Study
from optuna.trial import FrozenTrial

from optunas.insights import Effect, Importance, effects, importances
from optunas.insights.importances import FEWEST
from optunas.visualization.frame import axes, empty, framed, labelled, named, rounded
from optunas.visualization.palette import BLUE, FAINT, ORANGE

TITLE = "Which parameters matter"
SHOWN = 15
MANY = 50
"""PED-ANOVA wants five networks or more in the best tenth (its documentation in Optuna)."""

ROW = 26


def plot_importances(study: Study, trials: Sequence[FrozenTrial] | None = None) -> go.Figure:
    """The most important parameters: PED-ANOVA at the left, beside it a permutation importance.

    Behind a parameter's name stands the choice that is best by `insights.effects`, where that is
    sure. See `insights.importances` for what the two measure.
    """
    found = importances(study, trials)[:SHOWN]
    if not found:
        return empty(TITLE, f"It takes {FEWEST} networks that were trained to the end, and differ.")
    best = _best(effects(study, trials))
    figure = framed(f"{TITLE}\n{_sentence(found[0])}", height=90 + ROW * len(found))
    names = [_row(one, best) for one in found]
    figure.add_trace(_anova(found, names))
    figure.add_trace(_permutation(found, names))
    figure.update_layout(
        xaxis={"domain": [0, 0.46], "title": {"text": "PED-ANOVA"}, "rangemode": "tozero"},
        xaxis2={"domain": [0.54, 1], "title": {"text": "loss of R²"}, "anchor": "y"},
        showlegend=False,
    )
    return axes(figure).update_yaxes(autorange="reversed")


def _sentence(one: Importance) -> str:
    said = (
        "Left: share of what sets the best tenth apart. Right: what a random forest loses without "
        f"the parameter, of R² = {one.fit:.2f}"
    )
    said += ". " if one.fit > 0 else ", which is nothing: ignore it. "
    said += f"Behind a name: the choice that is surely better, if any. {one.networks} networks"
    return f"{said}." if one.networks >= MANY else f"{said}, so few that the left is mostly chance."


def _best(every: Sequence[Effect]) -> Mapping[str, str]:
    """The best choice of each parameter that has one which is surely better."""
    good = [effect for effect in every if effect.direction == "better"]
    ranked = sorted(good, key=lambda effect: abs(effect.value.difference))
    return {effect.parameter: effect.choice for effect in ranked}


def _row(one: Importance, best: Mapping[str, str]) -> str:
    name = named(one.parameter)
    return labelled(one.parameter, best[one.parameter]) if one.parameter in best else name


def _anova(found: Sequence[Importance], names: Sequence[str]) -> go.Bar:
    return go.Bar(
        x=rounded((one.anova for one in found), 3),
        y=names,
        orientation="h",
        marker={"color": BLUE},
        hovertemplate="%{y}<br>%{x:.1%} of what sets the best tenth apart<extra></extra>",
    )


def _permutation(found: Sequence[Importance], names: Sequence[str]) -> go.Bar:
    return go.Bar(
        x=rounded((one.permutation for one in found), 3),
        y=names,
        xaxis="x2",
        orientation="h",
        marker={"color": ORANGE},
        error_x={"array": rounded((one.spread for one in found), 3), "color": FAINT},
        hovertemplate="%{y}<br>R² falls by %{x:.3f} when shuffled<extra></extra>",
    )
