"""A database that somebody else writes to: whatever stands in it, nothing runs, nobody crashes.

Each case spoils one finished study of ours in one way. Reading it, searching on in it and promoting
in it end well or with one clear line. A bomb would leave a file behind.
"""

import json
import pickle
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from optunas import deadline, fingerprint, planning, remembered
from optunas.cli import main
from optunas.delivery.looks import LOOKS
from optunas.search import search_for
from optunas.worker import comparisons

from .small import STUDY_FILE

SCRIPT = "<img src=x onerror=\"alert('1')\"><script>alert(1)</script>\x1b]0;title\x07\x1b[31m"


class Bomb:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return open, ("exploded", "w")


PICKLED = pickle.dumps(Bomb()).hex()
ATTRIBUTES = (
    *("outcome", "reason", "architecture", "key", "recipe", "seed", "data", "device"),
    *("input_shape", "classes", "params", "macs", "accuracy", "f1", "train_seconds", "curve"),
    *("engine", "role", "promotes", "promoted_after", "reused_from", "worker", "reported"),
)
SYSTEM = ("retry_history", "failed_trial", "optunas:token", "optunas:beat", "optunas:taken")
VALUES: dict[str, Any] = {
    "script": SCRIPT,
    "pickle": PICKLED,
    "huge": "x" * 2_000_000,
    "number": -1,
    "not a number": float("nan"),
    "list": [[[]], None, {"a": [1]}],
    "object": {"type": "Conv", "layers": [{"type": "__import__('os')"}], "pid": [], "host": {}},
    "nothing": None,
    "path": "../../../../etc/passwd",
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The database of a study with two trained networks, and one that waits."""
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("OPTUNAS_STORAGE", raising=False)
        Path("few.py").write_text(STUDY_FILE)
        assert call(patch, "run", "few.py", "--trials", "2") == 0
    with sqlite3.connect(folder / "optunas.db") as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # all of it into the one file
    return (folder / "optunas.db").read_bytes()


def call(patch: pytest.MonkeyPatch, *arguments: str) -> int:
    patch.setattr(sys, "argv", ["optunas", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.fixture
def database(finished: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPTUNAS_STORAGE", raising=False)
    (tmp_path / "few.py").write_text(STUDY_FILE)
    (tmp_path / "optunas.db").write_bytes(finished)
    return tmp_path / "optunas.db"


def write(database: Path, table: str, name: str, value: str, trial: int = 1) -> None:
    """Write an attribute of a trial as it stands in Optuna's tables."""
    with sqlite3.connect(database) as file:
        (trial_id,) = file.execute(
            "SELECT trial_id FROM trials WHERE number = ?", (trial,)
        ).fetchone()
        file.execute(f"DELETE FROM {table} WHERE trial_id = ? AND key = ?", (trial_id, name))
        file.execute(
            f"INSERT INTO {table} (trial_id, key, value_json) VALUES (?, ?, ?)",
            (trial_id, name, value),
        )


FACTS = (
    *(fingerprint.ATTRIBUTE, planning.ATTRIBUTE, deadline.ATTRIBUTE, remembered.ATTRIBUTE),
    *(comparisons.QUEUE, LOOKS),
)
COMMANDS = (
    ("status",),
    ("show", "1"),
    ("promote", "1"),
    ("run", "few.py", "--trials", "3"),
    ("status", "few"),
)


@pytest.mark.parametrize("kind", VALUES)
def test_whatever_stands_in_the_attributes_no_command_crashes(
    kind: str,
    database: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    value = json.dumps(VALUES[kind])
    for name in ATTRIBUTES:
        write(database, "trial_user_attributes", name, value)
    for name in SYSTEM:
        write(database, "trial_system_attributes", name, value)
    for command in COMMANDS:
        code = call(monkeypatch, *command)
        out, err = capsys.readouterr()
        assert code == (2 if command[0] == "promote" else 0), (command, err)
        assert "Traceback" not in out + err
        assert "\x1b]0;" not in out  # the terminal's title is not theirs to set
    assert not Path("exploded").exists()
    states = [
        trial.state
        for trial in optuna.load_study(study_name="few", storage=f"sqlite:///{database}").trials
    ]
    assert states.count(TrialState.RUNNING) == 0


@pytest.mark.parametrize("name", FACTS)
@pytest.mark.parametrize("kind", ["script", "huge", "number", "object"])
def test_whatever_stands_in_the_studys_facts_is_told_or_replaced(
    name: str,
    kind: str,
    database: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with sqlite3.connect(database) as file:
        file.execute("DELETE FROM study_user_attributes WHERE key = ?", (name,))
        file.execute(
            "INSERT INTO study_user_attributes (study_id, key, value_json) VALUES (1, ?, ?)",
            (name, json.dumps(VALUES[kind])),
        )
    code = call(monkeypatch, "run", "few.py", "--trials", "2")
    out, err = capsys.readouterr()
    assert code in (0, 2), err
    assert "Traceback" not in out + err
    assert len(err.strip().splitlines()) == (1 if code else 0)


@pytest.mark.parametrize("table", ["trial_user_attributes", "trial_system_attributes"])
def test_broken_json_is_one_line(
    table: str, database: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(database, table, "key", '{"a": [')
    for command in (("status",), ("show", "1"), ("run", "few.py", "--trials", "3")):
        assert call(monkeypatch, *command) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert "something in the database is damaged" in line


@pytest.mark.parametrize("name", ["..", "../../x", "/etc", ".", "a/../../b", "\x1b[2J"])
def test_no_name_of_a_study_leads_out_of_its_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "few.py").write_text(STUDY_FILE)
    own = search_for("few.py", {"name": name}).own
    assert own is not None
    assert own.checkpoints is not None
    runs = (tmp_path / "optunas-runs").resolve()
    place = own.checkpoints.resolve()
    assert place.parent.parent == runs
