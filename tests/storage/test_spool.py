"""What lies in the spool: whole records, of dead processes, of this storage alone."""

from pathlib import Path

import pytest
from optuna.trial import TrialState

from optunas.process import this_process
from optunas.storage.spool import Record, Spool, spool_folder


@pytest.fixture(autouse=True)
def _all_are_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optunas.storage.spool.is_dead", lambda process: True)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = Spool("a", tmp_path).write(7, "f00", TrialState.COMPLETE, [0.1, float("inf")])
    values = [0.1, float("inf")]
    assert list(Spool("a", tmp_path).left()) == [
        (file, Record(7, "f00", "COMPLETE", values, this_process()))
    ]
    assert list(Spool("b", tmp_path).left()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\x80\x04cposix\nsystem\n",
        b'{"trial_id": 1}',
        b'{"trial_id": 1, "token": "a", "state": "NONE", "values": [], "process": {}}',
    ],
)
def test_a_damaged_record_is_removed(tmp_path: Path, content: bytes) -> None:
    spool = Spool("a", tmp_path)
    spool.folder.mkdir()
    (spool.folder / "f00.json").write_bytes(content)
    assert list(spool.left()) == []
    assert list(spool.folder.iterdir()) == []


def test_where_no_record_can_be_kept_none_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert Spool("a", tmp_path / "file").write(7, "f00", TrialState.COMPLETE, [0.1]) is None


def test_where_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPTUNAS_SPOOL", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert spool_folder() == Path("/state/optunas/spool")
    monkeypatch.setenv("OPTUNAS_SPOOL", "/spool")
    assert spool_folder() == Path("/spool")
