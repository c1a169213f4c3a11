"""A storage that many workers share: any of Optuna's, and around it what keeps results from loss.

* A call that fails for a reason that passes is made again (`patience`).
* A trial is signed by the process that runs it, from its first moment on, and that process shows
  that it lives (`pulse`).
* How a trial ended is on this machine's disk before it is told to the storage (`spool`).
* What a trial chooses, and what is known of it, is written in one go (`sheaf`, `quick`).

What is made again must not be done twice. Most calls write the same thing once more. A new trial
carries a token, by which its maker finds it where the answer was lost; an end is compared with what
is stored.
"""

from __future__ import annotations

import copy
import time
import uuid
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from optuna.distributions import BaseDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage, GrpcStorageProxy, RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from optunas.attributes import continues, promotes
from optunas.process import TAKEN, TOKEN, this_process
from optunas.storage.patience import Patience
from optunas.storage.pulse import Pulse
from optunas.storage.sheaf import Sheaf
from optunas.storage.spool import Spool, remove

T = TypeVar("T")
BEAT_S = 15.0
PATIENCE_S = 300.0
FINISHED = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL
QUEUE = (TrialState.WAITING,)  # what `Study.ask` asks for, to take the first
FRESH, FRESH_S = 500.0, 30.0
"""For how many times the seconds of a reading, and for how many seconds at most, what has ended is
good. So a worker spends 0.2 % of its time on it, and a hundred of them a fifth of a proxy's."""


class SharedStorage(BaseStorage):
    """`inner`, an Optuna storage, as a search needs it; `address` is what to print and to spool by.

    beat_s: seconds between heartbeats. patience_s: how long a storage that does not answer is
    asked again. reset: forgets the database session of the thread that calls it, after a failure.
    """

    def __init__(
        self,
        inner: BaseStorage,
        address: str,
        *,
        beat_s: float = BEAT_S,
        patience_s: float = PATIENCE_S,
        reset: Callable[[], None] | None = None,
    ) -> None:
        self.inner, self.address = inner, address
        self.patience = Patience(patience_s, reset=reset or inner.remove_session)
        self.pulse = Pulse(inner, beat_s, self.remove_session)
        self.spool = Spool(address)
        self._tokens: dict[int, str] = {}  # of the trials that this process runs
        self._sheaves: dict[int, Sheaf] = {}  # of those of which much is written at once
        self._known: dict[int, _Finished] = {}  # the finished ones of each study
        self._forgotten = 0  # how often we knew that there are more

    def __getstate__(self) -> dict[str, Any]:
        return {
            "inner": self.inner,
            "address": self.address,
            "beat_s": self.pulse.beat_s,
            "patience_s": self.patience.seconds,
            "reset": self.patience.reset,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    # What is done once more without harm

    def _again(self, name: str, *args: Any, **named: Any) -> Any:
        return self.patience(getattr(self.inner, name), *args, **named)

    def create_new_study(
        self, directions: Sequence[StudyDirection], study_name: str | None = None
    ) -> int:
        return self._again("create_new_study", directions, study_name)  # type: ignore[no-any-return]

    def delete_study(self, study_id: int) -> None:
        self._forget_ends()
        self._again("delete_study", study_id)

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self._again("set_study_user_attr", study_id, key, value)

    def swap_study_user_attr(self, study_id: int, key: str, before: Any, after: Any) -> bool | None:
        """Write an attribute where it still is `before` (None: where there is none), and say
        whether it was; None where the storage underneath can't do both at once."""
        if not hasattr(self.inner, "swap_study_user_attr"):
            return None
        return bool(self._again("swap_study_user_attr", study_id, key, before, after))

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._again("set_study_system_attr", study_id, key, value)

    def get_study_id_from_name(self, study_name: str) -> int:
        return self._again("get_study_id_from_name", study_name)  # type: ignore[no-any-return]

    def get_study_name_from_id(self, study_id: int) -> str:
        return self._again("get_study_name_from_id", study_id)  # type: ignore[no-any-return]

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return self._again("get_study_directions", study_id)  # type: ignore[no-any-return]

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return self._again("get_study_user_attrs", study_id)  # type: ignore[no-any-return]

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return self._again("get_study_system_attrs", study_id)  # type: ignore[no-any-return]

    def get_all_studies(self) -> list[Any]:
        return self._again("get_all_studies")  # type: ignore[no-any-return]

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        self._set("set_trial_param", trial_id, param_name, param_value_internal, distribution)

    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        self._again("set_trial_intermediate_value", trial_id, step, intermediate_value)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._set("set_trial_user_attr", trial_id, key, value)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._set("set_trial_system_attr", trial_id, key, value)

    def _set(self, name: str, trial_id: int, *args: Any) -> None:
        """Write now, or collect what is written `at_once`."""
        if trial_id in self._sheaves:
            getattr(self._sheaves[trial_id], name)(*args)
        else:
            self._again(name, trial_id, *args)

    @contextmanager
    def at_once(self, trial_id: int) -> Iterator[None]:
        """What is chosen and noted of a trial in here is written in one go, at the end.

        Nobody reads it before (but this process its system attributes), and whoever reads later
        reads all of it. An error of writing comes at the end, too. Where the block ends in an
        error, what it had written by then is kept.
        """
        if trial_id in self._sheaves:
            yield
            return
        self._sheaves[trial_id] = Sheaf()
        try:
            yield
        finally:
            sheaf = self._sheaves.pop(trial_id)
            self.patience(sheaf.write, self.inner, trial_id)

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        name = "get_trial_id_from_study_id_trial_number"
        return self._again(name, study_id, trial_number)  # type: ignore[no-any-return]

    def get_trial(self, trial_id: int) -> FrozenTrial:
        return self._again("get_trial", trial_id)  # type: ignore[no-any-return]

    def get_trial_system_attrs(self, trial_id: int) -> dict[str, Any]:
        stored = self._again("get_trial_system_attrs", trial_id)
        return {**stored, **self._sheaves[trial_id].system} if trial_id in self._sheaves else stored

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """As Optuna's; but those that wait (`QUEUE`) come in the order in which they are taken:
        trials that go on with another one before those that begin."""
        if states is None:
            return self._read(study_id, None, deepcopy)
        if TrialState.RUNNING in states or TrialState.WAITING in states:
            trials: list[FrozenTrial] = self._again("get_all_trials", study_id, deepcopy, states)
            return trials if states != QUEUE else sorted(trials, key=_begins)
        known = self._known.get(study_id)
        if known is None or time.monotonic() >= known.until:
            trials = self._read(study_id, FINISHED, deepcopy=False)
            known = self._known.get(study_id) or _Finished(trials, 0.0)
        found = known.of(states)
        return copy.deepcopy(found) if deepcopy else found

    def _read(
        self, study_id: int, states: Container[TrialState] | None, deepcopy: bool
    ) -> list[FrozenTrial]:
        """Trials as they are now. Which have ended is kept for a moment: pruners ask for them at
        every epoch, whoever looks for an equal network right after a look at all."""
        began, forgotten = time.monotonic(), self._forgotten
        trials: list[FrozenTrial] = self._again("get_all_trials", study_id, deepcopy, states)
        took = time.monotonic() - began
        if not deepcopy and forgotten == self._forgotten:
            good = min(FRESH * took, FRESH_S)
            self._known[study_id] = _Finished(trials.copy(), began + took + good)
        return trials

    def _forget_ends(self) -> None:
        """This process has ended a trial: what was read before, or is being read, lacks that."""
        self._forgotten += 1
        self._known.clear()

    def get_best_trial(self, study_id: int) -> FrozenTrial:
        return self._again("get_best_trial", study_id)  # type: ignore[no-any-return]

    def remove_session(self) -> None:
        self.patience.reset()

    def close(self) -> None:
        """Give the connections back; whoever goes on using it gets new ones, but from a proxy."""
        backend = getattr(self.inner, "_backend", self.inner)  # below Optuna's cache
        self.remove_session()
        if isinstance(backend, RDBStorage):
            backend.engine.dispose()
        elif isinstance(backend, GrpcStorageProxy):
            backend.close()

    # What must not be done twice

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        template = self._signed(template_trial)
        if template.state.is_finished():
            self._forget_ends()
        token = template.system_attrs[TOKEN]

        def once_more() -> int:
            for trial in self.inner.get_all_trials(study_id, deepcopy=False):
                if trial.system_attrs.get(TOKEN) == token:
                    return self.inner.get_trial_id_from_study_id_trial_number(
                        study_id, trial.number
                    )
            return self.inner.create_new_trial(study_id, template)

        first = partial(self.inner.create_new_trial, study_id, template)
        trial_id = self._first_then(first, once_more)
        if template.state is TrialState.RUNNING:
            self._hold(trial_id, token)
        return trial_id

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        if state is TrialState.RUNNING:
            return self._claim(trial_id)
        if not state.is_finished():
            return bool(self._again("set_trial_state_values", trial_id, state, values))
        return self._finish(trial_id, state, values)

    def _signed(self, template: FrozenTrial | None) -> FrozenTrial:
        """The trial to be made, with its token; one that runs at once is signed as well."""
        trial = (
            create_trial(state=TrialState.RUNNING) if template is None else copy.deepcopy(template)
        )
        known = trial.user_attrs
        if trial.state is TrialState.RUNNING:
            known = {**known, "worker": {**this_process(), "beat_s": self.pulse.beat_s}}
        elif trial.state is TrialState.WAITING:  # a signature would be inherited
            known = {name: value for name, value in known.items() if name != "worker"}
        trial.user_attrs = known
        trial.system_attrs = {**trial.system_attrs, TOKEN: uuid.uuid4().hex}
        return trial

    def _claim(self, trial_id: int) -> bool:
        """Take a trial from the queue. Where the answer was lost, it is nobody's: a trial that
        runs and is not signed is put back by whoever sees it like that for long enough."""
        if not self._again("set_trial_state_values", trial_id, TrialState.RUNNING):
            return False
        trial = self.get_trial(trial_id)
        signature = {**this_process(), "beat_s": self.pulse.beat_s, "trial": trial.number}
        self.set_trial_user_attr(trial_id, "worker", signature)
        self._hold(trial_id, trial.system_attrs.get(TOKEN))
        return True

    def _hold(self, trial_id: int, token: Any) -> None:
        if isinstance(token, str) and token.isalnum():  # it names a file
            self._tokens[trial_id] = token
        self.pulse.hold(trial_id)

    def _finish(self, trial_id: int, state: TrialState, values: Sequence[float] | None) -> bool:
        tell = partial(self.inner.set_trial_state_values, trial_id, state, values)

        def once_more() -> bool:
            stored = self.inner.get_trial(trial_id)
            if stored.state is state and stored.values == _floats(values):
                return True  # the answer was lost, not the message
            return tell()

        token = self._tokens.pop(trial_id, None)
        record = None
        if token is not None and state is not TrialState.FAIL:
            record = self.spool.write(trial_id, token, state, values)
        try:
            told = self._first_then(tell, once_more)
        except UpdateFinishedTrialError:  # somebody has taken it over
            remove(record)
            raise
        finally:
            self._forget_ends()
            self.pulse.release(trial_id)
        remove(record)
        return told

    def hand_in(self) -> Iterator[int]:
        """Tell the storage what dead processes of this machine could not; gives trials' numbers."""
        for file, record in self.spool.left():
            try:
                trial = self.get_trial(record.trial_id)
                if trial.system_attrs.get(TOKEN) == record.token and not trial.state.is_finished():
                    state = TrialState[record.state]
                    self._again("set_trial_state_values", record.trial_id, state, record.values)
                    yield trial.number
            except (KeyError, UpdateFinishedTrialError):
                pass  # deleted, or ended by somebody else meanwhile
            remove(file)

    def give_up_on(self, study_name: str, number: int, reason: str) -> bool:
        """Fail a running trial whose worker is gone; False where somebody else was faster."""
        study_id = self.get_study_id_from_name(study_name)
        trial_id = self.get_trial_id_from_study_id_trial_number(study_id, number)
        try:
            self.set_trial_system_attr(trial_id, TAKEN, True)
            self.set_trial_user_attr(trial_id, "reason", reason)
            return self.set_trial_state_values(trial_id, TrialState.FAIL)
        except UpdateFinishedTrialError:
            return False

    def _first_then(self, first: Callable[[], T], once_more: Callable[[], T]) -> T:
        """Call `first`, and where that fails for now, `once_more` until it answers."""
        calls = iter((first,))
        return self.patience(lambda: next(calls, once_more)())


class _Finished:
    """Trials as they were read, of which those that had ended are good until then (of
    `time.monotonic`)."""

    def __init__(self, trials: list[FrozenTrial], until: float) -> None:
        self.until, self._trials = until, trials
        self._chosen: dict[tuple[TrialState, ...], list[FrozenTrial]] = {}

    def of(self, states: Container[TrialState]) -> list[FrozenTrial]:
        """A list of those in these states; a pruner wants the same ones at each epoch."""
        wanted = tuple(state for state in FINISHED if state in states)
        if wanted not in self._chosen:
            self._chosen[wanted] = [trial for trial in self._trials if trial.state in wanted]
        return self._chosen[wanted].copy()


def _begins(trial: FrozenTrial) -> bool:
    """Whether nobody has worked on the trial's network yet."""
    return not continues(trial) and promotes(trial) is None


def _floats(values: Sequence[float] | None) -> list[float] | None:
    return None if values is None else [float(value) for value in values]
