"""`optunas dashboard` beside plain `optuna-dashboard URL`, on a study of thousands of trials.

    python tests/performance/dashboard.py --trials 5000

The study is made up (`made_up.py`), with the study's page and the trials' notes as a search leaves
them. Measured from outside, over HTTP: the study's first load (all trials), a poll (what a browser
asks for while it stays open, nothing new; 11 s after the one before, when optuna-dashboard's own
cache of 10 s is over), and the list of studies, each on the clock and of the server's processor.
Both servers answer for the same file.
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median
from typing import Any

import optuna
import psutil
from made_up import made_up
from quick_sqlite import stored

from optunas.report import Publisher
from optunas.report.note import trial_note
from optunas.report.trial_pages import NOTED

PAUSE_S = 11.0


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/studies.db"
        made = _study(url, arguments.trials)
        rows = [
            _measured(name, command, url, arguments)
            for name, command in (("optuna-dashboard", _plain()), ("optunas dashboard", _ours()))
        ]
    for row in rows:
        print("  ".join(f"{name} {value}" for name, value in row.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps({"study": made, "rows": rows}, indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=5000)
    parser.add_argument("--polls", type=int, default=3)
    parser.add_argument("--pause", type=float, default=PAUSE_S, help="seconds between polls")
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args()


def _study(url: str, trials: int) -> dict[str, Any]:
    """Make the study; what it is, and what its page takes."""
    began = time.perf_counter()
    study = stored(made_up(trials), Path(url.removeprefix("sqlite:///")))
    made = time.perf_counter()
    _note(study)
    noted = time.perf_counter()
    Publisher().close(study)
    took = time.perf_counter() - noted
    size = Path(url.removeprefix("sqlite:///")).stat().st_size
    print(f"{trials} trials made in {made - began:.0f} s, page in {took:.1f} s, {size:,} bytes")
    return {"trials": trials, "page_s": took, "bytes": size}


def _note(study: optuna.Study) -> None:
    """The notes of trials, for each of which optuna-dashboard wants one that runs: the first ones
    are noted under the numbers that a storage gives to the trials of its first study."""
    from optuna_dashboard import save_note

    for trial in study.get_trials(deepcopy=False)[:NOTED]:
        save_note(optuna.trial.Trial(study, trial.number + 1), trial_note(trial))


def _plain() -> list[str]:
    return [sys.executable, "-c", "from optuna_dashboard._cli import main; main()"]


def _ours() -> list[str]:
    main = "from optunas.cli import main; main()"
    return [sys.executable, "-c", main, "dashboard", "--no-browser", "--storage"]


def _measured(name: str, command: list[str], url: str, how: argparse.Namespace) -> dict[str, Any]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [*command, url, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    page = f"http://127.0.0.1:{port}/api/studies"
    try:
        _wait(page, server)
        time.sleep(how.pause)  # a person has yet to find the browser
        first, size = _timed(f"{page}/1?after=0", server)
        polls = []
        for _ in range(how.polls):
            time.sleep(how.pause)
            polls.append(_timed(f"{page}/1?after={how.trials}", server)[0])
        studies, _ = _timed(page, server)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)
    return {
        "server": name,
        "first_load_s": round(first[0], 2),
        "first_load_cpu_s": round(first[1], 2),
        "poll_s": round(median(poll[0] for poll in polls), 3),
        "poll_cpu_s": round(median(poll[1] for poll in polls), 3),
        "list_s": round(studies[0], 3),
        "bytes": size,
    }


def _wait(page: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while True:
        assert server.poll() is None, "the server has ended"
        try:
            urllib.request.urlopen(page.removesuffix("studies") + "meta", timeout=10).close()
            return
        except OSError:
            assert time.monotonic() < until, "the server does not answer"
            time.sleep(0.2)


def _timed(url: str, server: subprocess.Popen[bytes]) -> tuple[tuple[float, float], int]:
    """Seconds on the clock and of the server's processor, and bytes."""
    process = psutil.Process(server.pid)
    began, used = time.perf_counter(), sum(process.cpu_times()[:2])
    with urllib.request.urlopen(url, timeout=600) as answer:
        size = len(answer.read())
    return (time.perf_counter() - began, sum(process.cpu_times()[:2]) - used), size


if __name__ == "__main__":
    main()
