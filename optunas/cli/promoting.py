"""`optunas promote`: a trial that the pruner stopped shall go on."""

from __future__ import annotations

from typing import Annotated

import typer

from optunas.cli.options import Storage, StudyName
from optunas.cli.speaking import say


def promote(
    number: Annotated[int, typer.Argument(help="The trial's number.")],
    study: StudyName = None,
    storage: Storage = None,
) -> None:
    """Let a trial that the pruner stopped go on from its last epoch, as a new trial.

    It is queued; a running search takes it next. Otherwise start one, with more --trials than the
    study holds.
    """
    from optunas.storage import address, explained, open_storage
    from optunas.study import load_study
    from optunas.worker import promote as queue

    opened = open_storage(storage, create=False)
    found = load_study(study, opened)
    with explained(address(opened)):
        queue(found, number)
    say(f"trial {number} of {found.study_name!r} is queued to go on")
