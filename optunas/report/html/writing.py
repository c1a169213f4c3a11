"""The report: everything that a study shows, on one page that needs no network and no server."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from optuna import Study
from optuna.trial import FrozenTrial

from optunas._version import __version__
from optunas.atomic import replacing
from optunas.errors import StudyError
from optunas.insights import findings, savings
from optunas.report.html.changes import changes
from optunas.report.html.delivered import delivered
from optunas.report.html.ends import ends, saved
from optunas.report.html.figures import figures
from optunas.report.html.headline import headline
from optunas.report.html.networks import networks
from optunas.report.html.notebook import Page
from optunas.report.html.plotly import Packed, packed
from optunas.report.html.searched import searched
from optunas.report.html.security import policy
from optunas.report.html.settings import settings
from optunas.report.html.tables import best_table
from optunas.report.html.templates import asset, environment
from optunas.wording import plain


def page(study: Study, trials: Sequence[FrozenTrial] | None = None) -> Page:
    """The report of a study as an HTML text, which Jupyter shows.

    trials: those of the study where they were just read; by default they are read now. Whatever
    stands in a study is shown as text: the page's policy lets only our own scripts run.
    """
    trials = study.get_trials(deepcopy=False) if trials is None else trials
    template = environment().get_template("page.html")
    drawn = figures(study, trials)
    library = packed() if drawn else Packed("", "")
    script, style = asset("figures.js"), asset("style.css")
    text = template.render(
        name=plain(study.study_name),
        policy=policy([script, library.source] if drawn else []),
        style=style,
        script=script,
        library=library.gzipped,
        headline=headline(study, trials),
        searched=searched(study, trials),
        findings=findings(study, trials),
        networks=networks(study, trials),
        best=best_table(study, trials),
        delivered=delivered(study),
        changes=changes(study, trials),
        figures=drawn,
        ends=ends(trials),
        saved=saved(savings(study, trials)),
        settings=settings(study, trials),
        made=_made(),
    )
    return Page(text)


def write(study: Study, path: str | os.PathLike[str]) -> Path:
    """Write the report to this file, whole or not at all; raises StudyError where that fails."""
    target = Path(path)
    text = page(study)
    try:
        with replacing(target) as file:
            file.write(text.encode("utf-8", "replace"))
    except OSError as error:
        raise StudyError(f"can't write the report to {target}: {error.strerror}") from None
    return target


def _made() -> str:
    """When and by what the report was made."""
    python = ".".join(map(str, sys.version_info[:3]))
    tools = f"optunas {__version__}, optuna {version('optuna')}, plotly {version('plotly')}"
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC by {tools}, Python {python}"
