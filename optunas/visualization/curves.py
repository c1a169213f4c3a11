"""`plot_learning_curves`: how the networks learned, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from optuna import Study
from optuna.trial import FrozenTrial

from optunas.attributes import Outcome, outcome
from optunas.insights.reading import Aim, aim_of, is_feasible, reports, trained, trials_of, value
from optunas.insights.sample import sampled
from optunas.insights.words import Unit, unit_of
from optunas.visualization.frame import close_up, empty, epochs, framed, rounded, safe
from optunas.visualization.palette import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILION, faded

TITLE = "How the networks learned"
BEST = (BLUE, VERMILION, GREEN, PURPLE, SKY)
"""The colours of the best networks' curves, the very best first."""

OTHERS = 60
"""So many curves of others, and as many of pruned ones, are drawn: a random sample of more."""

LONGEST = 200
"""Of longer curves so many epochs are drawn."""

Curve = Mapping[int, float]


def plot_learning_curves(study: Study, trials: Sequence[FrozenTrial] | None = None) -> go.Figure:
    """The objective after each epoch: the five best networks, and a sample of the others."""
    trials, aim = trials_of(study, trials), aim_of(study)
    full = [trial for trial in trained(trials, aim) if reports(trial, aim)]
    stopped = [t for t in trials if outcome(t) is Outcome.PRUNED and reports(t, aim)]
    if not full and not stopped:
        return empty(TITLE, "No network has reported the objective after an epoch yet.")
    able = [trial for trial in full if is_feasible(trial)]
    ranked = sorted(able, key=lambda t: (-aim.sign * (value(t, aim) or 0.0), t.number))
    best = ranked[: len(BEST)]
    others = [trial for trial in full if trial not in best]
    unit = unit_of(aim.name)
    figure = framed(f"{TITLE}\n{_sentence(len(full), len(stopped))}")
    for name, group, colour in (("pruned", stopped, ORANGE), ("trained", others, BLUE)):
        if group:
            figure.add_trace(_bundle(name, group, aim, unit, faded(colour, 0.35)))
    for trial, colour in reversed(list(zip(best, BEST, strict=False))):
        figure.add_trace(_line(trial, reports(trial, aim), unit, colour))
    epochs(figure.update_xaxes, max(max(reports(t, aim)) for t in (*full, *stopped)))
    shown = [unit.scale * v for t in (*full, *stopped) for v in reports(t, aim).values()]
    return figure.update_yaxes(title_text=safe(unit.title), range=close_up(shown, aim.maximise))


def _sentence(full: int, stopped: int) -> str:
    said = f"{full} networks trained to the end, {stopped} pruned"
    more = max(full, stopped) > OTHERS
    return f"{said}; of each kind {OTHERS} are drawn." if more else f"{said}."


def _bundle(
    name: str, trials: Sequence[FrozenTrial], aim: Aim, unit: Unit, colour: str
) -> go.Scatter:
    """All of them in one trace, with gaps between."""
    x: list[float | None] = []
    y: list[float | None] = []
    for trial in sampled(trials, OTHERS):
        steps, values = _drawn(reports(trial, aim), unit)
        x += [*steps, None]
        y += [*values, None]
    return go.Scatter(
        x=x,
        y=y,
        name=f"{name} ({len(trials)})",
        mode="lines",
        line={"color": colour, "width": 1},
        hoverinfo="skip",
    )


def _line(trial: FrozenTrial, curve: Curve, unit: Unit, colour: str) -> go.Scatter:
    steps, values = _drawn(curve, unit)
    return go.Scatter(
        x=steps,
        y=values,
        name=f"trial {trial.number}",
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={"size": 4},
        hovertemplate="epoch %{x}: %{y:.4g}",
    )


def _drawn(curve: Curve, unit: Unit) -> tuple[list[int], list[float | None]]:
    """Epochs and values, at most `LONGEST` of them with the first and the last."""
    every = sorted(curve)
    if len(every) > LONGEST:
        step = (len(every) - 1) / (LONGEST - 1)
        every = [every[round(place * step)] for place in range(LONGEST)]
    return every, rounded((unit.scale * curve[epoch] for epoch in every), 4)
