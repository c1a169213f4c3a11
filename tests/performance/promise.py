"""Is a promise of time kept? The wall-clock of `optunas run TARGET --hours H -o winner`.

    python tests/performance/promise.py studies/digits.py --minutes 3 6

Each run is a new study in an empty folder: the pace is measured, epochs are chosen, networks
searched, the winner retrained, tested and exported. What counts is the whole command, Python's
start included, over its hours; the networks that were seen over those that were announced; and
whether all of it ended within 10 %.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import optuna
from reporting import Table, parsed, parser, report, verdict

from optunas.attributes import evaluated

WITHIN = 0.10


def main() -> None:
    made = parser(__doc__, data=False)
    made.add_argument("target", help="a study file, a folder of images or a data set")
    made.add_argument("--minutes", type=float, nargs="+", default=[3.0, 6.0])
    made.add_argument("--options", default="", help="more options for `optunas run`")
    options = parsed(made)
    said = report("Promises of time", options.device, options.seed)
    heads = ["promised s", "took s", "ratio", "announced", "seen", "epochs"]
    table = Table("optunas run TARGET --hours ... -o winner", heads)
    ratios = []
    for minutes in options.minutes:
        took, announced, seen, epochs = ran(minutes / 60, options)
        ratios.append(took / (60 * minutes))
        table.add(
            f"{60 * minutes:.0f}", f"{took:.0f}", f"{ratios[-1]:.2f}", announced, seen, epochs
        )
    said.tables = [table]
    said.lines = [
        verdict("the shortest run over its promise", min(ratios), 1 - WITHIN),
        verdict("the promise over the longest run", 1 / max(ratios), 1 / (1 + WITHIN)),
    ]
    said.figures = {"ratios": ratios}
    said.finish(options)


def ran(hours: float, options: argparse.Namespace) -> tuple[float, int, int, int]:
    """Seconds of the whole command; networks announced and seen; epochs of a network."""
    where = Path(options.target)
    target = str(where.resolve()) if where.exists() else options.target
    words = [sys.executable, "-m", "optunas", "run", target, "--hours", f"{hours:.6f}"]
    words += ["-o", "winner", "--study", "promise", "--seed", str(options.seed)]
    words += ["--device", str(options.device), *options.options.split()]
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        took = time.monotonic() - begin
        if done.returncode:
            sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
        found = re.search(r"about ([\d,]+) networks, each up to (\d+) epochs", done.stdout)
        assert found is not None, done.stdout
        storage = f"sqlite:///{folder}/optunas.db"
        study = optuna.load_study(study_name="promise", storage=storage)
        seen = len(evaluated(study.get_trials(deepcopy=False)))
    return took, int(found[1].replace(",", "")), seen, int(found[2])


if __name__ == "__main__":
    main()
