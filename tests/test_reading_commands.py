"""`optunas report`, `compare` and `show` on a stored study: what they say, write and refuse."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import optuna
import pytest

from optunas.storage import open_storage

from .performance.made_up import made_up
from .small import Run, environment


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a study of ours; nobody writes to it."""
    place = tmp_path_factory.mktemp("stored")
    made_up(14, name="made", storage=open_storage(f"sqlite:///{place}/optunas.db"))
    return place


@pytest.fixture(autouse=True)
def _here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands are typed beside the database."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("OPTUNAS_STORAGE", raising=False)
    monkeypatch.setenv("COLUMNS", "100")


def test_a_report_is_written_where_it_is_wanted(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "mine.html"
    for words in (("made",), ("made", "--storage", "sqlite:///optunas.db"), ()):
        code, out, err = run("report", *words, "-o", str(target))
        assert (code, err) == (0, "")
        assert f"the report of 'made' is in {target} (2." in out.replace("\n", "")
        assert target.read_text().startswith("<!doctype html>")
        target.unlink()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report", "nosuch"), "no study is called 'nosuch'"),
        (("report", "-o", "no/such/folder/r.html"), "can't write the report"),
        (("report", "--storage", "sqlite:///none.db"), "none.db"),
        (("compare", "0", "99"), "study 'made' has 14, got 99"),
        (("compare", "0", "1", "--study", "nosuch"), "no study is called 'nosuch'"),
        (("show", "99"), "study 'made' has 14, got 99"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(run: Run, words: tuple[str, ...], said: str) -> None:
    code, _, err = run(*words)
    assert code == 2
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_two_trials_stand_side_by_side(run: Run, folder: Path) -> None:
    code, out, _ = run("compare", "0", "3", "--study", "made")
    assert code == 0
    storage = f"sqlite:///{folder}/optunas.db"
    trials = optuna.load_study(study_name="made", storage=storage).trials
    params = [trials[n].user_attrs["params"] for n in (0, 3)]
    assert all(f"{found:,}" in out for found in params)
    for part in ("Trial 0 (baseline, trained) and trial 3", "Layers:", "Parameters that differ"):
        assert part in out


def test_show_tells_how_far_a_cost_is_from_its_limit(run: Run, folder: Path) -> None:
    code, out, _ = run("show", "0")
    assert code == 0
    storage = f"sqlite:///{folder}/optunas.db"
    known = optuna.load_study(study_name="made", storage=storage).trials[0].user_attrs
    below = 100 * (1 - known["params"] / 1_000_000)
    assert f"{known['params']:,} ({below:.3g} % below its limit)" in out


def test_none_of_them_imports_torch(folder: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom optunas.cli import main\nsys.argv = ['optunas', *sys.argv[1:]]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert 'torch' not in sys.modules"
    )
    for words in (("report", "-o", str(tmp_path / "r.html")), ("compare", "0", "1"), ("show", "0")):
        subprocess.run(
            [sys.executable, "-c", code, *words],
            cwd=folder, env=environment(), check=True, timeout=120, capture_output=True,
        )  # fmt: skip
