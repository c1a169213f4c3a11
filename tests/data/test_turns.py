"""Several processes want the same images at the same time."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from optunas.data import cache_folder, reading, turns
from optunas.data.cache import Decoded
from optunas.data.reading import read_files
from optunas.data.turns import one_at_a_time

FORK = multiprocessing.get_context("fork")  # a process that need not import torch again


def read_slowly(files: list[str], log: Path, start: "multiprocessing.synchronize.Barrier") -> None:
    real = reading._made

    def slow(job: object) -> Decoded:
        with log.open("a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(0.5)
        return real(job)  # type: ignore[arg-type]

    reading._made = slow
    start.wait()
    found = read_files(files)
    os._exit(0 if len(found.images) == len(files) and not found.notes else 1)


def test_one_process_decodes_and_the_others_map(photos: Path, tmp_path: Path) -> None:
    files, log = sorted(map(str, photos.rglob("*.png"))), tmp_path / "log"
    start = FORK.Barrier(4)
    children = [FORK.Process(target=read_slowly, args=(files, log, start)) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join(30)
    assert [child.exitcode for child in children] == [0] * 4
    assert len(log.read_text().splitlines()) == 1
    assert sorted(p.suffix for p in cache_folder().iterdir()) == [".checked", ".safetensors"]


def hold(file: Path, held: "multiprocessing.synchronize.Event") -> None:
    with one_at_a_time(file):
        held.set()
        time.sleep(60)


@pytest.fixture
def holder(tmp_path: Path):  # type: ignore[no-untyped-def]
    held = FORK.Event()
    child = FORK.Process(target=hold, args=(tmp_path / "images-a.safetensors", held))
    child.start()
    assert held.wait(30)
    yield child
    child.kill()
    child.join()


def test_a_killed_process_keeps_nobody_waiting(tmp_path: Path, holder) -> None:  # type: ignore[no-untyped-def]
    os.kill(holder.pid, signal.SIGKILL)
    begun = time.monotonic()
    with one_at_a_time(tmp_path / "images-a.safetensors"):
        assert time.monotonic() - begun < 10
    assert not list(tmp_path.glob("*.lock"))


def test_patience_ends(tmp_path: Path, holder, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(turns, "_PATIENCE", 0.2)
    begun, entered = time.monotonic(), False
    with one_at_a_time(tmp_path / "images-a.safetensors"):
        entered = True
    assert entered
    assert time.monotonic() - begun >= 0.2
    assert holder.is_alive()
    assert list(tmp_path.glob("*.lock"))  # it is the other's


def test_no_lock_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    entered = []
    with one_at_a_time(tmp_path / "taken" / "images-a.safetensors"):
        entered.append(1)

    def no_locks(self: object, timeout: float) -> None:
        raise NotImplementedError("this file system has no locks")

    monkeypatch.setattr(turns.FileLock, "acquire", no_locks)
    with one_at_a_time(tmp_path / "images-a.safetensors"):
        entered.append(2)
    with pytest.raises(KeyError), one_at_a_time(tmp_path / "images-a.safetensors"):
        raise KeyError("errors inside come out")
    assert entered == [1, 2]
