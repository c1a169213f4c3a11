"""Finished trials copied straight into SQLite's tables: thousands in seconds, where Optuna's
interface takes a tenth of a second and more for each."""

from __future__ import annotations

import json
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import distribution_to_json
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial

from optunas.storage import open_storage

COLUMNS = {
    "trials": "trial_id, number, study_id, state, datetime_start, datetime_complete",
    "trial_params": "trial_id, param_name, param_value, distribution_json",
    "trial_user_attributes": "trial_id, key, value_json",
    "trial_system_attributes": "trial_id, key, value_json",
    "trial_values": "trial_id, objective, value, value_type",
    "trial_intermediate_values": "trial_id, step, intermediate_value, intermediate_value_type",
}


def stored(study: optuna.Study, path: Path) -> optuna.Study:
    """The same study in a new file; the identifiers of its trials are their numbers, plus 1."""
    storage = open_storage(f"sqlite:///{path}")
    names, direction = study.metric_names, study.direction
    made = optuna.create_study(study_name=study.study_name, direction=direction, storage=storage)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        made.set_metric_names(names or ["value"])
    for name, value in study.user_attrs.items():
        made.set_user_attr(name, value)
    with closing(sqlite3.connect(path)) as file, file:
        for table, columns in COLUMNS.items():
            places = ", ".join("?" * (columns.count(",") + 1))
            rows = (r for t in study.get_trials(deepcopy=False) for r in _rows(table, t))
            file.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", rows)
    return made


def _rows(table: str, trial: FrozenTrial) -> Iterator[tuple[Any, ...]]:
    number = trial.number + 1
    if table == "trials":
        begun, ended = (
            str(t) if t else None for t in (trial.datetime_start, trial.datetime_complete)
        )
        yield number, trial.number, 1, trial.state.name, begun, ended
    elif table == "trial_params":
        for name, value in trial.params.items():
            how = trial.distributions[name]
            yield number, name, how.to_internal_repr(value), distribution_to_json(how)
    elif table == "trial_values":
        yield from ((number, i, v, "FINITE") for i, v in enumerate(trial.values or ()))
    elif table == "trial_intermediate_values":
        yield from ((number, i, v, "FINITE") for i, v in trial.intermediate_values.items())
    else:
        kept = trial.user_attrs if table == "trial_user_attributes" else trial.system_attrs
        yield from ((number, name, json.dumps(value)) for name, value in kept.items())
