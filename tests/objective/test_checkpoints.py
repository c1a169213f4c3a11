"""Files of stopped and interrupted trials, on this machine and in the store that all share."""

import hashlib
import io
import logging
import os
import pickle
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import optuna
import pytest
import torch
from optuna.trial import FrozenTrial, TrialState

import optunas
from optunas import Objective
from optunas.artifacts import Folder
from optunas.attributes import CURVE
from optunas.objective import checkpoints, courier
from optunas.objective.checkpoints import Checkpoint, Shelf
from optunas.objective.courier import Courier
from optunas.process import TakenOverError
from optunas.training import Epoch, keeper
from optunas.training.batches import Batch
from optunas.training.checkpoint import MAGIC
from optunas.training.steps import Steps
from optunas.worker.recovery import put_back

from ..small import STUDY_FILE, finish, small_objective, start
from ..small import optunas as command

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture(autouse=True)
def _every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "LONGEST_SECONDS", 0.0)
    monkeypatch.setattr(courier, "PAUSE_SECONDS", 0.0)


def place(folder: Path, name: str) -> Checkpoint:
    return Checkpoint(folder / f"{name}.pt", "", "", None)


def fetched(checkpoint: Checkpoint) -> None:
    checkpoint.fetch(torch.nn.Linear(1, 1), 1, "run", None)


def test_what_is_parked_comes_back(tmp_path: Path) -> None:
    file = place(tmp_path, "key-1")
    assert file.path is not None
    file.path.write_bytes(b"weights")
    file.park(1)
    assert not file.path.exists()
    fetched(file)
    assert file.path.read_bytes() == b"weights"
    assert len(list(tmp_path.iterdir())) == 1
    file.forget()
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    file = place(tmp_path, "key-1")
    assert file.path is not None
    file.path.write_bytes(b"old")
    file.park(1)
    file.path.write_bytes(b"young")
    fetched(file)
    assert file.path.read_bytes() == b"young"


def test_nothing_there_is_no_error(tmp_path: Path) -> None:
    paths = (None, tmp_path / "absent.pt", tmp_path / "file" / "below.pt")
    for file in (Checkpoint(path, "", "", None) for path in paths):
        file.park(1)
        fetched(file)
        file.share()
        file.forget()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("limit", "size"), [("KEPT", 3), ("KEPT_BYTES", 30)])
def test_the_youngest_are_kept_and_running_trials_files_never_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, size: int
) -> None:
    monkeypatch.setattr(checkpoints, limit, size)
    running = tmp_path / "running-9.pt"
    running.write_bytes(b"0123456789")
    os.utime(running, (0, 0))
    for age in range(6):
        file = tmp_path / f"key-{age}.pt"
        file.write_bytes(b"0123456789")
        os.utime(file, (1000 + age, 1000 + age))
        place(tmp_path, f"key-{age}").park(age)
    left = sorted(file.name for file in tmp_path.iterdir())
    assert left == ["running-9.pt", "stopped-key-3.pt", "stopped-key-4.pt", "stopped-key-5.pt"]


# two machines: two folders, and one store


class Killed(BaseException):
    """What no code expects, as no code runs after SIGKILL."""


class Host:
    """A machine of its own: nothing of its folder is seen by others."""

    def __init__(self, folder: Path, store: Any, dies_after: int = 99, **changes: Any) -> None:
        self.told: list[Epoch] = []
        self.dies_after, self.how = dies_after, changes.pop("how", Killed)
        self.objective: Objective = small_objective(
            checkpoints=folder, artifacts=store, on_epoch=self._on_epoch, **changes
        )

    def _on_epoch(self, number: int, epoch: Epoch) -> None:
        self.told.append(epoch)
        carrier = self.objective.shelf._courier
        assert carrier is None or carrier.settle()
        if epoch.number == self.dies_after:
            raise self.how

    def run(self, study: optuna.Study) -> FrozenTrial:
        if self.dies_after < 99:
            with pytest.raises(self.how):
                study.optimize(self.objective, n_trials=1)
        else:
            study.optimize(self.objective, n_trials=1)
        carrier = self.objective.shelf._courier
        assert carrier is None or carrier.settle()
        return study.trials[-1]


def new_study(**settings: Any) -> optuna.Study:
    storage = optuna.storages.InMemoryStorage()
    return optunas.create_study("s", storage=storage, sampler="random", **settings)


@pytest.mark.parametrize(("how", "copies"), [(KeyboardInterrupt, 1), (TakenOverError, 0)])
def test_who_is_stopped_hands_its_last_epoch_over_and_who_has_lost_its_trial_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: type[BaseException], copies: int
) -> None:
    monkeypatch.setattr(Courier, "is_rested", False)  # no copy is due while it trains
    store = tmp_path / "store"
    study = new_study()
    Host(tmp_path / "one", store, dies_after=1, how=how).run(study)
    assert len(list(store.glob("checkpoint-*"))) == copies


def lost(study: optuna.Study, number: int) -> None:
    """What the others do with the trial of a worker that was killed."""
    if study.trials[number].state is TrialState.RUNNING:
        study.tell(number, state=TrialState.FAIL)
    put_back(study, number)


def timeless(trial: FrozenTrial) -> list[list[float]]:
    return [row[: CURVE.index("seconds")] for row in trial.user_attrs["curve"]]


@pytest.fixture(scope="module")
def whole() -> FrozenTrial:
    """The first trial, undisturbed."""
    study = new_study()
    study.optimize(small_objective(), n_trials=1)
    return study.trials[0]


@pytest.mark.parametrize("how", [Killed, KeyboardInterrupt])
def test_another_machine_goes_on_from_the_last_epoch(
    tmp_path: Path, whole: FrozenTrial, how: type[BaseException]
) -> None:
    study, store = new_study(), tmp_path / "store"
    one = Host(tmp_path / "one", store, dies_after=2, how=how)
    one.run(study)
    lost(study, 0)
    other = Host(tmp_path / "other", store)
    again = other.run(study)
    assert other.told[:2] == one.told  # with the timings of the first machine: not trained again
    assert len(other.told) == 3
    assert again.value == whole.value
    assert timeless(again) == timeless(whole)
    assert list(store.iterdir()) == []  # nothing is left when a trial has ended
    assert list((tmp_path / "other").iterdir()) == []


def test_a_worker_that_is_told_to_stop_brings_its_last_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "LONGEST_SECONDS", 1000.0)
    monkeypatch.setattr(courier, "SHARE", 1e-9)  # the next copy is due in ages
    study, store = new_study(), tmp_path / "store"
    Host(tmp_path / "one", store, dies_after=2, how=KeyboardInterrupt).run(study)
    lost(study, 0)
    other = Host(tmp_path / "other", store, dies_after=2)
    other.run(study)
    assert len(other.told) == 2
    assert other.objective.shelf._courier is not None
    assert other.told[1].number == 2
    (copy,) = store.iterdir()
    state = torch.load(io.BytesIO(copy.read_bytes()[len(MAGIC) + 32 :]), weights_only=True)
    assert len(state["history"]) == 2


@pytest.mark.parametrize("how", [Killed, KeyboardInterrupt])
def test_another_machine_goes_on_in_the_middle_of_an_epoch(
    tmp_path: Path, whole: FrozenTrial, monkeypatch: pytest.MonkeyPatch, how: type[BaseException]
) -> None:
    """Of 9 steps, 3 in an epoch, 5 are done when the first machine dies."""
    monkeypatch.setattr(keeper, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(keeper, "PAUSES", 0)
    steps, run = Steps.__call__, []

    def step(self: Steps, batch: Batch) -> None:
        carrier = one.objective.shelf._courier
        assert carrier is not None
        assert carrier.settle()  # a copy is not due while another one is on its way
        if len(run) == 5:
            run.append("dead")
            raise how
        run.append("step")
        steps(self, batch)

    monkeypatch.setattr(Steps, "__call__", step)
    study, store = new_study(), tmp_path / "store"
    one = Host(tmp_path / "one", store)
    with pytest.raises(how):
        study.optimize(one.objective, n_trials=1)
    lost(study, 0)
    other = Host(tmp_path / "other", store)
    again = other.run(study)
    assert run == [*["step"] * 5, "dead", *["step"] * 4]
    assert len(other.told) == 3
    assert again.value == whole.value
    assert timeless(again) == timeless(whole)
    assert list(store.iterdir()) == []


@pytest.mark.parametrize("further", ["file", "copy"])
def test_what_is_further_counts(tmp_path: Path, further: str) -> None:
    study, store = new_study(), tmp_path / "store"
    Host(tmp_path / "one", store, dies_after=1).run(study)
    early = {file: file.read_bytes() for file in (*store.iterdir(), *(tmp_path / "one").iterdir())}
    lost(study, 0)
    Host(tmp_path / "one", store, dies_after=2).run(study)
    kept = store if further == "copy" else tmp_path / "one"
    for file, content in early.items():
        if file.parent != kept:
            file.write_bytes(content)
    lost(study, 1)
    (late,) = (file.read_bytes() for file in kept.iterdir())
    host = Host(tmp_path / "one", store, dies_after=2)
    host.run(study)
    assert next((tmp_path / "one").iterdir()).read_bytes() == late


class Stopping(optuna.pruners.BasePruner):
    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        return trial.last_step == 2


def test_a_stopped_trial_is_promoted_on_another_machine(tmp_path: Path, whole: FrozenTrial) -> None:
    study, store = new_study(pruner=Stopping()), tmp_path / "store"
    one = Host(tmp_path / "one", store)
    one.run(study)
    (parked,) = store.iterdir()
    assert parked.name.endswith("-stopped-0")
    optunas.promote(study, 0)
    other = Host(tmp_path / "other", store)
    again = other.run(study)
    assert other.told[:2] == one.told
    assert again.value == whole.value


def test_copies_of_stopped_trials_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "SLOTS", 2)
    study, store = new_study(pruner=Stopping()), tmp_path / "store"
    host = Host(tmp_path / "one", store, reuse=False)
    for _ in range(4):
        host.run(study)
    assert sorted(file.name[-9:] for file in store.iterdir()) == ["stopped-0", "stopped-1"]


def test_without_a_folder_of_ones_own_there_is_the_store(tmp_path: Path) -> None:
    study, store = new_study(), tmp_path / "store"
    folder: Any = None
    Host(folder, store, dies_after=2).run(study)
    lost(study, 0)
    other = Host(folder, store)
    assert other.run(study).state is TrialState.COMPLETE
    assert len(other.told) == 3


def test_an_objective_that_was_used_travels(tmp_path: Path) -> None:
    host = Host(tmp_path / "one", str(tmp_path / "store"))
    host.run(new_study())
    own = replace(host.objective, on_epoch=None)
    assert own.shelf is own.shelf
    own.shelf.checkpoint("ab" * 16, 1, "s", [])
    assert pickle.loads(pickle.dumps(own)).artifacts == str(tmp_path / "store")


def test_names_in_the_store_are_digests(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, Folder(tmp_path))
    names = {
        shelf.checkpoint(key, seed, study, run)._name
        for key in ("ab" * 16, "../../etc/passwd")
        for seed in (1, 2)
        for study in ("s", "../../s\0")
        for run in ("a", "<script>")
    }
    assert len(names) == 16
    assert all(name.replace("-", "").isalnum() for name in names)


@pytest.mark.parametrize("seed", ["../../x", -1, 2**64, True, 1.5, [1]])
def test_a_hostile_seed_in_the_database_is_not_taken(tmp_path: Path, seed: Any) -> None:
    study = new_study()
    study.enqueue_trial({}, user_attrs={"seed": seed})
    trial = Host(tmp_path / "one", tmp_path / "store").run(study)
    assert trial.state is TrialState.COMPLETE
    assert type(trial.user_attrs["seed"]) is int
    assert 0 <= trial.user_attrs["seed"] < 2**32
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "store"]


# hostile copies


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def signed(state: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return MAGIC + hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue()


def hostile(kind: str, content: bytes, mark: Path) -> bytes:
    """A copy as somebody makes it who can write to the store, and knows how."""
    state = torch.load(io.BytesIO(content[len(MAGIC) + 32 :]), weights_only=True)
    if kind == "truncated":
        return content[: len(content) // 2]
    if kind == "bare pickle":
        body = pickle.dumps(Bomb(mark), protocol=2)
        return MAGIC + hashlib.sha256(body).digest() + body
    if kind == "too large":
        return content + bytes(20 * 2**20)
    others = state["optimizer"]["state"][0] | {"exp_avg": torch.zeros(3)}
    claims = torch.zeros(1).expand(10**6, 10**6)  # four bytes that claim to be terabytes
    name = next(iter(state["network"]))
    changes: dict[str, dict[str, Any]] = {
        "bomb": {"network": Bomb(mark)},
        "another run": {"run": "another"},
        "another network": {"network": {"weight": torch.zeros(3)}},
        "huge claim": {"network": {**state["network"], name: claims}},
        "huge optimizer": {"optimizer": {**state["optimizer"], "state": {0: {"exp_avg": claims}}}},
        "optimizer of others": {"optimizer": {**state["optimizer"], "state": {0: others}}},
        "far history": {"history": state["history"] * 1000},
        "odd history": {"history": [{**state["history"][0], "accuracy": "<script>"}]},
        "no history": {"history": None},
    }
    return signed(state | changes[kind])


@pytest.mark.parametrize(
    "kind",
    [
        *("truncated", "bare pickle", "too large", "bomb", "another run", "another network"),
        *("huge claim", "huge optimizer", "optimizer of others", "far history", "odd history"),
        "no history",
    ],
)
def test_a_hostile_copy_starts_the_trial_from_zero_with_a_line(
    tmp_path: Path, whole: FrozenTrial, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    study, store, mark = new_study(), tmp_path / "store", tmp_path / "mark"
    Host(tmp_path / "one", store, dies_after=2).run(study)
    (copy,) = store.iterdir()
    copy.write_bytes(hostile(kind, copy.read_bytes(), mark))
    lost(study, 0)
    again = Host(tmp_path / "other", store).run(study)
    assert not mark.exists()
    assert again.state is TrialState.COMPLETE
    assert timeless(again) == timeless(whole)
    assert "is ignored" in caplog.text or "more than" in caplog.text


# a store that fails


class Failing:
    """A store where all fails, or hangs, from the first write on."""

    def __init__(self, error: Exception | None) -> None:
        self.error, self.tries, self.healed = error, 0, threading.Event()

    def _fail(self, *_: Any) -> Any:
        self.tries += 1
        if self.error is None:
            self.healed.wait(60)
            raise OSError("at last")
        raise self.error

    def open_reader(self, artifact_id: str) -> BinaryIO:
        raise self._fail()

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        self._fail()

    def remove(self, artifact_id: str) -> None:
        self._fail()


def test_a_store_that_fails_is_said_once_and_fails_no_trial(
    tmp_path: Path, whole: FrozenTrial, caplog: pytest.LogCaptureFixture
) -> None:
    store = Failing(OSError(28, "No space left on device at https://me:hidden@host/"))
    study = new_study()
    Host(tmp_path / "one", store, dies_after=2).run(study)
    lost(study, 0)
    again = Host(tmp_path / "one", store).run(study)
    assert timeless(again) == timeless(whole)
    assert store.tries > 3
    said = [r.getMessage() for r in caplog.records if "artifact store" in r.getMessage()]
    assert len(said) == 2  # by each of two processes
    assert "No space left" in said[0]
    assert "hidden" not in caplog.text


def test_a_store_that_hangs_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(courier, "FETCH_SECONDS", 0.2)
    store = Failing(None)
    objective = small_objective(checkpoints=tmp_path / "one", artifacts=store)
    study, began = new_study(), time.monotonic()
    study.enqueue_trial({}, user_attrs={"seed": 5})  # one that is run again
    study.optimize(objective, n_trials=1)
    assert time.monotonic() - began < 20
    assert study.trials[0].state is TrialState.COMPLETE
    assert "no answer" in caplog.text
    store.healed.set()
    assert objective.shelf._courier is not None
    assert objective.shelf._courier.settle()


def test_a_folder_that_goes_away_is_no_end(tmp_path: Path, whole: FrozenTrial) -> None:
    (tmp_path / "store").mkdir()
    host = Host(tmp_path / "one", tmp_path / "store")
    (tmp_path / "store").rmdir()
    (tmp_path / "store").touch()
    assert host.run(new_study()).value == whole.value


def test_copying_takes_a_small_share_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "LONGEST_SECONDS", 20.0)

    class Slow(Folder):
        def write(self, artifact_id: str, content_body: BinaryIO) -> None:
            time.sleep(0.05)
            super().write(artifact_id, content_body)

    carrier = Courier(Slow(tmp_path))
    assert carrier.is_rested
    carrier.bring("a", b"x")
    assert carrier.settle()
    while carrier.is_busy:
        time.sleep(0.01)
    assert not carrier.is_rested
    assert 0.9 < carrier._rests_until - time.monotonic() < 10  # of twenty times 0.05 s


def test_kill_9_on_one_machine_and_on_with_the_next(tmp_path: Path) -> None:
    words = ["run", "study.py", "--trials", "1", "--study", "few", "--random-draws", "0"]
    words += ["--storage", f"sqlite:///{tmp_path}/s.db"]
    for host in ("one", "other"):
        (tmp_path / host).mkdir()
        (tmp_path / host / "study.py").write_text(STUDY_FILE)
    shared = {"OPTUNAS_ARTIFACTS": str(tmp_path / "store")}
    process = start(*words, folder=tmp_path / "one", BLOCK_AT="0 2", **shared)
    deadline = time.monotonic() + 90
    while not (tmp_path / "one" / "blocked").exists() and time.monotonic() < deadline:
        assert process.poll() is None, finish(process)
        time.sleep(0.1)
    while not list((tmp_path / "store").glob("checkpoint-*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)  # for the copy after it
    process.send_signal(signal.SIGKILL)
    process.communicate()
    code, _, err = command(
        *words, *("--artifacts", str(tmp_path / "store")), folder=tmp_path / "other"
    )
    assert code == 0, err
    one, other = (
        (tmp_path / host / "epochs.txt").read_text().splitlines() for host in ("one", "other")
    )
    epochs = [line.split()[1:] for line in other]
    assert [number for number, _ in epochs][:3] == ["1", "2", "3"]
    assert epochs[0] == one[0].split()[1:]  # the first machine's, to the last digit
