"""Chaos: workers are killed, frozen, cut off from their database, and nothing may be lost.

    python tests/reliability/chaos.py postgresql
    python tests/reliability/chaos.py mariadb
    python tests/reliability/chaos.py sqlite --workers 4
    python tests/reliability/chaos.py postgresql --proxy    through `optunas serve`
    python tests/reliability/chaos.py postgresql --trials 40 --seed 7        a shorter one

Each worker is `optunas worker` in a folder of its own, sharing the database and an artifact store,
and is started again whenever it has ended before the search has, as a cluster's scheduler would.
Where this is run by root, every second one lives in a process namespace of its own: the others
can't see whether its process lives, as if it were on another machine. Meanwhile, by a
schedule that the seed fixes: a random worker is killed (SIGKILL) every 5 to 10 s; the database is
stopped three times, for 10 s (with --proxy: the proxy, the database, the proxy); a worker is frozen
(SIGSTOP) until its trial was taken over, and woken; the disk of the artifact store is full for 20 s
(where root may mount one).

At the end the evidence is examined (evidence.py). Exit code 1 where anything is wrong.
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
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

import optuna
from evidence import Frozen, summary, told_in, wrong
from servers import MariaDB, PostgreSQL, Proxy, Server

from optunas.attributes import evaluated
from optunas.storage import open_storage

HERE = Path(__file__).parent
GRACE = 6.0
DISK = 8 * 2**20
ELSEWHERE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


@dataclass
class Worker:
    """A place where a worker runs, again and again."""

    number: int
    folder: Path
    environment: dict[str, str]
    command: list[str]
    starts: int = 0
    frozen_until: float = 0.0
    frozen_since: float = 0.0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.starts += 1
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        self.send(signal.SIGCONT)
        self.send(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


@dataclass
class Schedule:
    """What happens when, and what has happened."""

    workers: list[Worker]
    began: float = field(default_factory=time.monotonic)
    done: dict[str, int] = field(default_factory=dict)
    frozen: list[Frozen] = field(default_factory=list)

    def now(self) -> float:
        return time.monotonic() - self.began

    def count(self, what: str) -> None:
        self.done[what] = self.done.get(what, 0) + 1
        print(f"{self.now():6.1f} s  {what}", flush=True)

    def step(self) -> None:
        """Do what is due, and start the workers that have ended."""
        self.act()
        for worker in self.workers:
            if not worker.runs:
                worker.start()

    def wake(self, worker: Worker) -> None:
        """Let a frozen worker go on, and note how long it could not."""
        worker.frozen_until = 0.0
        self.frozen.append(Frozen(worker.number, worker.frozen_since, time.time()))
        worker.send(signal.SIGCONT)
        self.count("woke it")

    def act(self) -> None:
        raise NotImplementedError


class Chaos(Schedule):
    def __init__(
        self,
        workers: list[Worker],
        servers: Sequence[Server],
        disk: Path | None,
        rng: random.Random,
    ) -> None:
        super().__init__(workers)
        self.disk, self.rng = disk, rng
        self.stops = list(islice(cycle(servers), 3))  # what each outage stops
        self.down: Server | None = None
        self.next_kill = self._soon()
        self.outages = [seconds + rng.uniform(0, 15) for seconds in (40, 110, 180) if servers]
        self.freezes = [seconds + rng.uniform(0, 10) for seconds in (60, 150)]
        self.full = 80 + rng.uniform(0, 10)
        self.down_until = self.full_until = 0.0

    def _soon(self) -> float:
        return self.now() + self.rng.uniform(5, 10)

    def act(self) -> None:
        self._kill()
        self._freeze()
        self._stop_a_server()
        self._fill_the_disk()

    def _kill(self) -> None:
        if self.now() >= self.next_kill:
            self.next_kill = self._soon()
            awake = [worker for worker in self.workers if not worker.frozen_until]
            self.rng.choice(awake).send(signal.SIGKILL)
            self.count("killed a worker")

    def _freeze(self) -> None:
        for worker in self.workers:
            if worker.frozen_until and self.now() >= worker.frozen_until:
                self.wake(worker)
        if self.freezes and self.now() >= self.freezes[0]:
            del self.freezes[0]
            worker = self.rng.choice(self.workers)
            worker.send(signal.SIGSTOP)
            worker.frozen_since = time.time()
            worker.frozen_until = self.now() + 6 * GRACE
            self.count("froze a worker")

    def _stop_a_server(self) -> None:
        if self.down is not None and self.now() >= self.down_until:
            self.down.start()
            self.count(f"started the {_called(self.down)}")
            self.down = None
        elif self.down is None and self.outages and self.now() >= self.outages[0]:
            del self.outages[0]
            self.down = self.stops.pop(0)
            self.down.stop()
            self.down_until = self.now() + 10
            self.count(f"stopped the {_called(self.down)}")

    def _fill_the_disk(self) -> None:
        if self.disk is None:
            return
        filler = self.disk / "filler"
        if self.full_until and self.now() >= self.full_until:
            filler.unlink()
            self.full_until = 0.0
            self.count("made room on the disk of the artifact store")
        elif self.full and self.now() >= self.full:
            self.full = 0.0
            with suppress(OSError), filler.open("wb") as file:
                while True:
                    file.write(bytes(2**16))
                    file.flush()
            self.full_until = self.now() + 20
            self.count("filled the disk of the artifact store")


def _called(server: Server) -> str:
    return "proxy" if isinstance(server, Proxy) else "database"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("database", choices=["postgresql", "mariadb", "sqlite"])
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--proxy", action="store_true", help="workers know the proxy only")
    parser.add_argument("--json", type=Path, help="write the summary to this file")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server may be another user's
        return run(options, folder)


def run(options: argparse.Namespace, folder: Path) -> int:
    with ExitStack() as ends:
        servers = list(served(options, folder, ends))
        disk = ends.enter_context(disk_of(folder / "artifacts"))
        urls = [server.url() for server in servers] or [f"sqlite:///{folder}/s.db"]
        (folder / "told").mkdir()
        numbers = range(1, options.workers + 1)
        workers = [worker(number, folder, urls[0], options) for number in numbers]
        for each in workers:
            ends.callback(each.kill)
        chaos = Chaos(workers, servers, disk, random.Random(options.seed))
        study = search(chaos, urls[-1], options.trials)
        return verdict(chaos, study, folder, options)


def served(options: argparse.Namespace, folder: Path, ends: ExitStack) -> Iterator[Server]:
    """The servers that are asked for, what workers know of them first; each runs, until `ends`."""
    if options.database == "sqlite":
        return
    of = {"postgresql": PostgreSQL, "mariadb": MariaDB}[options.database]
    database = ends.enter_context(of(folder / "server"))
    if options.proxy:
        yield ends.enter_context(Proxy(folder / "proxy", database.url()))
    yield database


@contextmanager
def disk_of(folder: Path) -> Iterator[Path | None]:
    """A small disk for the artifact store, where one can be mounted; else None, and a folder."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    mounted = shutil.which("mount") and subprocess.run(mount, capture_output=True).returncode == 0
    if not mounted:
        print("no disk can be mounted here: it is not filled", flush=True)
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def worker(
    number: int,
    folder: Path,
    url: str,
    options: argparse.Namespace,
    before: Sequence[str] = (),
    grace: float = GRACE,
) -> Worker:
    """A worker in a folder of its own; its command line begins with `before`."""
    own = folder / f"worker{number}"
    environment = {
        **os.environ,
        "OPTUNAS_STORAGE": url,
        "OPTUNAS_CHAOS": str(folder / "told"),
        "OPTUNAS_CHAOS_WORKER": str(number),
        "OPTUNAS_SPOOL": str(own / "spool"),
        "OMP_NUM_THREADS": "1",
    }
    command = [
        *(sys.executable, "-P", "-m", "optunas", "worker", str(HERE / "chaos_study.py")),
        *("--study", "chaos", "--trials", str(options.trials), "--device", "cpu"),
        *("--grace", str(grace), "--max-retries", "20"),
        *("--artifacts", str(folder / "artifacts")),
    ]
    return Worker(number, own, environment, [*before, *command])


def search(chaos: Schedule, url: str, trials: int) -> optuna.Study:
    """Let chaos reign until the study is full and all workers have ended by themselves."""
    looked = -1e9
    study = None
    while True:
        if chaos.now() - looked > 5:
            looked = chaos.now()
            with suppress(Exception):  # before the first worker has made it; in an outage
                if study is None:
                    storage = open_storage(url, patience_s=0)
                    study = optuna.load_study(study_name="chaos", storage=storage)
                found = len(evaluated(study.get_trials(deepcopy=False)))
                print(f"{chaos.now():6.1f} s  {found} of {trials}", flush=True)
                if found >= trials:
                    break
        chaos.step()
        time.sleep(0.2)
    for each in chaos.workers:
        if each.frozen_until:
            chaos.wake(each)
    deadline = time.monotonic() + 120
    while any(each.runs for each in chaos.workers) and time.monotonic() < deadline:
        time.sleep(0.2)
    return study


def verdict(chaos: Schedule, study: optuna.Study, folder: Path, options: argparse.Namespace) -> int:
    told = told_in(folder / "told")
    found = {
        "database": options.database,
        "through": "proxy" if options.proxy else "sql",
        "workers": options.workers,
        "seed": options.seed,
        "minutes": round(chaos.now() / 60, 1),
        "starts": sum(each.starts for each in chaos.workers),
        **chaos.done,
        **summary(study, told),
        "wrong": wrong(study, told, options.trials, chaos.frozen),
    }
    late = [each.number for each in chaos.workers if each.runs]
    if late:
        found["wrong"].append(f"workers {late} have not ended by themselves")
    if found["wrong"]:
        kept = Path(tempfile.mkdtemp(prefix="chaos-kept-"))
        shutil.copytree(folder, kept, dirs_exist_ok=True, ignore=shutil.ignore_patterns("server"))
        print(f"the workers' logs are kept in {kept}")
    print(json.dumps(found, indent=2))
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
