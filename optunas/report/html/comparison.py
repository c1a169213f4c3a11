"""Two trials side by side, as a page."""

from __future__ import annotations

from optuna.trial import FrozenTrial

from optunas.insights.difference import difference
from optunas.report.html.changes import told
from optunas.report.html.notebook import Page
from optunas.report.html.security import policy
from optunas.report.html.tables import role
from optunas.report.html.templates import asset, environment


def compare(one: FrozenTrial, other: FrozenTrial) -> Page:
    """What differs between two trials, and what it is worth; Jupyter shows it."""
    found = difference(one, other)
    intro = f"From trial {one.number} ({role(one)}) to trial {other.number} ({role(other)})."
    if found.same_network:
        intro += " They are the same network."
    template = environment().get_template("comparison.html")
    return Page(
        template.render(
            name=f"Trial {one.number} and trial {other.number}",
            policy=policy([]),
            style=asset("style.css"),
            changes=told(found, intro),
        )
    )
