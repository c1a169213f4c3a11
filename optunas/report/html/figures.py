"""The plots of `optunas.visualization` for the page: what is drawn, and how it is read."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any

from markupsafe import Markup
from optuna import Study
from optuna.trial import FrozenTrial

from optunas.report.html.security import data_block

HEIGHT = 420
LINE, ABOVE, TOP = 19, 8, 22  # px: of a title's line, of what goes with it, of what stays
SEARCH, TIME = "search", "time"


@dataclass(frozen=True)
class Figure:
    """A plot: its section of the page, title, what it says, how it is read, and what plotly.js
    draws (JSON). `height`: in pixels."""

    name: str
    section: str
    title: str
    said: str
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

    return [
        _figure(name, getattr(visualization, f"plot_{name}")(study, trials=trials).to_json())
        for name in CAPTIONS
    ]


def _figure(name: str, text: str) -> Figure:
    section, caption = CAPTIONS[name]
    said = json.loads(text)
    layout = said.get("layout", {})
    title = layout.get("title", {}).get("text", "")
    lines = title.count("<br>") + 1
    height = round(layout.get("height", HEIGHT)) - LINE * lines - ABOVE
    figure = _bare(said, height)
    heads, sentences = (_plain(title, tag) for tag in ("b", "span"))
    return Figure(name, section, heads, sentences, caption, height, data_block(figure))


def _plain(title: str, tag: str) -> str:
    """What stands between these tags of plotly's kind of HTML, as a text without any."""
    return unescape(" ".join(re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", title)))


def _bare(said: dict[str, Any], height: int) -> dict[str, Any]:
    """Without its title, which is a heading of the page, and with SVG only.

    WebGL would need a policy that lets any text run as a script, and prints badly.
    """
    layout = {k: v for k, v in said.get("layout", {}).items() if k not in ("template", "title")}
    layout |= {"height": height, "margin": {**layout.get("margin", {}), "t": TOP}}
    return {"data": [_as_svg(trace) for trace in said.get("data", [])], "layout": layout}


def _as_svg(trace: dict[str, Any]) -> dict[str, Any]:
    """Of lines with markers SVG draws the lines: one element, not thousands."""
    if trace.get("type") != "scattergl":
        return trace
    if "lines" not in trace.get("mode", ""):
        return {**trace, "type": "scatter"}
    line = {**trace.get("line", {}), "simplify": False}  # else short spans get lost
    return {**trace, "type": "scatter", "mode": "lines", "line": line}
