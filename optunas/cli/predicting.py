"""`optunas predict`: what a delivered network says of images."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from optunas.cli.options import Device
from optunas.cli.speaking import complain, console, say
from optunas.errors import StudyError

if TYPE_CHECKING:
    from optunas.delivery.predict import Prediction

SHOWN = 3
LEAST = 0.001  # a probability below that is not told


def predict(
    winner: Annotated[str, typer.Argument(help="The folder that `optunas deliver` wrote.")],
    images: Annotated[list[str], typer.Argument(help="Image files, or folders of them.")],
    output: Annotated[
        Path | None,
        typer.Option("--csv", help="Write all classes with their probabilities to this file."),
    ] = None,
    device: Device = None,
) -> None:
    """Say what is on images, with probabilities; the study is not needed any more.

    \b
    optunas predict winner/ image.jpg
    optunas predict winner/ photos/ --csv answers.csv

    Files that can't be read are named and skipped.
    """
    with console.status("Loading the network ..."):
        from optunas.delivery.predict import Delivered

        delivered = Delivered(winner, device or "auto")
    told, skipped = [], 0
    for one in delivered.predict(images):
        if one.why:
            skipped += 1
            complain(f"{one.path}: {one.why}")
        else:
            told.append(one)
            if output is None:
                console.print(_line(one), soft_wrap=True)
    if output is not None:
        _write(output, delivered.classes, told)
        say(f"{len(told)} images are told of in {output}" + f", {skipped} skipped" * bool(skipped))
    if not told:
        raise StudyError(
            "a prediction needs an image; none was found among what was named: "
            f"{', '.join(images)[:200]}"
        )


def _line(one: Prediction) -> Text:
    shares = one.shares[:1] + tuple(s for s in one.shares[1:SHOWN] if s[1] >= LEAST)
    return Text(f"{one.path}: " + ", ".join(f"{name} {share:.1%}" for name, share in shares))


def _write(path: Path, classes: tuple[str, ...], told: list[Prediction]) -> None:
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["file", "class", "probability", *classes])
            for one in told:
                shares = dict(one.shares)
                best, share = one.shares[0]
                row = [f"{shares[name]:.6f}" for name in classes]
                rows.writerow([one.path, best, f"{share:.6f}", *row])
    except OSError as error:
        raise StudyError(f"can't write the answers to {path}: {error.strerror}") from None
