"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from optunas.errors import OptunasError

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
Size = Annotated[
    int | None, typer.Option(help="Side of the images in pixels; for a folder or a data set.")
]
Flip = Annotated[
    bool, typer.Option("--flip", help="A mirrored image keeps its label; for a folder of images.")
]
Keep = Annotated[
    str | None,
    typer.Option(
        help="Where a folder's images are kept: memory, files (decoded again and again), auto.",
        show_default="auto",
    ),
]
DataRoot = Annotated[
    str | None, typer.Option(help="Where a named data set lies.", show_default="data")
]


def named_devices(typed: str) -> tuple[str, ...]:
    """The names in `cuda:0,cuda:1`."""
    names = tuple(name.strip() for name in typed.split(","))
    if not all(names):
        raise OptunasError(f"--devices are names with a comma between; got {typed!r}")
    return names
