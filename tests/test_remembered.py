"""What was typed for a study holds for whoever joins it and types less."""

import time
from functools import partial
from pathlib import Path
from typing import Any

import optuna
import pytest
import sqlalchemy

from optunas.errors import OptunasError
from optunas.remembered import ATTRIBUTE, KINDS, options_of, recall, remember
from optunas.search import search_for
from optunas.storage import open_storage

from .small import PLAIN_FILE, STUDY_FILE, Run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPTUNAS_STORAGE", raising=False)
    (tmp_path / "few.py").write_text(STUDY_FILE)
    (tmp_path / "plain.py").write_text(PLAIN_FILE)
    return tmp_path


@pytest.fixture
def study(folder: Path) -> optuna.Study:
    return optuna.create_study(study_name="few", storage=open_storage())


def test_who_types_nothing_joins_by_the_options_of_who_began(folder: Path, run: Run) -> None:
    typed = ("--max-params", "500k", "--epochs", "2", "--metric", "accuracy", "--metric", "params")
    code, out, _ = run("run", "few.py", "--trials", "2", "--sampler", "tpe", *typed)
    assert code == 0
    assert "as this study was begun" not in out
    code, out, err = run("run", "few.py", "--trials", "3")
    assert code == 0, err
    begun = "--sampler tpe --metric accuracy --metric params --max-params 500000 --epochs 2"
    assert f"note: as this study was begun, {begun}" in out
    assert "continues with" not in out
    code, out, err = run("worker", "few.py")
    assert code == 0, err
    assert "as this study was begun, --trials 3 --sampler tpe" in out
    assert len((folder / "epochs.txt").read_text().splitlines()) <= 3 * 2


def test_a_typed_option_wins_and_holds_from_then_on(study: optuna.Study) -> None:
    remember(study, {"trials": 5, "seed": 3, "device": "cpu", "storage": "mysql://me:secret@host"})
    remember(study, {"hours": 2.0, "metrics": ("accuracy", "params")})
    assert options_of(study) == {"hours": 2.0, "seed": 3, "metrics": ("accuracy", "params")}
    assert recall("few", None, {"trials": 4}) == {"seed": 3, "metrics": ("accuracy", "params")}
    assert recall("few", None, {"seed": 1, "metrics": ("f1",)}) == {"hours": 2.0}


def test_the_same_again_writes_nothing(study: optuna.Study) -> None:
    remember(study, {"trials": 5, "metrics": ("accuracy", "params")})
    study.set_user_attr = lambda *_: pytest.fail("written")  # type: ignore[method-assign]
    remember(study, {"trials": 5})
    remember(study, {"metrics": ("accuracy", "params")})


def test_a_server_that_was_asked_has_no_connection_open_afterwards(
    folder: Path, postgresql_url: str
) -> None:
    optuna.create_study(study_name="few", storage=(opened := open_storage(postgresql_url)))
    opened.close()
    recall("few", postgresql_url, {})
    mine = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    engine = sqlalchemy.create_engine(postgresql_url, poolclass=sqlalchemy.NullPool)
    until = time.monotonic() + 10
    while True:  # the server takes a moment to see that one is closed
        with engine.connect() as connection:
            found = connection.execute(sqlalchemy.text(mine)).scalar()
        if found == 1 or time.monotonic() > until:
            break
        time.sleep(0.05)
    assert found == 1  # who asks


def test_where_there_is_no_study_nothing_is_known_and_nothing_made(folder: Path) -> None:
    assert recall("few", None, {}) == {}
    assert not (folder / "optunas.db").exists()
    open_storage()
    assert recall("few", None, {}) == {}


def test_a_typed_option_that_the_study_cannot_have_is_refused_and_not_remembered(
    folder: Path, run: Run
) -> None:
    assert run("run", "few.py", "--trials", "1", "--epochs", "2")[0] == 0
    code, _, err = run("run", "few.py", "--epochs", "1")
    assert code == 2
    assert "recipe: epochs 2 in the study, 1 here" in err
    assert run("run", "few.py", "--epochs", "1", "--trials", "2", "--anyway")[0] == 0
    few = optuna.load_study(study_name="few", storage="sqlite:///optunas.db")
    assert options_of(few) == {"trials": 1, "epochs": 2}


@pytest.mark.parametrize(
    "value",
    [True, "five", -0.5, None, float("nan"), [1], [], ["x"] * 100, {"a": 1}, "x" * 501, "\x1b[31m"],
)
def test_what_is_no_typed_option_counts_as_not_there(value: Any, study: optuna.Study) -> None:
    study.set_user_attr(ATTRIBUTE, {**dict.fromkeys(KINDS, value), "storage": "x", "device": "y"})
    for name, found in options_of(study).items():
        assert name in KINDS
        assert isinstance(found, KINDS[name])
        assert isinstance(found, bool) == (KINDS[name] is bool)
    for nothing in (value, [value]):
        study.set_user_attr(ATTRIBUTE, nothing)
        assert options_of(study) == {}


def test_where_the_studys_own_options_are_wrong_the_error_says_whose_they_are(
    study: optuna.Study,
) -> None:
    study.set_user_attr(ATTRIBUTE, {"epochs": -1, "trials": 9})
    with pytest.raises(OptunasError, match=r"epochs.*-1.*own options are --trials 9 --epochs -1$"):
        search_for("few.py", {}, recall)


def test_a_storage_that_is_not_there_is_told_in_one_line(folder: Path) -> None:
    with pytest.raises(OptunasError, match="the studies' folder must exist"):
        search_for("plain.py", {"storage": "sqlite:///none/s.db"}, partial(recall, wait_s=0.1))


def test_where_a_folder_was_kept_it_is_kept_again(folder: Path) -> None:
    from PIL import Image

    for name in ("cat", "dog"):
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(12):
            colour = (20 * number, 0 if name == "cat" else 255, 7)
            Image.new("RGB", (8, 8), colour).save(folder / "photos" / name / f"{number}.png")
    assert search_for("./photos", {}).given["keep"] == "memory"
    assert search_for("./photos", {"keep": "files"}).given["keep"] == "files"
    assert "keep" not in search_for("digits", {}).given
