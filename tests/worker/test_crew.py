"""A crew ends what was begun, whatever happens to its members: real processes, killed and broken.

The members run a study of plain numbers, so that each starts within a second.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import optuna
import psutil
import pytest
from optuna.trial import FrozenTrial, TrialState

from optunas.attributes import Outcome, evaluated, outcomes
from optunas.deadline import agree_on_deadline
from optunas.errors import StudyError
from optunas.storage import SharedStorage, open_storage
from optunas.worker import crew
from optunas.worker.crew import lead
from optunas.worker.member import Member
from optunas.worker.recovery import RETRIES

MEMBER = """
import os, signal, sys, time
import optuna
from optunas.deadline import deadline_of, plan_until
from optunas.storage import open_storage
from optunas.worker import Plan, work
from optunas.worker.member import leave_with_parent, this_member

class Silent:
    def began(self, trial): pass
    def ended(self, study, trial): pass
    def note(self, line): pass

def objective(trial):
    x = trial.suggest_float("x", 0, 1)
    WHAT_IT_DOES
    return x

member = this_member()
leave_with_parent()
optuna.logging.set_verbosity(optuna.logging.ERROR)
storage = open_storage(sys.argv[1])
study = optuna.load_study(study_name="s", storage=storage)
try:
    plan = Plan(trials=int(sys.argv[2]), hours=1 if deadline_of(study) else None)
    work(study, objective, plan_until(plan, deadline_of(study)), Silent(), storage)
except KeyboardInterrupt:
    sys.exit(130)
"""


class Told:
    def __init__(self) -> None:
        self.ended_: list[int] = []
        self.notes: list[str] = []
        self.most = 0

    def running(self, trials: Sequence[FrozenTrial]) -> None:
        self.most = max(self.most, len(trials))

    def ended(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self.ended_.append(trial.number)

    def note(self, line: str) -> None:
        self.notes.append(line)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(crew, "LOOK_SECONDS", 0.05)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(optuna.logging.INFO)


@pytest.fixture
def study(tmp_path: Path) -> optuna.Study:
    return optuna.create_study(study_name="s", storage=open_storage(f"sqlite:///{tmp_path}/s.db"))


def members(count: int) -> list[Member]:
    return [Member(n, count, 1, 2**40) for n in range(1, count + 1)]


def storage_of(study: optuna.Study) -> SharedStorage:
    assert isinstance(study._storage, SharedStorage)
    return study._storage


def command(study: optuna.Study, trials: int, does: str = "time.sleep(0.05)") -> list[str]:
    url = storage_of(study).address
    return [sys.executable, "-c", MEMBER.replace("WHAT_IT_DOES", does), url, str(trials)]


def in_the_end(study: optuna.Study, trials: int) -> list[FrozenTrial]:
    """All trials; none of them is left half done."""
    assert len(evaluated(study.trials)) == trials
    assert not [t for t in study.trials if t.state is TrialState.RUNNING]
    return study.trials


def test_together_they_run_exactly_as_many_trials_as_are_wanted(study: optuna.Study) -> None:
    study.optimize(lambda trial: 1.0, n_trials=2)
    told = Told()
    lead(study, members(3), command(study, 10), told)
    trials = in_the_end(study, 10)
    # each is told once; what had ended before is no news
    assert sorted(told.ended_) == [t.number for t in trials[2:] if t.state.is_finished()]
    assert 1 <= told.most <= 3
    assert told.notes == []


def test_of_one_that_is_killed_the_trial_goes_on(study: optuna.Study) -> None:
    told = Told()
    kill = "trial.number == 3 and os.kill(os.getpid(), signal.SIGKILL); time.sleep(0.05)"
    lead(study, members(2), command(study, 8, kill), told, storage_of(study))
    trials = in_the_end(study, 8)
    assert trials[3].state is TrialState.FAIL
    assert outcomes(trials)[3] is Outcome.INTERRUPTED
    (again,) = [t for t in trials[4:] if t.params == trials[3].params]
    assert again.state is TrialState.COMPLETE
    lost, killed = sorted(told.notes)
    assert "was killed, perhaps by the system for want of memory; it is started again" in killed
    assert re.fullmatch(r"trial 3: its worker, process \d+ on .*, is gone", lost)


def test_what_kills_whoever_tries_it_is_not_tried_for_ever(study: optuna.Study) -> None:
    study.enqueue_trial({"x": 0.5})
    told = Told()
    abort = command(study, 5, "x == 0.5 and os.abort(); time.sleep(0.05)")
    lead(study, members(2), abort, told, storage_of(study))
    trials = in_the_end(study, 5)
    deadly = [t for t in trials if t.params == {"x": 0.5}]
    assert [t.state for t in deadly] == [TrialState.FAIL] * (1 + RETRIES)
    reason = f"trial {deadly[-1].number}: its worker, .*, is gone, the 4. that this candidate has"
    assert any(re.match(reason, note) for note in told.notes)
    assert sum("crashed (SIGABRT)" in note for note in told.notes) == 1 + RETRIES


def test_members_that_never_come_up_are_given_up(study: optuna.Study) -> None:
    told = Told()
    broken = [sys.executable, "-c", "raise ValueError('no such luck')"]
    with pytest.raises(
        StudyError, match=r"no worker is left: .*ValueError: no such luck.* 4 times"
    ):
        lead(study, members(2), broken, told)
    assert sum("it is started again" in note for note in told.notes) == 2 * crew.RESTARTS
    assert sum("it is not started again" in note for note in told.notes) == 2


def test_what_a_member_finds_wrong_ends_the_search(study: optuna.Study) -> None:
    mend = (
        "if member.number == 2:\n        print('optunas: mend this', file=sys.stderr); os._exit(2)"
    )
    with pytest.raises(StudyError, match=r"^mend this$"):
        lead(study, members(2), command(study, 1000, f"time.sleep(0.05)\n    {mend}"), Told())
    assert not [t for t in study.trials if t.state is TrialState.RUNNING]


def at_the_first_trial(study: optuna.Study, act: Callable[[], None]) -> threading.Thread:
    def wait() -> None:
        while not [t for t in study.get_trials(deepcopy=False) if t.state is TrialState.RUNNING]:
            time.sleep(0.05)
        time.sleep(0.3)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_a_signal_to_the_leader_ends_all_and_puts_back_what_they_do(study: optuna.Study) -> None:
    before, children = signal.getsignal(signal.SIGTERM), psutil.Process().children()
    killer = at_the_first_trial(study, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(KeyboardInterrupt):
        lead(study, members(2), command(study, 4, "time.sleep(60)"), Told())
    killer.join()
    assert signal.getsignal(signal.SIGTERM) is before
    assert psutil.Process().children() == children
    assert {t.state for t in study.trials} == {TrialState.FAIL, TrialState.WAITING}
    assert set(outcomes(study.trials).values()) == {Outcome.INTERRUPTED}


def test_who_does_not_stop_is_killed_and_its_trial_put_back(
    study: optuna.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "GRACE_SECONDS", 0.5)
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    killer = at_the_first_trial(study, lambda: os.kill(os.getpid(), signal.SIGINT))
    told = Told()
    with pytest.raises(KeyboardInterrupt):
        lead(study, members(1), command(study, 4, deaf), told, storage_of(study))
    killer.join()
    assert [t.state for t in study.trials] == [TrialState.FAIL, TrialState.WAITING]
    (note,) = told.notes
    assert note.startswith("trial 0: its worker, process ")


def test_who_can_not_wait_says_so_twice(study: optuna.Study) -> None:
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"

    def twice() -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)

    started = time.monotonic()
    killer = at_the_first_trial(study, twice)
    with pytest.raises(KeyboardInterrupt):
        lead(study, members(1), command(study, 4, deaf), Told())
    killer.join()
    assert time.monotonic() - started < crew.GRACE_SECONDS
    assert [t.state for t in study.trials] == [TrialState.FAIL, TrialState.WAITING]


def test_one_that_is_stopped_by_itself_is_not_started_again(study: optuna.Study) -> None:
    stop = "member.number == 1 and os.kill(os.getpid(), signal.SIGTERM); time.sleep(0.05)"
    told = Told()
    lead(study, members(2), command(study, 4, stop), told)
    in_the_end(study, 4)
    (note,) = told.notes
    assert note.startswith("worker 1 (process ")
    assert note.endswith(") was stopped from outside")


def test_the_deadline_holds_for_all(study: optuna.Study) -> None:
    started = time.monotonic()
    agree_on_deadline(study, time.time() + 3)
    lead(study, members(2), command(study, 1000), Told())
    assert time.monotonic() - started < 10
    assert 0 < len(in_the_end(study, len(study.trials))) < 200


LEADER = """
import sys, optuna
from optunas.storage import open_storage
from optunas.worker.crew import lead
from optunas.worker.member import Member

class Told:
    def running(self, trials): print(len(trials), flush=True)
    def ended(self, study, trial): pass
    def note(self, line): pass

study = optuna.load_study(study_name="s", storage=open_storage(sys.argv[4]))
lead(study, [Member(n, 2, 1, 2**40) for n in (1, 2)], sys.argv[1:], Told())
"""


def test_a_leader_that_is_killed_leaves_no_orphans(study: optuna.Study) -> None:
    leader = subprocess.Popen(
        [sys.executable, "-c", LEADER, *command(study, 4, "time.sleep(60)")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert leader.stdout is not None
    for line in leader.stdout:
        if line.strip() == "2":
            break
    children = psutil.Process(leader.pid).children()
    assert len(children) == 2
    time.sleep(1)  # until both sleep, and no longer write to the storage
    leader.kill()
    leader.communicate()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    states = [t.state for t in study.trials]
    assert sorted(state.name for state in states) == ["FAIL", "FAIL", "WAITING", "WAITING"]
