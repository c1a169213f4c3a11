"""`optunas compare`: two trials side by side. Nothing here needs torch."""

from __future__ import annotations

from typing import Annotated

import typer

from optunas.cli.options import Storage, StudyName
from optunas.cli.speaking import console


def compare(
    one: Annotated[int, typer.Argument(help="A trial's number.", show_default=False)],
    other: Annotated[int, typer.Argument(help="Another one's.", show_default=False)],
    study: StudyName = None,
    storage: Storage = None,
) -> None:
    """Two trials: their scores and costs, the layers and the parameters in which they differ."""
    from optunas.cli.finding import numbered, opened_study
    from optunas.terminal import comparison_page

    with opened_study(study, storage) as loaded:
        trials = loaded.get_trials(deepcopy=False)
        pair = [numbered(number, trials, loaded.study_name) for number in (one, other)]
    for part in comparison_page(*pair):
        console.print(part)
