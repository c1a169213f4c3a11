"""Studies of many finished trials for scale.py, copied straight into PostgreSQL's tables.

Through Optuna's interface 10,000 trials with all that ours write take long; the rows are the
same. Each trial is a random network of the space.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import psycopg
from optuna.distributions import distribution_to_json
from scale_worker import SPACE, described, judged, learning_curve, study_of

from optunas.attributes import Outcome
from optunas.process import TOKEN
from optunas.spaces.draw import draw
from optunas.storage import open_storage

COLUMNS = {
    "trials": "trial_id, number, study_id, state, datetime_start, datetime_complete",
    "trial_params": "trial_id, param_name, param_value, distribution_json",
    "trial_user_attributes": "trial_id, key, value_json",
    "trial_system_attributes": "trial_id, key, value_json",
    "trial_values": "trial_id, objective, value, value_type",
    "trial_intermediate_values": ("trial_id, step, intermediate_value, intermediate_value_type"),
}
Rows = dict[str, list[tuple[Any, ...]]]


def invented(trials: int) -> Iterator[Rows]:
    """The rows of each of so many finished trials, whose numbers begin with 0."""
    rng = np.random.default_rng(0)
    for number in range(trials):
        yield _rows(number, rng)


def _rows(number: int, rng: np.random.Generator) -> Rows:
    drawn = draw(SPACE.suggest, rng)
    scores = learning_curve(number)
    attributes = {
        **described(drawn.architecture),
        **judged(scores, 20.0),
        "seed": number,
        "engine": "none",
        "reason": "",
        "outcome": Outcome.TRAINED.value,
        "worker": {"host": "elsewhere", "pid": 1, "started": 0.0, "beat_s": 15, "trial": number},
    }
    trial = number + 1
    began = datetime(2026, 1, 1) + timedelta(seconds=number)
    return {
        "trials": [(trial, number, 1, "COMPLETE", began, began + timedelta(seconds=20))],
        "trial_params": [
            (
                trial,
                name,
                drawn.distributions[name].to_internal_repr(value),
                distribution_to_json(drawn.distributions[name]),
            )
            for name, value in drawn.params.items()
        ],
        "trial_user_attributes": [(trial, n, json.dumps(v)) for n, v in attributes.items()],
        "trial_system_attributes": [(trial, TOKEN, json.dumps(f"{number:032x}"))],
        "trial_values": [(trial, 0, scores[-1], "FINITE")],
        "trial_intermediate_values": [
            (trial, epoch, score, "FINITE") for epoch, score in enumerate(scores, start=1)
        ],
    }


def fill(url: str, trials: Iterable[Rows]) -> None:
    """Create the study in an empty database, and write these trials into it."""
    study_of(open_storage(url), "random")
    rows = list(trials)
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        for table, columns in COLUMNS.items():
            with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for trial in rows:
                    for row in trial[table]:
                        copy.write_row(row)
        connection.execute(
            "SELECT setval(pg_get_serial_sequence('trials', 'trial_id'), %s)", (len(rows),)
        )
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
