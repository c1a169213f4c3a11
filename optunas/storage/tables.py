"""Optuna's tables, as far as trials are read (`reading`) and written (`quick`) by fewer statements.

They are those of `SCHEMA`, which Optuna has kept since 3.2; a database of another version is left
to Optuna's own code. Their definition: optuna/storages/_rdb/models.py.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from typing import Any

from optuna.trial import TrialState
from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Engine,
    Enum,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from optunas.storage.sqlite import READS

SCHEMA = "v3.2.0.a"

FINITE, NAN, PLUS_INFINITY, MINUS_INFINITY = "FINITE", "NAN", "INF_POS", "INF_NEG"
NUMBERS = {NAN: math.nan, PLUS_INFINITY: math.inf, MINUS_INFINITY: -math.inf}
"""By what stands beside a number that a column can't hold."""

_all = MetaData()

STUDIES = Table("studies", _all, Column("study_id", Integer, primary_key=True))

TRIALS = Table(
    "trials",
    _all,
    Column("trial_id", Integer, primary_key=True),
    Column("number", Integer),
    Column("study_id", Integer),
    Column("state", Enum(TrialState)),
    Column("datetime_start", DateTime),
    Column("datetime_complete", DateTime),
)


def _of_trials(table: str, number: str, *columns: Column[Any]) -> Table:
    """A table of what trials have: each row's number, its trial, a name that is unique there, and
    the values."""
    first = Column(number, Integer, primary_key=True), Column("trial_id", Integer)
    return Table(table, _all, *first, *columns)


PARAMS = _of_trials(
    "trial_params",
    "param_id",
    Column("param_name", String),
    Column("param_value", Float(53)),
    Column("distribution_json", Text),
)

VALUES = _of_trials(
    "trial_values",
    "trial_value_id",
    Column("objective", Integer),
    Column("value", Float(53)),
    Column("value_type", Enum(FINITE, PLUS_INFINITY, MINUS_INFINITY, name="trialvaluetype")),
)

REPORTS = _of_trials(
    "trial_intermediate_values",
    "trial_intermediate_value_id",
    Column("step", Integer),
    Column("intermediate_value", Float(53)),
    Column(
        "intermediate_value_type",
        Enum(FINITE, PLUS_INFINITY, MINUS_INFINITY, NAN, name="trialintermediatevaluetype"),
    ),
)

USER, SYSTEM = (
    _of_trials(
        f"trial_{who}_attributes",
        f"trial_{who}_attribute_id",
        Column("key", String),
        Column("value_json", Text),
    )
    for who in ("user", "system")
)

STUDY_USER = Table(
    "study_user_attributes",
    _all,
    Column("study_user_attribute_id", Integer, primary_key=True),
    Column("study_id", Integer),
    Column("key", String),
    Column("value_json", Text),
)


def reading(engine: Engine) -> AbstractContextManager[Connection]:
    """A connection that only reads: it keeps no writer waiting, and begins no transaction where
    that would be a message of its own."""
    options = {READS: True} if engine.dialect.name == "sqlite" else _alone(engine)
    return engine.connect().execution_options(**options)


def writing_once(engine: Engine) -> AbstractContextManager[Connection]:
    """A connection for a single statement that writes; it is committed at the end."""
    alone = _alone(engine)
    return engine.connect().execution_options(**alone) if alone else engine.begin()


def _alone(engine: Engine) -> dict[str, Any]:
    """Where each statement is a transaction without more messages: in other drivers that would be
    another setting to be made and taken back."""
    return {"isolation_level": "AUTOCOMMIT"} if engine.dialect.name == "postgresql" else {}
