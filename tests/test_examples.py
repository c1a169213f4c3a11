"""Every example runs in seconds, as its own process, and says something."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
NEEDS = {"ray_workers": ["ray"], "dask_workers": ["distributed", "optuna_integration"]}
"""Packages beyond those that optunas itself needs."""


def test_there_are_examples() -> None:
    names = {path.stem for path in EXAMPLES}
    assert {"families", "joint", "own_function", "own_space", "quickstart"} <= names


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path: Path, tmp_path: Path) -> None:
    for needed in NEEDS.get(path.stem, ()):
        pytest.importorskip(needed, reason=f"pip install {needed} to run this example")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    environment.pop("OPTUNAS_STORAGE", None)
    done = subprocess.run(
        [sys.executable, str(path)], cwd=tmp_path, env=environment, timeout=240,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Traceback" not in done.stderr, done.stderr[-2000:]
    assert re.search(r"\d", done.stdout), f"an example prints what it found; got {done.stdout!r}"
    unsaid = [file.name for file in tmp_path.iterdir() if file.name not in done.stdout]
    assert not unsaid, "an example says what it writes"


def test_the_space_of_ones_own_is_short() -> None:
    text = next(path for path in EXAMPLES if path.stem == "own_space").read_text()
    body = text.split("class Tower:")[1].split("\n\n\n")[0]
    assert 1 + len([line for line in body.splitlines() if line.strip()]) <= 25
