"""The scripts that measure the insights still run; `tests/performance/` has them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "performance"
CALLS = {
    "findings": ("--studies 1 --trials 30", "TPE, pruned", "planted"),
    "insights": ("--trials 60 --parameters 6", "all insights", "all figures"),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_script_runs_to_its_last_row(name: str):
    words, *rows = CALLS[name]
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / f"{name}.py"), *words.split()],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert all(row in done.stdout for row in rows)
