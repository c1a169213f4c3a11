"""Scale: what a worker's dealings with the storage take, with more workers and longer studies.

    python tests/reliability/scale.py --out scale.md                    the whole grid, an hour
    python tests/reliability/scale.py --workers 1,8 --trials 100,1000 --through sql
    python tests/reliability/scale.py --workers 100 --trials 10000 --samplers tpe --only paced
    python tests/reliability/scale.py --tables one.json another.json    of runs with --json

Workers are processes that run `optunas.worker.work` with an objective that does all that ours does,
except train (scale_worker.py), on a PostgreSQL server of our own, whose study holds finished trials
already (scale_fill.py). Each row of the tables is one number of workers, of trials in the study,
one sampler, and one way: direct SQL, or through `optunas serve`.

* saturated: trials take no time, so as many are run as the storage and the processors can. Seconds
  of a call are then mostly seconds in a queue.
* paced: a trial pretends to train for --pace seconds, an epoch at a time, with the workers spread
  over that time. All that is not the pretended training is the worker's own share; it is given of a
  trial of 20 seconds, whatever the pace.

Both grids leave out what tells little: through the proxy only the first sampler is run (samplers
work in the worker either way), and paced rows are those of the most workers and of the longest
study. --all leaves out nothing.

--of N: only N of the workers use the sampler, and are measured; the others draw at random, and deal
with the storage in the same way. So a hundred workers fit on few processors, as they would not
where each of them thinks, and those N meet the storage, and the study, as they would in a cluster:
the others step back (`nice`) where one of the N, or the server, wants a processor.

Direct SQL: one process joins, and all workers are forked from it and open connections of their own;
100 that join by themselves would read the study 100 times on the processors of one machine. Through
the proxy each joins by itself, with at most --join seconds for all of them. The first trial of each
is not measured: with it a forked process makes the memory that it shares its own.

All workers, the server and the proxy share the processors of one machine: what a worker of a
machine of its own would take is less, so the seconds are upper bounds for a worker. The processor
time of a trial, of its worker and of the server, tells how many workers a server can bear.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import optuna
import psycopg
from scale_fill import fill, invented
from scale_worker import EPOCHS, PARTS, joined, part, run
from servers import PostgreSQL, Proxy, processor_seconds

TARGET, TRIAL_S = 0.05, 20.0
MODES, WAYS = ["saturated", "paced"], ["sql", "proxy"]
SAMPLERS = ["random", "tpe", "architecture"]
FORK = get_context("fork")


@dataclass(frozen=True)
class Cell:
    """One row: what is measured."""

    mode: str
    through: str
    sampler: str
    trials: int
    workers: int


def main() -> int:
    options = _options()
    if options.tables:
        rows = [row for file in options.tables for row in json.loads(file.read_text())]
        print("\n".join(tables(sorted(rows, key=_place))))
        return 0
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all we started ends with us
    began = time.monotonic()
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server is another user's
        os.environ["OPTUNAS_SPOOL"] = str(folder / "spool")
        with PostgreSQL(folder / "server", connections=4 * max(options.workers) + 100) as server:
            prepare(server, options.trials)
            for cell in cells(options):
                found.append(measured(server, cell, folder, options))
                seconds = time.monotonic() - began
                print(f"{seconds:5.0f} s  {said(found[-1])}", flush=True)
                keep(found, options, seconds)
    print(markdown(found, options, time.monotonic() - began))
    return 0


def keep(found: list[dict[str, Any]], options: argparse.Namespace, seconds: float) -> None:
    """Write what is measured so far: somebody may not wait for the rest."""
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1))
    if options.out is not None:
        options.out.write_text(markdown(found, options, seconds))


def cells(options: argparse.Namespace) -> Iterator[Cell]:
    """What is measured, in order; see the top of this file for what is left out."""
    grid = list(product(options.through, options.samplers, options.trials, options.workers))
    first, most, longest = options.samplers[0], max(options.workers), max(options.trials)
    for mode in options.only:
        for through, sampler, trials, workers in grid:
            tells_little = through == "proxy" and sampler != first
            if mode == "paced":
                tells_little = tells_little or (workers != most and trials != longest)
            if options.all or not tells_little:
                yield Cell(mode, through, sampler, trials, workers)


def prepare(server: PostgreSQL, sizes: Sequence[int]) -> None:
    """A database for each size of a study, from which each row takes a copy."""
    rows = list(invented(max(sizes)))
    for size in sizes:
        _sql(server, f"CREATE DATABASE full{size}")
        apart = FORK.Process(target=fill, args=(_url(server, f"full{size}"), rows[:size]))
        apart.start()  # its connections end with it, as those of a template must
        apart.join()
        if apart.exitcode:
            raise SystemExit("the studies could not be filled")


def _sql(server: PostgreSQL, *statements: str) -> None:
    with psycopg.connect(server.url().replace("+psycopg", ""), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def _url(server: PostgreSQL, database: str) -> str:
    return server.url().rpartition("/")[0] + f"/{database}"


def measured(
    server: PostgreSQL, cell: Cell, folder: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """The figures of one row."""
    drop = "DROP DATABASE IF EXISTS measured WITH (FORCE)"
    _sql(server, drop, f"CREATE DATABASE measured TEMPLATE full{cell.trials} STRATEGY file_copy")
    files = folder / "measured"
    files.mkdir()
    url = _url(server, "measured")
    try:
        if cell.through == "proxy":
            with Proxy(folder / "proxy", url) as proxy:
                found = _workers([server.pid, proxy.pid], cell, proxy.url(), files, options)
        else:
            found = _workers([server.pid], cell, url, files, options)
    finally:
        for file in files.iterdir():
            file.unlink()
        files.rmdir()
    return {**vars(cell), **found}


def _workers(
    servers: Sequence[int], cell: Cell, url: str, files: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """Let the workers work, and put together what each has measured."""
    seconds = options.pace * 2.25 if cell.mode == "paced" else options.seconds_per_cell
    nursery = FORK.Process(target=_nursery, args=(servers, cell, url, files, seconds, options))
    nursery.start()
    try:
        nursery.join()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(nursery.pid or 0, signal.SIGKILL)
    trials, others = (
        [trial for file in files.glob(f"*.{kind}") for trial in json.loads(file.read_text())]
        for kind in ("json", "others")
    )
    joins = [float(file.read_text()) for file in files.glob("*.joined")]
    if nursery.exitcode != 0 or not trials:
        why = f"a worker failed ({nursery.exitcode})" if nursery.exitcode else "none ended in time"
        return {"joining": median(joins) if joins else None, "count": 0, "why": why}
    ended = len(trials) + len(others)
    server_s = float((files / "server.seconds").read_text()) / ended
    rate = ended / seconds
    return {"joining": median(joins), "server": server_s, **summary(trials), "rate": rate}


def _nursery(
    servers: Sequence[int],
    cell: Cell,
    url: str,
    files: Path,
    seconds: float,
    options: argparse.Namespace,
) -> None:
    """Fork the workers, and see what the server spends while they work."""
    os.setpgrp()
    ready = FORK.Barrier(cell.workers + 1)
    together = cell.through == "sql"
    samplers = cell.sampler, "random" if options.of < cell.workers else cell.sampler
    here = {s: joined(url, s) for s in samplers} if together else {}
    gc.freeze()  # what is read already stays shared

    def work_here(number: int) -> None:
        sampler = samplers[number >= options.of]
        if number >= options.of:
            os.nice(19)
        study, storage, joining = here.get(sampler) or joined(url, sampler)
        if together:
            part(storage)
        study.sampler.reseed_rng()
        (files / f"{number}.joined").write_text(str(joining))
        run(study, storage, 0.0, trials=1)
        ready.wait(options.join)
        end = time.monotonic() + seconds
        pace = options.pace if cell.mode == "paced" else 0.0
        time.sleep(random.Random(number).uniform(0, pace))
        measured = run(study, storage, pace, until=end)
        kind = "json" if number < options.of else "others"
        (files / f"{number}.{kind}").write_text(json.dumps(measured))

    processes = [FORK.Process(target=work_here, args=(n,)) for n in range(cell.workers)]
    for process in processes:
        process.start()
    ready.wait(options.join)
    before, end = sum(map(processor_seconds, servers)), time.monotonic() + seconds
    time.sleep(seconds)
    spent = sum(map(processor_seconds, servers)) - before
    (files / "server.seconds").write_text(str(spent))
    for process in processes:
        process.join(max(0.0, end + seconds + 60 - time.monotonic()))
        process.kill()
    sys.exit(max(abs(process.exitcode or 0) for process in processes))


def summary(trials: list[dict[str, Any]]) -> dict[str, Any]:
    """Seconds as (median, 95th percentile) over calls; of whole trials likewise."""

    def spread(values: list[float]) -> tuple[float, float]:
        return float(np.median(values)), float(np.quantile(values, 0.95))

    own = [sum(sum(t.get(part, [])) for part in PARTS) for t in trials]
    return {
        "count": len(trials),
        "ask": spread([sum(trial["ask"]) for trial in trials]),
        "epoch": spread([value for trial in trials for value in trial["epoch"]]),
        "tell": spread([sum(trial["tell"]) for trial in trials]),
        "facts": spread([sum(trial["facts"]) for trial in trials]),
        "session": spread([sum(trial["places"]) + sum(trial["between"]) for trial in trials]),
        "own": spread(own),
        "share": median(own) / TRIAL_S,
        "worker": sum(trial["processor"] for trial in trials) / len(trials),
        "statements": median(trial["statements"] for trial in trials),
    }


def said(row: dict[str, Any]) -> str:
    """A row in one line."""
    where = (
        f"{row['mode']} {row['through']} {row['sampler']}, {row['trials']} trials, "
        f"{row['workers']} workers"
    )
    if not row["count"]:
        return f"{where}: {row['why']}"
    spent = f"worker {row['worker']:.2f} s, server {row['server']:.2f} s of the processors"
    return f"{where}: {row['rate']:.1f} trials/s, own {row['own'][0]:.2f} s of a trial, {spent}"


def markdown(found: list[dict[str, Any]], options: argparse.Namespace, seconds: float) -> str:
    """The tables, with what a reader needs to judge them by."""
    cores = len(os.sched_getaffinity(0))
    command = " ".join(["python", os.path.relpath(sys.argv[0]), *sys.argv[1:]])
    lines = [
        f"`{command}` ({seconds / 60:.0f} min; Optuna {optuna.__version__})",
        "",
        f"All workers, PostgreSQL and the proxy share {cores} cores: upper bounds for a worker. "
        "Milliseconds are the median / the 95th percentile. ask: with all suggests; epoch: one "
        f"report and should_prune, of {EPOCHS}; tell: to the storage's answer; facts: user "
        "attributes and the look for an equal network; session: places, take-over, tally; own: "
        "the sum of a trial. worker, server: processor time of a trial.",
    ]
    return "\n".join([*lines, *tables(found)]) + "\n"


def tables(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    for mode in dict.fromkeys(row["mode"] for row in found):
        rows = [row for row in found if row["mode"] == mode]
        yield from ("", f"### {mode}", "", *_table(rows, paced=mode == "paced"))


def _place(row: dict[str, Any]) -> tuple[Any, ...]:
    """Of a row among the others: in the order of the options' defaults."""
    return (
        *(MODES.index(row["mode"]), WAYS.index(row["through"]), SAMPLERS.index(row["sampler"])),
        *(row["trials"], row["workers"]),
    )


def _table(rows: list[dict[str, Any]], *, paced: bool) -> Iterator[str]:
    share = f"share of {TRIAL_S:g} s" if paced else "statements"
    spent = ("worker", "server")
    heads = ["through", "sampler", "trials", "workers", "trials/s", *CALLS, *spent, share]
    heads += ["joining s"]
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        cells = [row["through"], row["sampler"], f"{row['trials']:,}", str(row["workers"])]
        yield "| " + " | ".join(cells + _figures(row, paced=paced)) + " |"


def _figures(row: dict[str, Any], *, paced: bool) -> list[str]:
    joining = "-" if row["joining"] is None else f"{row['joining']:.1f}"
    if not row["count"]:
        return [row["why"], *["-"] * (len(CALLS) + 3), joining]
    calls = [" / ".join(f"{1000 * value:.3g}" for value in row[call]) for call in CALLS]
    last = f"{row['statements']:.0f}" if row["through"] == "sql" else "-"
    if paced:
        over = row["share"] > TARGET
        last = f"**{row['share']:.1%}, over {TARGET:.0%}**" if over else f"{row['share']:.1%}"
    spent = [f"{1000 * row[who]:.0f}" for who in ("worker", "server")]
    return [f"{row['rate']:.1f}", *calls, *spent, last, joining]


CALLS = ("ask", "epoch", "tell", "facts", "session", "own")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    numbers, words = (lambda text: [int(n) for n in text.split(",")]), (lambda t: t.split(","))
    parser.add_argument("--workers", type=numbers, default=[1, 8, 32, 100])
    parser.add_argument("--trials", type=numbers, default=[100, 1000, 10_000])
    parser.add_argument("--samplers", type=words, default=SAMPLERS)
    parser.add_argument("--through", type=words, default=WAYS)
    parser.add_argument("--only", type=words, default=MODES)
    parser.add_argument("--seconds-per-cell", type=float, default=20.0, help="of saturated rows")
    parser.add_argument("--pace", type=float, default=20.0, help="seconds of a pretended training")
    parser.add_argument("--join", type=float, default=240.0, help="seconds for workers to join")
    parser.add_argument("--of", type=int, default=10_000, help="workers that use the sampler")
    parser.add_argument("--all", action="store_true", help="leave out nothing")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--tables", type=Path, nargs="+", help="print these runs' tables only")
    parser.add_argument("--out", type=Path, help="write the tables to this file (Markdown)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
