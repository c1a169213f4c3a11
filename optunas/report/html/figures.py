"""The plots of `optunas.visualization` for the page: what is drawn, and how it is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from optuna import Study
from optuna.trial import FrozenTrial

from optunas.report.html.security import data_block

HEIGHT = 420
SEARCH, TIME = "search", "time"


@dataclass(frozen=True)
class Figure:
    """A plot: its section of the page, how it is read, and what plotly.js draws (JSON)."""

    name: str
    section: str
    caption: str
    height: int
    drawn: Markup


CAPTIONS = {
    "cost": (
        SEARCH,
        "Each mark is a network. The line joins those that no other beats at their cost; a limit "
        "is drawn where the search had one.",
    ),
    "learning_curves": (SEARCH, "After each epoch, on the validation split."),
    "operations": (
        SEARCH,
        "Which kinds of layers stand where, from input to output, in the best tenth of the "
        "networks against all of them.",
    ),
    "effects": (
        SEARCH,
        "How much better or worse the networks with a choice were than those without it. The bars "
        "are 95 % intervals; one that crosses zero shows nothing.",
    ),
    "importances": (
        SEARCH,
        "Two measures that err in different ways: PED-ANOVA, and what a model of the study loses "
        "when the parameter is shuffled. Where they agree, believe them.",
    ),
    "agreement": (
        SEARCH,
        "Rank correlation between the values after each epoch and after the last one. Pruning is "
        "safe where it is high.",
    ),
    "savings": (TIME, "Against a search that trains every network to the end."),
    "timeline": (TIME, "Who ran which trial, and when."),
}
"""By the name of the plot: where it stands, and how it is read."""


def figures(study: Study, trials: Sequence[FrozenTrial]) -> list[Figure]:
    """Every plot that the page shows; none for a study without trials."""
    if not trials:
        return []
    from optunas import visualization

    made = []
    for name, (section, caption) in CAPTIONS.items():
        plot = getattr(visualization, f"plot_{name}")
        said = json.loads(plot(study, trials=trials).to_json())
        made.append(Figure(name, section, caption, _height(said), data_block(_bare(said))))
    return made


def _bare(said: dict[str, Any]) -> dict[str, Any]:
    """What is drawn, by SVG: WebGL would need a policy that lets any text run as a script."""
    layout = {name: value for name, value in said.get("layout", {}).items() if name != "template"}
    data = [
        {**trace, "type": "scatter"} if trace.get("type") == "scattergl" else trace
        for trace in said.get("data", [])
    ]
    return {"data": data, "layout": layout}


def _height(said: dict[str, Any]) -> int:
    height = said.get("layout", {}).get("height")
    return round(height) if isinstance(height, int | float) else HEIGHT
