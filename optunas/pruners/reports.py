"""What a trial says of itself after each epoch, for one objective or several.

Optuna's `trial.report` and `trial.should_prune` raise where a study has several objectives
(optuna#3450). The two functions here stand in for them in any study:

>>> def objective(trial):                                                # doctest: +SKIP
...     network = ...
...     for epoch in range(1, 21):
...         accuracy = train_one_epoch(network)
...         report(trial, (accuracy, params), epoch)
...         if should_prune(trial):
...             raise optuna.TrialPruned
...     return accuracy, params

>>> study = optuna.create_study(                                         # doctest: +SKIP
...     directions=["maximize", "minimize"], pruner=ParetoPruner(n_warmup_steps=6)
... )
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import isfinite, nan
from typing import Any

from optuna.pruners import NopPruner
from optuna.trial import FrozenTrial, Trial, TrialState

from optunas.errors import StudyError

REPORTED = "reported"
"""The user attribute that holds the reports: a list for each, the step and then the values."""


def report(trial: Trial, values: float | Sequence[float], step: int) -> None:
    """Tell where the trial's objectives stand after this step (an epoch, from 1 on).

    `values` are in the order of the study's directions, what the trial would return if it ended
    now: what is known beforehand (parameters) stays, what is learned moves. With one objective
    this is `trial.report`. With several, where Optuna has no place for them, they are kept in the
    user attribute "reported": dashboards show it, and a trial that is run again inherits it. A step
    that is reported again, by a training that starts anew, takes the later ones off the list.

    Raises StudyError for more or fewer values than the study has objectives.
    """
    numbers = [float(value) for value in (values if isinstance(values, Sequence) else (values,))]
    wanted = len(trial.study.directions)
    if len(numbers) != wanted:
        raise StudyError(
            f"a report has one value for each of the study's {wanted} objectives; got {values!r}"
        )
    if wanted == 1:
        trial.report(numbers[0], step)
        return
    earlier = [row for row in _rows(trial.user_attrs) if row[0] < step]
    # JSON knows neither NaN nor infinity
    trial.set_user_attr(
        REPORTED, [*earlier, [step, *(n if isfinite(n) else None for n in numbers)]]
    )


def should_prune(trial: Trial) -> bool:
    """Whether the study's pruner would stop the trial here, for any number of objectives.

    Optuna's own pruners know nothing of several objectives, and let every such trial go on.
    """
    study = trial.study
    if len(study.directions) == 1:
        return trial.should_prune()
    if isinstance(study.pruner, NopPruner):
        return False
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    return any(study.pruner.prune(study, t) for t in running if t.number == trial.number)


def reported(
    trial: FrozenTrial, steps: Collection[int] | None = None
) -> dict[int, tuple[float, ...]]:
    """The values after each step, or after these, whatever way they were reported; NaN where one
    was no number."""
    values: dict[int, tuple[float, ...]] = {
        step: (value,)
        for step, value in trial.intermediate_values.items()
        if steps is None or step in steps
    }
    for step, *row in _rows(trial.user_attrs, steps):
        values[step] = tuple(nan if value is None else value for value in row)
    return values


def _rows(attributes: dict[str, Any], steps: Collection[int] | None = None) -> list[list[Any]]:
    """The rows that are a step and numbers; a stranger may have written anything."""
    rows = attributes.get(REPORTED)
    if not isinstance(rows, list):
        return []
    lists = [row for row in rows if isinstance(row, list) and len(row) > 1]
    wanted = lists if steps is None else [row for row in lists if row[0] in steps]
    return [row for row in wanted if _is_row(row)]


def _is_row(row: list[Any]) -> bool:
    return isinstance(row[0], int) and all(isinstance(v, int | float | None) for v in row[1:])
