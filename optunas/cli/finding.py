"""What the reading commands begin with: the study of a name, the trial of a number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from optunas.errors import StudyError

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial


@contextmanager
def opened_study(name: str | None, storage: str | None) -> Iterator[optuna.Study]:
    """The study, which must be there; what fails in its storage meanwhile is told in one line."""
    import optuna

    from optunas.storage import address, explained, open_storage
    from optunas.study import load_study

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    opened = open_storage(storage, create=False)
    with explained(address(opened)):
        yield load_study(name, opened)


def numbered(number: int, trials: Sequence[FrozenTrial], study: str) -> FrozenTrial:
    """The trial of this number; raises StudyError where there is none."""
    found = next((trial for trial in trials if trial.number == number), None)
    if found is None:
        raise StudyError(
            f"a trial's number is below the number of trials; study {study!r} has {len(trials)}, "
            f"got {number}"
        )
    return found
