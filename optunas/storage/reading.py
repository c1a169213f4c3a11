"""A study's trials out of Optuna's tables, as rows; what has ended is read once.

Optuna reads each trial as a hundred objects that know how to write themselves back. Where 100
workers work on a study, 100 trials have ended and 100 run whenever one of them looks, and who joins
late reads 10,000: rows take a fraction of that time.
"""

from __future__ import annotations

import json
import threading
from bisect import insort
from collections import defaultdict
from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Enum,
    Row,
    String,
    Table,
    func,
    select,
    type_coerce,
)

from optunas.storage.tables import (
    NUMBERS,
    PARAMS,
    REPORTS,
    STUDIES,
    SYSTEM,
    TRIALS,
    USER,
    VALUES,
    reading,
)

AT_ONCE = 500  # trials that one statement names
FEW = 5  # running trials: sooner read than compared
NO_RECORD = "Record does not exist."  # as Optuna says


class Reader:
    """Reads trials from the database of this engine, and keeps those that have ended."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._known: dict[int, _Known] = defaultdict(_Known)

    def forget(self, study_id: int) -> None:
        """The study is no more."""
        with self._lock:
            self._known.pop(study_id, None)

    def distributions(self, study_id: int) -> dict[str, BaseDistribution]:
        """What the parameters of the study were drawn from, as far as is known; to be added to."""
        return self._known[study_id].distributions

    def trial(self, trial_id: int) -> FrozenTrial:
        """One trial as it is now. Raises KeyError where there is none."""
        with reading(self._engine) as connection:
            heads = connection.execute(_HEADS.where(TRIALS.c.trial_id == trial_id)).all()
            if not heads:
                raise KeyError(NO_RECORD)
            return _trials(connection, heads)[trial_id]

    def trials(
        self, study_id: int, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """The study's trials by number, all or those in these states; not to be changed.

        Raises KeyError where there is no such study.
        """
        wanted = [state for state in TrialState if states is None or state in states]
        with self._lock, reading(self._engine) as connection:
            known = self._known[study_id]
            heads = _heads(connection, study_id, known, wanted)
            passing: list[FrozenTrial] = []
            for first in range(0, len(heads), AT_ONCE):
                some = _trials(connection, heads[first : first + AT_ONCE], known.running)
                passing += [
                    trial for trial_id, trial in some.items() if not known.keep(trial_id, trial)
                ]
            if TrialState.RUNNING in wanted:
                known.running.turn()
            return known.with_these(passing, wanted)


@dataclass
class _Known:
    """What was read of one study: the trials that have ended, and of the others which they are.

    Trials are made one after another, each with a higher id, and seen in that order: those above
    `last` are new, and of the others only the unfinished ones can change.
    """

    last: int = -1
    unfinished: set[int] = field(default_factory=set)
    finished: list[FrozenTrial] = field(default_factory=list)  # by number
    distributions: dict[str, BaseDistribution] = field(default_factory=dict)
    running: Running = field(default_factory=lambda: Running())

    def may_have_changed(self) -> ColumnElement[bool]:
        trial_id = TRIALS.c.trial_id
        if not self.unfinished:
            return trial_id > self.last
        if len(self.unfinished) > AT_ONCE:
            return trial_id >= min(self.unfinished)
        return (trial_id > self.last) | trial_id.in_(sorted(self.unfinished))

    def meet(self, heads: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
        """These are all that may have changed, and more; gives those that may. Each is taken for
        unfinished until it is read as something else."""
        new = [h for h in heads if h.trial_id > self.last or h.trial_id in self.unfinished]
        self.unfinished = {head.trial_id for head in new}
        self.last = max(self.last, *self.unfinished) if new else self.last
        return new

    def keep(self, trial_id: int, trial: FrozenTrial) -> bool:
        """Keep a trial that has ended; False where it has not."""
        self.distributions.update(trial.distributions)
        if trial.state.is_finished():
            insort(self.finished, trial, key=_number)
            self.unfinished.discard(trial_id)
        return trial.state.is_finished()

    def with_these(
        self, passing: Sequence[FrozenTrial], states: Collection[TrialState]
    ) -> list[FrozenTrial]:
        """What is kept and what passes, by number, in these states."""
        trials = sorted([*self.finished, *passing], key=_number)  # all but sorted: no work
        if len(states) == len(TrialState):
            return trials
        return [trial for trial in trials if trial.state in states]


def _heads(
    connection: Connection, study_id: int, known: _Known, states: Collection[TrialState]
) -> Sequence[Row[Any]]:
    """The rows of the trials that are to be read, for what is wanted in these states."""
    lasting = any(state.is_finished() for state in states)
    changed = _HEADS.where(TRIALS.c.study_id == study_id, known.may_have_changed())
    if not lasting:  # a queue is looked into often, and has nothing to do with what has ended
        changed = changed.where(TRIALS.c.state.in_(states))
    heads = connection.execute(changed.order_by(TRIALS.c.trial_id)).all()
    if not heads and not connection.execute(_STUDY.where(STUDIES.c.study_id == study_id)).all():
        raise KeyError(NO_RECORD)
    if lasting:
        heads = known.meet(heads)
    return [head for head in heads if head.state.is_finished() or head.state in states]


class Running:
    """What is read of running trials again and again, and need not be sent or parsed each time."""

    def __init__(self) -> None:
        self._before, self._now = _Met(), _Met()

    def value(self, text: str, *, again: bool) -> Any:
        """What a text says; `again`: it will be read again."""
        value = self._before.values.get(text, _UNKNOWN)
        if value is _UNKNOWN:
            value = json.loads(text)
        if again:
            self._now.values[text] = value
        return value

    def rows(
        self, connection: Connection, table: Table, ids: Sequence[int], again: Collection[int]
    ) -> list[Any]:
        """The rows of these trials in a table of numbers; of those that were read before, only
        where there are more of them, or their sum has changed. `again`: these will be read again.
        """
        before = self._before.rows
        known = [i for i in again if (table.name, i) in before]
        sums = _sums(connection, table, known) if len(known) >= FEW else {}
        same = {i for i in sums if before[table.name, i].sum == sums[i]}
        rows = {i: before[table.name, i].rows if i in same else [] for i in ids}
        for row in _rows(connection, table, [i for i in ids if i not in same]):
            rows[row[0]].append(row)
        self._now.rows.update({(table.name, i): _Rows(sums.get(i), rows[i]) for i in again})
        return [row for i in ids for row in rows[i]]

    def turn(self) -> None:
        """A reading is over: what it has not met is forgotten."""
        self._before, self._now = self._now, _Met()


@dataclass
class _Met:
    """What one reading has met of running trials."""

    values: dict[str, Any] = field(default_factory=dict)  # by JSON text
    rows: dict[tuple[str, int], _Rows] = field(default_factory=dict)  # by table and trial


@dataclass(frozen=True)
class _Rows:
    sum: Any  # how many rows, and of what sum; None where that was not asked
    rows: list[Any]


_UNKNOWN = object()
_number = attrgetter("number")
_HEADS = select(TRIALS)
_STUDY = select(STUDIES.c.study_id)
_distribution = lru_cache(maxsize=10_000)(json_to_distribution)


def _trials(
    connection: Connection, heads: Sequence[Row[Any]], running: Running | None = None
) -> dict[int, FrozenTrial]:
    """The trials that these rows of `TRIALS` begin, by their ids."""
    running = running or Running()
    ids = [head.trial_id for head in heads]
    again = {head.trial_id for head in heads if not head.state.is_finished()}
    params: dict[int, dict[str, Any]] = defaultdict(dict)
    distributions: dict[int, dict[str, BaseDistribution]] = defaultdict(dict)
    for trial_id, name, value, text in running.rows(connection, PARAMS, ids, again):
        distribution = distributions[trial_id][name] = _distribution(text)
        params[trial_id][name] = distribution.to_external_repr(value)
    attributes: tuple[dict[int, dict[str, Any]], ...] = defaultdict(dict), defaultdict(dict)
    for table, of in zip((USER, SYSTEM), attributes, strict=True):
        for trial_id, key, text in _rows(connection, table, ids):
            of[trial_id][key] = running.value(text, again=trial_id in again)
    values: dict[int, dict[int, float]] = defaultdict(dict)
    reports: dict[int, dict[int, float]] = defaultdict(dict)
    for trial_id, objective, value, kind in _rows(connection, VALUES, ids):
        values[trial_id][objective] = NUMBERS.get(kind, value)
    for trial_id, step, value, kind in running.rows(connection, REPORTS, ids, again):
        reports[trial_id][step] = NUMBERS.get(kind, value)
    user, system = attributes
    return {
        i: FrozenTrial(
            number=head.number,
            state=head.state,
            value=None,
            values=[values[i][place] for place in sorted(values[i])] if i in values else None,
            datetime_start=_local(head.datetime_start),
            datetime_complete=_local(head.datetime_complete),
            params=params[i],
            distributions=distributions[i],
            user_attrs=user[i],
            system_attrs=system[i],
            intermediate_values=reports[i],
            trial_id=i,
        )
        for head, i in zip(heads, ids, strict=True)
    }


def _sums(connection: Connection, table: Table, ids: Sequence[int]) -> dict[int, Any]:
    """How many rows each of these trials has in a table of numbers, and their sum; of those whose
    numbers a column can hold."""
    _, trial_id, _, value, *_ = table.columns
    sums = select(trial_id, func.count(), func.sum(value)).where(trial_id.in_(ids))
    finite = sums.group_by(trial_id).having(func.count() == func.count(value))
    return {i: found for i, *found in connection.execute(finite).all()}


def _rows(connection: Connection, table: Table, ids: Sequence[int]) -> Sequence[Any]:
    """What these trials have in a table, in the order in which it was written."""
    number, trial_id, *columns = table.columns
    # SQLAlchemy looks each word of an Enum up, which takes longer than all the rest
    plain = [type_coerce(c, String) if isinstance(c.type, Enum) else c for c in columns]
    rows = select(trial_id, *plain).where(trial_id.in_(ids)).order_by(number)
    return connection.execute(rows).all()


def _local(moment: datetime | None) -> datetime | None:
    """Optuna stores universal time and shows the local one, both without their zone."""
    return moment and moment.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)
