"""Start-up: from the command `optunas run` to the first training step, with a warm data cache.

    python tests/performance/startup.py FOLDER --json startup.json

Child processes run a study of CIFAR-10 as a person would, in an empty folder each, and end after
the first step of the optimizer. On the way they note the time of day; the table has the median of
each part, and beside it the processor's time, which tells whether a figure suffered from others'
work on the machine. One more child runs under `-X importtime`, which says what each package costs
to import (that slows imports by a tenth or two; what a package imports itself counts there).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from statistics import median

from reporting import Table, parsed, parser, report, spread

TARGET = 8.0  # seconds, on 2 cores

STUDY = """
import os, sys, time

def mark(name):
    with open(os.environ["MARKS"], "a") as file:
        print(name, time.time(), time.process_time(), sep="\t", file=file)

mark("Python, the command line, Optuna")
import optunas
from optunas.spaces import ConvNet
optunas.Objective
from torch.optim.optimizer import register_optimizer_step_post_hook
mark("torch and the rest of optunas")
data = optunas.data.cifar10(os.environ["FOLDER"])
mark("data")

class Marked(ConvNet):
    seen = False
    def suggest(self, trial):
        if hasattr(trial, "study") and not Marked.seen:
            Marked.seen = True
            mark("study, storage, first trial")
        return super().suggest(trial)

def first_step(*_):
    mark("network, first step")
    sys.stdout.flush()
    os._exit(0)

register_optimizer_step_post_hook(first_step)
space = Marked(stem_stride=2)
objective = optunas.Objective(
    space, data, optunas.Recipe(epochs=5, augment=1.0), device=os.environ["DEVICE"]
)
mark("objective")
"""
"""`register_optimizer_step_post_hook` is torch's own hook on all optimizers."""

COMMAND = "import sys; sys.argv[0] = 'optunas'; from optunas.cli import main; main()"
"""What the console script `optunas` does."""


Parts = dict[str, tuple[float, float]]
"""(seconds, seconds of a processor) of each part of a start, in their order"""


def started(folder: Path, device: str, *flags: str) -> tuple[Parts, str]:
    """One start in a child process; and what that said on stderr."""
    with tempfile.TemporaryDirectory() as place:
        study, marks = Path(place, "study.py"), Path(place, "marks")
        study.write_text(STUDY)
        facts = {"MARKS": str(marks), "FOLDER": str(folder.resolve()), "DEVICE": device}
        command = [sys.executable, *flags, "-c", COMMAND, "run", str(study)]
        begin = time.time()
        child = subprocess.run(
            command, cwd=place, env={**os.environ, **facts}, capture_output=True, text=True
        )
        if child.returncode != 0 or not marks.exists():
            sys.exit(f"{' '.join(command)} failed:\n{child.stdout}{child.stderr}")
        lines = [line.split("\t") for line in marks.read_text().splitlines()]
    ends = [(begin, 0.0), *((float(time), float(work)) for _, time, work in lines)]
    spent = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(ends)]
    return dict(zip([name for name, *_ in lines], spent, strict=True)), child.stderr


def imports(log: str) -> dict[str, float]:
    """Milliseconds that each top-level package takes by itself, out of `-X importtime`'s log."""
    own: dict[str, float] = defaultdict(float)
    for line in log.splitlines():
        if found := re.match(r"import time:\s+(\d+) \|\s+\d+ \|\s*([\w.]+)", line):
            own[found[2].partition(".")[0]] += int(found[1]) / 1000
    return dict(sorted(own.items(), key=lambda pair: -pair[1]))


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--repeats", type=int, default=5)
    made.add_argument("--seconds", type=float, default=TARGET, help="the target")
    options = parsed(made)
    said = report("Start-up of `optunas run`", options.device, 0)
    started(options.folder, str(options.device))  # fills the caches: images, .pyc, files in memory
    runs = [started(options.folder, str(options.device))[0] for _ in range(options.repeats)]
    parts = Table("to the end of the first step", ["part", "seconds", "of a processor"])
    for name in runs[0]:
        parts.add(name, *(spread([run[name][clock] for run in runs]) for clock in (0, 1)))
    totals = [[sum(part[clock] for part in run.values()) for run in runs] for clock in (0, 1)]
    parts.add("together", *map(spread, totals))
    packages = Table("imports, by package", ["package", "ms of its own", "modules"])
    _, log = started(options.folder, str(options.device), "-X", "importtime")
    for name, cost in list(imports(log).items())[:15]:
        modules = len(re.findall(rf"\|\s*{re.escape(name)}[.\w]*$", log, re.MULTILINE))
        packages.add(name, round(cost), modules)
    said.tables = [parts, packages]
    met = "met" if median(totals[0]) < options.seconds else "MISSED"
    said.lines = [
        f"target {met}: {median(totals[0]):.2f} s to the first step, wanted less than "
        f"{options.seconds:g} s; medians (and quartiles) of {options.repeats} starts"
    ]
    said.figures = {"seconds": runs, "import_ms": imports(log)}
    said.finish(options)


if __name__ == "__main__":
    main()
