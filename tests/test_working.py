"""`optunas worker`: one process that joins, says what happens line by line, and leaves in order."""

import signal
import sys
import time
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from optunas.attributes import Outcome, outcomes
from optunas.cli import main

from .small import PLAIN_FILE, STUDY_FILE, finish, optunas, start


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "few.py").write_text(STUDY_FILE)
    (tmp_path / "plain.py").write_text(PLAIN_FILE)
    return tmp_path


def trials(folder: Path, name: str) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name=name, storage=f"sqlite:///{folder}/optunas.db").trials


def test_it_works_until_the_study_is_full(folder: Path) -> None:
    code, out, err = optunas("worker", "plain.py", "--trials", "3", folder=folder)
    assert code == 0, err
    assert [t.state for t in trials(folder, "plain")] == [TrialState.COMPLETE] * 3
    first, *rest = out.splitlines()
    assert first == "joined sqlite:///optunas.db, study 'plain'"
    assert len(rest) == 3
    assert all(line.endswith("trained") for line in rest)
    code, out, _ = optunas("worker", "plain.py", "--trials", "3", folder=folder)
    assert (code, out) == (0, first + "\n")


@pytest.mark.parametrize("option", ["--workers", "--devices", "--output", "--workers-per-device"])
def test_it_leads_nobody(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["optunas", "worker", "plain.py", option, "1"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2


def test_told_to_end_it_hands_its_checkpoint_to_a_worker_in_another_folder(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shared = tmp_path_factory.mktemp("shared")
    storage = f"sqlite:///{folder}/optunas.db"
    joining = ("few.py", "--trials", "2", "--random-draws", "0", "--storage", storage)
    joining += ("--artifacts", str(shared))
    worker = start("worker", *joining, folder=folder, BLOCK_AT="1 2")
    deadline = time.monotonic() + 120
    while not (folder / "blocked").exists():
        assert worker.poll() is None, worker.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    worker.send_signal(signal.SIGTERM)
    code, out, err = finish(worker)
    assert code == 130, err
    assert out.splitlines()[-1] == "stopped; the running trial waits for another worker"
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "few.py").write_text(STUDY_FILE)
    code, _, err = optunas("worker", *joining, folder=elsewhere)
    assert code == 0, err
    found = trials(folder, "few")
    assert outcomes(found)[1] is Outcome.INTERRUPTED
    (heir,) = [t for t in found[2:] if t.params == found[1].params]
    own = (elsewhere / "epochs.txt").read_text().splitlines()
    before = (folder / "epochs.txt").read_text().splitlines()
    # two epochs are told again with the seconds that they took there; the third is its own
    told = [line.split()[1:] for line in own if line.startswith(f"{heir.number} ")]
    assert told[:2] == [line.split()[1:] for line in before if line.startswith("1 ")]
    assert [number for number, _ in told] == ["1", "2", "3"]
