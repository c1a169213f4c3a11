"""Kills a delivery again and again, wherever it is, until one comes through.

    optunas run digits --trials 10 --study killed && python tests/reliability/deliver_kills.py \
        digits --study killed --kills 12 --seed 0

Runs `optunas deliver` with these arguments and kills it (SIGKILL, with all its processes) after a
random time; half of the kills wait for the export to begin. Whenever the folder looks finished, it
must be: every file that winner.json names loads and answers. The last run is left alone, and must
end well, with epochs that the killed ones have trained, and with one look at the test split.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from optunas.delivery.predict import Delivered

COMMAND = [sys.executable, "-m", "optunas", "deliver"]
WINNER = Path("killed-winner")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=float, default=25.0, help="seconds before a kill")
    arguments, words = parser.parse_known_args()
    rng = random.Random(arguments.seed)
    shutil.rmtree(WINNER, ignore_errors=True)
    command = [*COMMAND, *words, "-o", str(WINNER)]
    killed = {"retraining": 0, "export": 0, "afterwards": 0}
    finished: set[int] = set()  # deliveries that were complete when they were killed
    for number in range(arguments.kills):
        shutil.rmtree(WINNER / "training" / "files", ignore_errors=True)  # of the one before
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        where = _wait(process, rng, in_export=number % 2 == 1, longest=arguments.longest)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        killed[where] += 1
        if _is_finished(where):
            finished.add((WINNER / "winner.json").stat().st_mtime_ns)
    print(f"killed: {killed}")
    before = len(list((WINNER / "training").glob("*.pt")))
    last = subprocess.run(command, capture_output=True, text=True, check=False)
    print(last.stdout)
    if last.returncode != 0:
        print(last.stderr)
        return 1
    facts = json.loads((WINNER / "winner.json").read_text())
    print(f"{before} checkpoints were there; {facts['looks']} look(s) at the test split")
    return int(facts["looks"] != 1 + len(finished) or (WINNER / "training").exists())


def _wait(
    process: subprocess.Popen[bytes], rng: random.Random, *, in_export: bool, longest: float
) -> str:
    """Wait for the moment of the kill; says where it is."""
    room = WINNER / "training" / "files"
    if in_export:
        while process.poll() is None and not room.exists():
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 6))
    else:
        end = time.monotonic() + rng.uniform(0, longest)
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
    if process.poll() is not None:
        return "afterwards"
    return "export" if room.exists() else "retraining"


def _is_finished(where: str) -> bool:
    """Whether the folder looks finished; then it must be."""
    finished = (WINNER / "winner.json").exists()
    print(f"killed in {where}: {'finished' if finished else 'not finished'}", flush=True)
    if finished:
        facts = json.loads((WINNER / "winner.json").read_text())
        for name, found in facts["files"].items():
            assert isinstance(found, str) or (WINNER / name).stat().st_size > 0, name
        Delivered(WINNER)
    return finished


if __name__ == "__main__":
    sys.exit(main())
