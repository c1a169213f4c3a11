"""The pictures of one trial: drawn, and handed to the artifact store while the trial still runs.

Artifacts of a trial that has ended can't be written any more, so all of it happens before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from optuna.artifacts import get_all_artifact_meta, upload_artifact
from optuna.trial import FrozenTrial, Trial

from optunas.architecture import from_json
from optunas.artifacts import ArtifactStore
from optunas.attributes import number
from optunas.errors import OptunasError
from optunas.report.confusion import confusion_svg
from optunas.report.curve import curve_csv, curve_rows, curve_svg
from optunas.report.mistakes import contact_sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optunas.training.results import Answers

MOST_BYTES = 200_000
SVG = "image/svg+xml"


class Picture(NamedTuple):
    """A file of a trial: optuna-dashboard shows images and CSV tables inline."""

    name: str
    mimetype: str
    content: bytes


def pictures(
    trial: FrozenTrial, classes: Sequence[str] = (), answers: Answers | None = None
) -> Iterator[Picture]:
    """What there is to see of a trial, in the order of the names: each of 200 kB at most."""
    drawn = [*_network(trial), *_curve(trial), *_answers(classes, answers)]
    yield from (picture for picture in drawn if len(picture.content) <= MOST_BYTES)


def upload(store: ArtifactStore, trial: Trial, picture: Picture) -> None:
    """Hand a picture to the store, as an artifact of the trial. Raises what the store raises."""
    with tempfile.TemporaryDirectory(prefix="optunas-") as folder:
        path = Path(folder) / picture.name
        path.write_bytes(picture.content)
        upload_artifact(
            artifact_store=store,
            file_path=str(path),
            study_or_trial=trial,
            mimetype=picture.mimetype,
        )


def present(trial: Trial) -> set[str]:
    """The names of the artifacts that a trial has: one that is run again may have some."""
    return {meta.filename for meta in get_all_artifact_meta(trial)}


def diagram_of(trial: FrozenTrial) -> str | None:
    """The picture of a trial's network; None where it has no description, or a broken one."""
    known = trial.user_attrs
    try:
        shape = tuple(int(size) for size in known["input_shape"])
        return from_json(known["architecture"]).diagram(shape, known.get("classes"))
    except (OptunasError, KeyError, TypeError, ValueError, RecursionError):
        return None


def _network(trial: FrozenTrial) -> Iterator[Picture]:
    drawing = diagram_of(trial)
    if drawing is not None:
        yield Picture("1 network.svg", SVG, drawing.encode())


def _curve(trial: FrozenTrial) -> Iterator[Picture]:
    rows = curve_rows(trial.user_attrs.get("curve"))
    if rows:
        accuracy = number(trial, "accuracy") or 0.0
        drawing = curve_svg(rows, f"Trial {trial.number}, accuracy {accuracy:.2%}")
        yield Picture("2 curve.svg", SVG, drawing.encode())
        yield Picture("3 curve.csv", "text/csv", curve_csv(rows).encode())


def _answers(classes: Sequence[str], answers: Answers | None) -> Iterator[Picture]:
    if answers is None:
        return
    yield Picture("4 confusion.svg", SVG, confusion_svg(answers.confusion, classes).encode())
    if answers.mistakes:
        sheet = contact_sheet(answers.mistakes, classes, MOST_BYTES)
        yield Picture("5 mistakes.png", "image/png", sheet)
