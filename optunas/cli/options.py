"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Storage = Annotated[
    str | None,
    typer.Option(
        help="Database URL, such as sqlite:///optunas.db or postgresql+psycopg://host/studies. "
        "Also taken from OPTUNAS_STORAGE, which keeps a password out of the process list.",
        show_default="sqlite:///optunas.db",
    ),
]
StudyName = Annotated[str | None, typer.Option("--study", help="The study's name.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:1.", show_default="auto")]
