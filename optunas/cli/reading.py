"""`optunas status` and `optunas show`: what the studies hold. Nothing here needs torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optunas.cli.options import Storage, StudyName
from optunas.cli.speaking import console, say
from optunas.errors import OptunasError, StudyError

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


def status(
    study: Annotated[
        str | None, typer.Argument(help="A study's name; all studies without.")
    ] = None,
    storage: Storage = None,
) -> None:
    """Where the studies of a storage stand: finished, pruned, rejected, failed, the best so far."""
    import optuna

    from optunas.storage import address, describe, explained, open_storage
    from optunas.study import load_study
    from optunas.terminal import best_table, status_table

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    opened = open_storage(storage, create=False)
    with explained(address(opened)):
        names = [study] if study else sorted(optuna.get_all_study_names(opened))
        studies = [load_study(name, opened) for name in names]
        say(describe(opened))
        console.print(status_table(studies))
        if len(studies) == 1:
            console.print(best_table(studies[0], studies[0].get_trials(deepcopy=False)))


def show(
    trial: Annotated[int, typer.Argument(help="The trial's number.", show_default=False)],
    study: StudyName = None,
    storage: Storage = None,
    svg: Annotated[
        Path | None, typer.Option(help="Write the network's picture to this file as well.")
    ] = None,
) -> None:
    """One trial: its network layer by layer, what it costs, its learning curve."""
    from optunas.cli.finding import numbered, opened_study
    from optunas.terminal import trial_page

    with opened_study(study, storage) as loaded:
        found = numbered(trial, loaded.get_trials(deepcopy=False), loaded.study_name)
    for part in trial_page(found):
        console.print(part)
    if svg is not None:
        _draw(found, svg)


def _draw(trial: FrozenTrial, path: Path) -> None:
    from optunas.described import described

    try:
        picture = described(trial).picture()
    except OptunasError as error:
        raise StudyError(f"trial {trial.number} can't be drawn: {error}") from None
    try:
        path.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise StudyError(f"can't write the picture to {path}: {error.strerror}") from None
    say(f"the picture is in {path}")
