"""`optunas look`: what is in the data, before a search is spent on it."""

from __future__ import annotations

import csv
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optunas.cli.options import DataRoot, Flip, Keep, Size
from optunas.cli.speaking import console, say
from optunas.errors import StudyError

if TYPE_CHECKING:
    from optunas.data import Data


def look(
    target: Annotated[
        str,
        typer.Argument(
            help="A folder of images, the name of a data set such as digits or cifar10, or a study "
            "file (.py).",
            show_default=False,
        ),
    ],
    size: Size = None,
    flip: Flip = False,
    keep: Keep = None,
    data_root: DataRoot = None,
    copies: Annotated[
        Path | None,
        typer.Option("--csv", help="Write all images that are there twice to this file."),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option("--save", help="Draw some images of each class, as a network sees them: PNG."),
    ] = None,
) -> None:
    """Look at the data without searching: classes, splits, sizes, copies, and what is odd.

    \b
    optunas look ./photos
    optunas look ./photos --size 64 --save sheet.png --csv copies.csv

    Take the options that the search will have. Whatever is found, the exit code is 0.
    """
    options = {"size": size, "flip": flip or None, "keep": keep, "root": data_root}
    with console.status("Loading torch and the data ..."):
        data = _data(target, {name: value for name, value in options.items() if value is not None})
    with console.status("Looking at the data ..."):
        from optunas.terminal import data_page

        page = data_page(data)
    for part in page:
        console.print(part)
    if copies is not None:
        _write(copies, data)
    if sheet is not None:
        _draw(sheet, data)


def _data(target: str, options: dict[str, Any]) -> Data:
    """The data that `optunas run` would search on."""
    if not target.endswith(".py"):
        from optunas.data import load

        return load(target, **options)
    from optunas.search import search_for

    own = search_for(target, options).own
    if own is None:
        raise StudyError(
            f"`optunas look` needs data; the objective of {target} is a plain callable, which "
            "keeps its own: name the folder or the data set itself"
        )
    return own.data


def _write(path: Path, data: Data) -> None:
    from optunas.data.findings import copies

    equal, near = copies(data)
    try:
        with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = csv.writer(file)
            rows.writerow(["group", "equal", "split", "class", "file"])
            for number, group in enumerate([*equal, *near], 1):
                how = "yes" if number <= len(equal) else "nearly"
                rows.writerows([number, how, *astuple(one)] for one in group)
    except OSError as error:
        raise StudyError(f"can't write the copies to {path}: {error.strerror}") from None
    found = "1 group" if len(equal) == 1 else f"{len(equal):,} groups"
    pairs = "1 pair" if len(near) == 1 else f"{len(near):,} pairs"
    say(f"{found} of equal images and {pairs} of nearly equal ones are listed in {path}")


def _draw(path: Path, data: Data) -> None:
    from optunas.data.sheet import contact_sheet

    try:
        contact_sheet(data).save(path, format="PNG")
    except OSError as error:
        raise StudyError(f"can't write the images to {path}: {error.strerror}") from None
    say(f"some images of each class are drawn in {path}")
