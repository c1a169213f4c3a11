"""All measurements of the engine, one after another, on this device: one command, one page.

    CIFAR10=/path/to/cifar10 python tests/performance/everything.py --out measured
    CIFAR10=/path/to/cifar10 python tests/performance/everything.py --out measured --quick

Writes `measured/<script>.json` as each script ends, and `measured/README.md` from those that
did: a script that fails or takes too long costs the page its table, and the others nothing.
`--only throughput startup` runs some. Nothing is installed; PYTHONPATH must find optunas.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

# What each script is called with; {cifar} is the folder. The second list is for a trial run.
SCRIPTS: dict[str, tuple[list[str], list[str]]] = {
    "throughput": (["{cifar}"], ["{cifar}", "--seconds", "0.5", "--repeats", "1", "--candidates",
                                 "1", "--no-resnet"]),
    "augmentation": (["--seconds", "3"], ["--seconds", "0.2"]),
    "same_accuracy": (["{cifar}"], ["{cifar}", "--seeds", "2", "--epochs", "1", "--images", "512"]),
    "speedrun": (["{cifar}"], ["{cifar}", "--seeds", "1", "--epochs", "1", "--images", "512",
                               "--batch", "64"]),
    "workers": (["{cifar}"], ["{cifar}", "--trials", "2", "--workers", "1"]),
    "startup": (["{cifar}"], ["{cifar}", "--repeats", "1"]),
    "overhead": (["{cifar}"], ["{cifar}", "--levels", "0", "--trials", "1"]),
    "compiling": ([], ["--candidates", "1", "--seconds", "0.5"]),
    "promise": ([str(HERE.parents[1] / "studies/digits.py")],
                [str(HERE.parents[1] / "studies/digits.py"), "--minutes", "0.5"]),
}  # fmt: skip


def main() -> None:
    made = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--cifar", default=os.environ.get("CIFAR10"), help="also taken from CIFAR10")
    made.add_argument("--out", type=Path, default=Path("measured"))
    made.add_argument("--quick", action="store_true", help="tiny sizes: do the scripts run here?")
    made.add_argument("--only", nargs="+", choices=SCRIPTS, default=list(SCRIPTS))
    made.add_argument("--device", default="auto")
    made.add_argument("--minutes", type=float, default=20.0, help="most of a script")
    options = made.parse_args()
    if options.cifar is None:
        made.error("name the folder of CIFAR-10's images, or set CIFAR10")
    options.out.mkdir(parents=True, exist_ok=True)
    failed = [name for name in options.only if not _ran(name, options)]
    (options.out / "README.md").write_text(_page(options.out))
    print(f"{options.out / 'README.md'} has the tables")
    if failed:
        sys.exit(f"without: {', '.join(failed)}")


def _ran(name: str, options: argparse.Namespace) -> bool:
    words = [word.format(cifar=options.cifar) for word in SCRIPTS[name][options.quick]]
    out = options.out / f"{name}.json"
    command = [sys.executable, str(HERE / f"{name}.py"), *words]
    command += ["--device", options.device, "--json", str(out)]
    print(f"{name} ...", flush=True)
    begin = time.monotonic()
    try:
        done = subprocess.run(command, timeout=60 * options.minutes, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        done = False
    print(f"{name}: {'done' if done else 'FAILED'} in {time.monotonic() - begin:.0f} s", flush=True)
    return done


def _page(folder: Path) -> str:
    """The reports of a folder as Markdown."""
    reports = [folder / f"{name}.json" for name in SCRIPTS]
    found = [json.loads(file.read_text()) for file in reports if file.exists()]
    return "\n".join(line for report in found for line in _section(report))


def _section(report: dict[str, Any]) -> list[str]:
    facts = {**report["machine"], "seeds": report["seeds"]}
    lines = [f"## {report['title']}", "", f"`{report['command']}`", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    for table in report["tables"]:
        lines += ["", f"**{table['title']}**", "", _row(table["heads"])]
        lines += [_row(["---"] * len(table["heads"])), *map(_row, table["rows"])]
    return [*lines, "", *(f"{line}  " for line in report["lines"]), ""]


def _row(cells: list[Any]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    main()
