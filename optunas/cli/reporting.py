"""`optunas report`: a study as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optunas.cli.options import Storage
from optunas.cli.speaking import console, say


def report(
    study: Annotated[
        str | None, typer.Argument(help="The study's name; where there is one only, not needed.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path(
        "report.html"
    ),
    storage: Storage = None,
) -> None:
    """What the search found and why, as one file: to read, print or send, without any server.

    Findings, the best networks' pictures, what changed between the hand-made network and the
    winner, plots, failures, time, and all that is needed to repeat it.
    """
    from optunas.cli.finding import opened_study

    with opened_study(study, storage) as loaded, console.status("Looking at the study ..."):
        from optunas.report.html import write

        written = write(loaded, output)
    size = written.stat().st_size / 1e6
    say(f"the report of {loaded.study_name!r} is in {written} ({size:.1f} MB)")
