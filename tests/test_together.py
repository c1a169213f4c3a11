"""Several workers of one command: `optunas run --workers 2`, as a person runs it."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest
from optuna.trial import TrialState

from optunas import machine, together
from optunas.attributes import evaluated
from optunas.cli.speaking import without
from optunas.deadline import agree_on_deadline
from optunas.errors import StudyError
from optunas.limits import Limits
from optunas.search import Search
from optunas.storage import open_storage
from optunas.together import dealt, search_together, serve, this_member
from optunas.worker import Plan
from optunas.worker.member import VARIABLE, Member

from .small import STUDY_FILE, finish, optunas, small_objective, start

GREEDY_FILE = """
import psutil, torch, optunas
from optunas.data import Data, digits, subset

class Greedy(torch.nn.Module):
    def __init__(self, width, share):
        super().__init__()
        self.inside = torch.nn.Sequential(
            torch.nn.Conv2d(1, width, 3), torch.nn.ReLU(), torch.nn.Flatten(),
            torch.nn.Linear(36 * width, 10),
        )
        self.share = share

    def forward(self, x):
        if x.shape[0] > 1:  # not when it is priced; untouched, so that no memory is really used
            torch.empty(int(self.share * psutil.virtual_memory().available), dtype=torch.uint8)
        return self.inside(x)

every = digits()
splits = subset(every.train, 0.2), subset(every.validation, 0.3), every.test
objective = optunas.Objective(
    lambda trial: Greedy(trial.suggest_int("width", 4, 8), 0.6 if trial.number in (1, 4) else 0.0),
    Data.from_splits("few", splits, every.classes),
    optunas.Recipe(epochs=2, batch_size=64),
    reuse=False,
)
sampler = "random"
"""
"""Two trials want more than half of the memory: one worker could have it, two can't."""


def study(folder: Path, name: str) -> optuna.Study:
    return optuna.load_study(study_name=name, storage=f"sqlite:///{folder}/optunas.db")


def test_what_one_worker_can_not_afford_fails_there_and_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "greedy.py").write_text(GREEDY_FILE)
    arguments = ("run", "greedy.py", "--trials", "8", "--devices", "cpu,cpu")
    code, out, err = optunas(*arguments, folder=tmp_path)
    assert (code, err) == (0, "")
    assert "2 workers on cpu, each with 1 thread and at most " in out
    assert "it is started again" not in out
    trials = study(tmp_path, "greedy").trials
    assert len(evaluated(trials)) == 8
    assert not [t for t in trials if t.state is TrialState.RUNNING]
    # one that was begun when others took the last places waits for a longer search
    begun = [t for t in trials if t.state is not TrialState.WAITING]
    workers = [t.user_attrs["worker"]["pid"] for t in begun]
    assert len(set(workers)) == 2
    for greedy in (1, 4):
        assert trials[greedy].state is TrialState.FAIL
        assert trials[greedy].user_attrs["reason"].startswith("out of memory on cpu: ")
        assert workers[greedy] in workers[greedy + 1 :]  # whoever met it went on


def test_sigterm_ends_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "few.py").write_text(STUDY_FILE)
    url = f"sqlite:///{tmp_path}/other.db"
    arguments = ("run", "few.py", "--storage", url, "--workers-per-device=2", "--trials", "50")
    process = start(*arguments, folder=tmp_path, BLOCK_AT="0 1")
    children: list[psutil.Process] = []
    while not (tmp_path / "blocked").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
        children = psutil.Process(process.pid).children()
    assert len(children) == 2
    assert not any(url in " ".join(child.cmdline()) for child in children)  # it may hold a password
    process.send_signal(signal.SIGTERM)
    code, out, err = finish(process)
    assert (code, err) == (130, "")
    assert "Stopped; nothing is lost. To go on:\n  optunas run few.py --storage " in out
    assert not [child for child in children if child.is_running()]
    states = [t.state for t in optuna.load_study(study_name="few", storage=url).trials]
    assert TrialState.WAITING in states
    assert TrialState.RUNNING not in states


class Told:
    def __init__(self) -> None:
        self.notes: list[str] = []

    def running(self, trials: Any) -> None: ...

    def ended(self, study: Any, trial: Any) -> None: ...

    def note(self, line: str) -> None:
        self.notes.append(line)


@pytest.fixture
def led(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be started."""
    calls: list[Any] = []
    monkeypatch.setattr(
        together, "lead", lambda study, members, command, *rest: calls.append((members, command))
    )
    return calls


def plain(tmp_path: Path, **settings: Any) -> tuple[Search, optuna.Study]:
    storage = open_storage(f"sqlite:///{tmp_path}/s.db")
    search = Search(lambda trial: 1.0, "s", **{"storage": storage, **settings})
    return search, optuna.create_study(study_name="s", storage=search.storage)


def test_a_study_in_memory_can_not_be_shared(led: list[Any], tmp_path: Path) -> None:
    search, study = plain(tmp_path, storage=open_storage("sqlite:///:memory:"))
    with pytest.raises(StudyError, match=r"3 workers share a study .* in memory: take a file"):
        search_together(search, study, [None] * 3, ["run", "s.py"], None, Told())
    assert led == []


def test_where_nothing_is_left_to_do_nobody_is_started(led: list[Any], tmp_path: Path) -> None:
    search, study = plain(tmp_path, plan=Plan(trials=2))
    study.optimize(search.objective, n_trials=2)
    search_together(search, study, [None] * 3, ["run", "s.py"], None, Told())
    assert led == []


def test_the_machine_is_divided(
    led: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "cores", lambda: 16)
    monkeypatch.setattr(together, "free_ram", lambda: 100_000)
    search, study = plain(tmp_path)
    for wished, workers, threads in (("", 3, 5), ("2", 3, 2), ("64", 3, 5), ("", 20, 1)):
        monkeypatch.setenv("OMP_NUM_THREADS", wished)
        devices = [None] * workers
        search_together(search, study, devices, ["run", "s.py"], "sqlite:///s.db", Told())
        members, command = led.pop()
        assert command[-2:] == ["run", "s.py"]
        assert [m.number for m in members] == list(range(1, workers + 1))
        assert {m.threads for m in members} == {threads}
        assert {m.ram for m in members} == {90_000 // workers}
        assert {m.of for m in members} == {workers}
        assert {m.storage for m in members} == {"sqlite:///s.db"}


def test_each_device_is_divided_among_those_that_are_on_it(
    led: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "cores", lambda: 16)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    search, study = plain(tmp_path)
    told = Told()
    devices = ["cuda:0", "cuda:1", "cuda:0"]
    search_together(search, study, devices, ["run", "s.py"], None, told)
    ((members, _),) = led
    assert [(m.number, m.device, m.of, m.threads) for m in members] == [
        (1, "cuda:0", 2, 5),
        (2, "cuda:1", 1, 5),
        (3, "cuda:0", 2, 5),
    ]
    assert told.notes == [
        "2 workers on cuda:0, 1 on cuda:1, each with 5 threads and an equal share of its GPU's "
        "memory"
    ]


def test_each_worker_has_a_device_of_this_machine() -> None:
    own = Search(small_objective(), "s")
    assert dealt(own) == ("cpu",)
    assert dealt(own, None, 2) == dealt(own, ("cpu",), None, 2) == dealt(own, ("cpu", "cpu"))
    assert dealt(Search(lambda trial: 1.0, "s"), None, 3) == (None, None, None)
    with pytest.raises(StudyError, match="this torch can't compute on device 'meta'"):
        dealt(own, ("cpu", "meta"))
    with pytest.raises(StudyError, match="leave out --workers or --workers-per-device"):
        dealt(own, ("cpu", "cpu"), 3, 2)


def test_a_member_searches_until_the_study_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "leave_with_parent", lambda: None)
    search, study = plain(tmp_path, plan=Plan(hours=5), sampler="random", directions=("minimize",))
    agree_on_deadline(study, time.time() + 30)
    began = time.monotonic()
    serve(search, Member(1, 1, 1, 2**40), reserve=28.0)
    assert time.monotonic() - began < 10
    assert study.trials


def test_a_member_learns_who_it_is_once(monkeypatch: pytest.MonkeyPatch) -> None:
    member = Member(2, 4, 3, 10**9, "cuda:1", "sqlite:///s.db")
    assert member.environment()["OMP_NUM_THREADS"] == "3"
    for name, value in member.environment().items():
        monkeypatch.setenv(name, value)
    assert this_member() == member
    assert this_member() is None
    assert VARIABLE not in os.environ


@pytest.mark.parametrize("rubbish", ["2/4", '{"number": 1}', "[1, 2]"])
def test_a_variable_that_somebody_else_has_set_is_named(
    rubbish: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, rubbish)
    with pytest.raises(StudyError, match=f"unset {VARIABLE}"):
        this_member()


@pytest.mark.parametrize("typed", [["--storage", "u"], ["--storage=u"], []])
def test_a_url_is_left_out_of_the_command_line(typed: list[str]) -> None:
    assert without("--storage", ["run", *typed, "s.py", "-x"]) == ["run", "s.py", "-x"]


@pytest.mark.parametrize(
    ("devices", "limits", "said"),
    [
        (["cuda:0", "cuda:0"], Limits(latency_ms=5), True),
        (["cuda:0", "cuda:0"], Limits(memory_mb=5), False),
        (["cuda:0", "cuda:1"], Limits(latency_ms=5), False),
        (["cpu", "cpu"], Limits(latency_ms=5), False),
    ],
)
def test_latency_on_a_shared_gpu_is_said_to_be_disturbed(
    devices: list[str], limits: Limits, said: bool, led: list[Any], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    class Own:
        metrics = ("accuracy",)

    Own.limits = limits  # type: ignore[attr-defined]
    monkeypatch.setattr(Search, "own", Own)
    monkeypatch.setattr(Search, "queue", lambda self, study: None)
    told = Told()
    search, study = plain(tmp_path, plan=Plan(trials=2))
    search_together(search, study, devices, ["run", "s.py"], None, told)
    assert any("while other workers use the GPU" in note for note in told.notes) is said
