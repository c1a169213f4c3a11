"""Optuna's storage on a database, in fewer statements.

What a trial chooses and what is known of it are dozens of values. Optuna writes each in a
transaction of its own, of six messages; here as many as there are go into one. Trials are read by
`reading`. All the rest is Optuna's.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import product
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    check_distribution_compatibility,
    distribution_to_json,
    json_to_distribution,
)
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, Insert, Table, bindparam, insert, select, update
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from optunas.storage.reading import NO_RECORD, Reader
from optunas.storage.tables import (
    FINITE,
    MINUS_INFINITY,
    NAN,
    PARAMS,
    PLUS_INFINITY,
    REPORTS,
    SCHEMA,
    STUDY_USER,
    SYSTEM,
    TRIALS,
    USER,
    writing_once,
)

Drawn = Mapping[str, tuple[float, BaseDistribution]]
"""Parameters by name: the value as Optuna stores it, and what it was drawn from."""

_NOTHING: Mapping[str, Any] = {}


class QuickStorage(RDBStorage):
    """`RDBStorage` with trials read and written in batches, where it `is_possible`."""

    def __init__(self, url: str, engine_kwargs: dict[str, Any] | None = None) -> None:
        super().__init__(url, engine_kwargs)
        self._begin()

    def _begin(self) -> None:
        self._reader = Reader(self.engine)
        self._study_of: dict[int, int] = {}  # by trial; as far as this process has written to it

    def __getstate__(self) -> dict[Any, Any]:
        ours = ("_reader", "_study_of")
        return {k: v for k, v in super().__getstate__().items() if k not in ours}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        self._begin()

    @property
    def is_possible(self) -> bool:
        """Whether the database is one that the statements here are written for."""
        return self.engine.dialect.name in _INSERTS and self.get_head_version() == SCHEMA

    # Reading

    def get_trial(self, trial_id: int) -> FrozenTrial:
        with _as_optuna_fails():
            return self._reader.trial(trial_id)

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        with _as_optuna_fails():
            trials = self._reader.trials(study_id, states)
        return copy.deepcopy(trials) if deepcopy else trials

    def delete_study(self, study_id: int) -> None:
        super().delete_study(study_id)
        self._reader.forget(study_id)

    def swap_study_user_attr(self, study_id: int, key: str, before: Any, after: Any) -> bool:
        """Write a study's attribute where it still is `before` (None: where there is none); False
        where it is something else. Of several that swap at once, one does."""
        row = STUDY_USER.c.study_id == study_id, STUDY_USER.c.key == key
        look = select(STUDY_USER.c.value_json).where(*row)
        with _as_optuna_fails(), suppress(IntegrityError), self.engine.begin() as connection:
            found = connection.execute(look).scalar()
            if found is not None:  # to lock what is not there is a deadlock of two in MySQL
                found = connection.execute(look.with_for_update()).scalar()
            if json.dumps(None if found is None else json.loads(found)) != json.dumps(before):
                return False
            new = {"value_json": json.dumps(after)}
            if found is None:
                connection.execute(insert(STUDY_USER).values(study_id=study_id, key=key, **new))
            else:
                connection.execute(update(STUDY_USER).where(*row).values(new))
            return True
        return False  # another one has written it between our look and our writing

    # Writing. Each of these may be done twice: what is there already is written over.

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        if self._fits(trial_id, param_name, distribution):
            row = _drawn(param_name, param_value_internal, distribution)
            self._write_one(PARAMS, trial_id, row)
        else:  # asks, or says what is wrong
            self.write(trial_id, params={param_name: (param_value_internal, distribution)})

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._write_one(USER, trial_id, {"key": key, "value_json": json.dumps(value)})

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._write_one(SYSTEM, trial_id, {"key": key, "value_json": json.dumps(value)})

    def write(
        self,
        trial_id: int,
        *,
        params: Drawn = _NOTHING,
        user: Mapping[str, Any] = _NOTHING,
        system: Mapping[str, Any] = _NOTHING,
    ) -> None:
        """All of this at once: what a trial has chosen, its user and its system attributes.

        Raises ValueError for a parameter that other trials of the study drew from something else,
        KeyError and UpdateFinishedTrialError as Optuna does; nothing is written then.
        """
        drawn = [_drawn(name, value, law) for name, (value, law) in params.items()]
        with self._writing(trial_id) as (connection, study_id):
            for name, (_, distribution) in params.items():
                before = self._drawn_before(connection, study_id, name)
                if before is not None:
                    check_distribution_compatibility(before, distribution)
            self._write(connection, PARAMS, trial_id, drawn)
            self._write(connection, USER, trial_id, _as_json(user))
            self._write(connection, SYSTEM, trial_id, _as_json(system))
        if params:
            known = self._reader.distributions(study_id)
            known.update({name: distribution for name, (_, distribution) in params.items()})

    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        kind = _kind(intermediate_value)
        stored = intermediate_value if kind == FINITE else None
        row = {"step": step, "intermediate_value": stored, "intermediate_value_type": kind}
        self._write_one(REPORTS, trial_id, row)

    @contextmanager
    def _writing(self, trial_id: int) -> Iterator[tuple[Connection, int]]:
        """A transaction on a trial that has not ended, and its study.

        Raises KeyError where there is no such trial, UpdateFinishedTrialError where it has ended.
        """
        with _as_optuna_fails(), self.engine.begin() as connection:
            of = select(TRIALS.c.study_id, TRIALS.c.state).where(TRIALS.c.trial_id == trial_id)
            row = connection.execute(of).first()
            if row is None:
                raise KeyError(NO_RECORD)
            self.check_trial_is_updatable(trial_id, row.state)
            self._study_of[trial_id] = row.study_id
            yield connection, row.study_id

    def _write(
        self, connection: Connection, table: Table, trial_id: int, rows: Sequence[dict[str, Any]]
    ) -> None:
        if rows:
            upsert = _MANY[connection.dialect.name, table.name]
            connection.execute(upsert, [{"trial_id": trial_id, **row} for row in rows])

    def _write_one(self, table: Table, trial_id: int, row: dict[str, Any]) -> None:
        """A row of a trial that has not ended; the statement itself asks whether it has."""
        upsert = _ONE[self.engine.dialect.name, table.name]
        with _as_optuna_fails(), writing_once(self.engine) as connection:
            kept = connection.execution_options(preserve_rowcount=True)
            written = kept.execute(upsert, {"trial_id": trial_id, **row}).rowcount
        if not written:
            with self._writing(trial_id) as (connection, _):  # says why
                self._write(connection, table, trial_id, [row])

    def _fits(self, trial_id: int, name: str, distribution: BaseDistribution) -> bool:
        """Whether it is known, without asking, that the study has drawn the parameter like that."""
        study_id = self._study_of.get(trial_id)
        before = None if study_id is None else self._reader.distributions(study_id).get(name)
        if before is None:
            return False
        with suppress(ValueError):
            check_distribution_compatibility(before, distribution)
            return True
        return False

    def _drawn_before(
        self, connection: Connection, study_id: int, name: str
    ) -> BaseDistribution | None:
        """What the study has drawn this parameter from; asked once, then remembered."""
        known = self._reader.distributions(study_id)
        if name not in known:
            of_study = PARAMS.join(TRIALS, PARAMS.c.trial_id == TRIALS.c.trial_id)
            text = connection.execute(
                select(PARAMS.c.distribution_json)
                .select_from(of_study)
                .where(TRIALS.c.study_id == study_id, PARAMS.c.param_name == name)
                .limit(1)
            ).scalar()
            if text is None:
                return None
            known[name] = json_to_distribution(text)
        return known[name]


def _drawn(name: str, value: float, distribution: BaseDistribution) -> dict[str, Any]:
    text = distribution_to_json(distribution)
    return {"param_name": name, "param_value": value, "distribution_json": text}


def _as_json(attributes: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"key": key, "value_json": json.dumps(value)} for key, value in attributes.items()]


def _kind(value: float) -> str:
    """What is written beside a number, of which a column holds the finite ones only."""
    if math.isnan(value):
        return NAN
    if math.isinf(value):
        return PLUS_INFINITY if value > 0 else MINUS_INFINITY
    return FINITE


@contextmanager
def _as_optuna_fails() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise StorageInternalError("the database has not done what it was asked") from error


def _upsert(dialect: str, table: Table, *, one: bool) -> Insert:
    """INSERT of rows of a trial; those that are there already get the new values. `one`: a single
    row, and none where the trial has ended."""
    _, trial_id, name, *values = table.columns
    into = _INSERTS[dialect](table)
    if one:
        row = [bindparam(column.name, type_=column.type) for column in (trial_id, name, *values)]
        goes_on = TRIALS.c.state.in_([TrialState.RUNNING, TrialState.WAITING])
        of_trial = select(*row).where(TRIALS.c.trial_id == bindparam("trial_id"), goes_on)
        into = into.from_select([trial_id, name, *values], of_trial)
    if isinstance(into, mysql.Insert):
        return into.on_duplicate_key_update({v.name: into.inserted[v.name] for v in values})
    assert isinstance(into, postgresql.Insert | sqlite.Insert)
    new = {value.name: into.excluded[value.name] for value in values}
    return into.on_conflict_do_update(index_elements=[trial_id, name], set_=new)


_INSERTS = {"postgresql": postgresql.insert, "mysql": mysql.insert, "sqlite": sqlite.insert}
_WRITTEN = list(product(_INSERTS, (PARAMS, USER, SYSTEM, REPORTS)))
_MANY = {(d, table.name): _upsert(d, table, one=False) for d, table in _WRITTEN}
_ONE = {(d, table.name): _upsert(d, table, one=True) for d, table in _WRITTEN}
