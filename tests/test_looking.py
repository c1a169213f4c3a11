"""`optunas look` on real folders and study files: what it prints, writes and refuses."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .small import PLAIN_FILE, STUDY_FILE, Run, environment


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with study files and photos/<split>/<class>/, two of them equal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("OPTUNAS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "few.py").write_text(STUDY_FILE)
    (tmp_path / "plain.py").write_text(PLAIN_FILE)
    rng = np.random.default_rng(0)
    for part in ("train", "val", "test"):
        for name in ("ant", "[red]bee"):
            (tmp_path / "photos" / part / name).mkdir(parents=True)
            for i in range(12):
                noise = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(noise).save(tmp_path / "photos" / part / name / f"{i:02}.png")
    copy = tmp_path / "photos" / "test" / "[red]bee" / "[b]copy.png"
    copy.write_bytes((tmp_path / "photos" / "train" / "ant" / "00.png").read_bytes())
    (tmp_path / "photos" / "train" / "ant" / "broken.png").write_text("no image")
    return tmp_path


@pytest.mark.parametrize("keep", [(), ("--keep", "files")])
def test_a_folder_is_looked_at(folder: Path, run: Run, keep: tuple[str, ...]) -> None:
    code, out, err = run("look", "photos", *keep)
    assert (code, err) == (0, "")
    plain = " ".join(out.split())
    assert "[red]bee 12 12 13 37" in plain
    assert "photos: 2 classes, 3x16x16, 24 train / 24 validation / 25 test" in plain
    assert "can't be read as an image: train/ant/broken.png (not an image)" in plain
    assert "all images are 16x16" in plain
    assert "test images that are in train too: 1 of 25 (4.0 %), such as" in plain
    assert "test/[red]bee/[b]copy.png = train/ant/00.png" in plain
    assert "1 image with more than one label: [red]bee / ant (1)" in plain
    assert not list(folder.glob("*.db"))  # nothing is searched


def test_options_are_those_of_a_search(folder: Path, run: Run) -> None:
    code, out, _ = run("look", "photos", "--size", "8", "--flip")
    assert code == 0
    assert "all images are 16x16, brought to 8x8" in out
    code, _, err = run("look", "digits", "--size", "8")
    assert code == 2
    assert "digits takes the options seed; got size" in err


def test_copies_are_listed_and_images_drawn(folder: Path, run: Run) -> None:
    code, out, _ = run("look", "photos", "--csv", "copies.csv", "--save", "sheet.png")
    assert code == 0
    assert (
        "1 group of equal images and 0 pairs of nearly equal ones are listed in copies.csv" in out
    )
    with open("copies.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["group", "equal", "split", "class", "file"]
    assert [row[:4] for row in rows[1:]] == [
        ["1", "yes", "train", "ant"],
        ["1", "yes", "test", "[red]bee"],
    ]
    assert [Path(row[4]).name for row in rows[1:]] == ["00.png", "[b]copy.png"]
    with Image.open("sheet.png") as sheet:
        assert sheet.format == "PNG"
    for option in ("--csv", "--save"):
        code, _, err = run("look", "photos", option, "absent/file")
        assert code == 2
        assert "absent/file: No such file or directory" in err


def test_a_study_file_is_looked_at_without_searching(folder: Path, run: Run) -> None:
    code, out, _ = run("look", "few.py")
    assert code == 0
    assert "few: 10 classes, 1x8x8, 216 train / 108 validation / 360 test" in out
    assert sorted(path.suffix for path in folder.iterdir() if path.is_file()) == [".py", ".py"]
    code, _, err = run("look", "plain.py")
    assert code == 2
    assert "plain.py is a plain callable" in err
    code, _, err = run("look", "few.py", "--size", "8")
    assert code == 2
    assert "the study file loads its own data" in err


def test_what_is_no_data_is_said_in_one_line(folder: Path, run: Run) -> None:
    code, out, err = run("look", "absent/photos")
    assert (code, out) == (2, "")
    assert err.startswith("optunas: ")
    assert len(err.splitlines()) == 1


def test_the_script_that_measures_it_runs(folder: Path) -> None:
    script = Path(__file__).parent / "performance" / "looking.py"
    words = ["photos", "--repeats", "1", "--copies", "10", "--device", "cpu", "--json", "found"]
    done = subprocess.run(
        [sys.executable, script, *words], env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    costs, recall = json.loads(Path("found").read_text())["tables"]
    assert [row[0] for row in costs["rows"]][1:] == ["in its files, remembered", "in memory"]
    assert recall["rows"][0][1:] == [0, 1]  # the copy that is there; it is equal
    assert len(recall["rows"]) == 9
