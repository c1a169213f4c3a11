"""Files of stopped trials are kept for a while."""

import os
from pathlib import Path

import pytest

from optunas.objective import checkpoints
from optunas.objective.checkpoints import fetch, forget, park


def test_what_is_parked_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "key-1.pt"
    file.write_bytes(b"weights")
    park(file)
    assert not file.exists()
    fetch(file)
    assert file.read_bytes() == b"weights"
    assert len(list(tmp_path.iterdir())) == 1
    forget(file)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "key-1.pt"
    file.write_bytes(b"old")
    park(file)
    file.write_bytes(b"young")
    fetch(file)
    assert file.read_bytes() == b"young"


def test_nothing_there_is_no_error(tmp_path: Path) -> None:
    for act in (park, fetch, forget):
        act(None)
        act(tmp_path / "absent.pt")
        act(tmp_path / "file" / "below.pt")
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
        park(file)
    left = sorted(file.name for file in tmp_path.iterdir())
    assert left == ["running-9.pt", "stopped-key-3.pt", "stopped-key-4.pt", "stopped-key-5.pt"]
