"""Isolation: hosts are cut from the database for a minute, and healed.

    python tests/reliability/isolation.py postgresql
    python tests/reliability/isolation.py mariadb --hosts 3 --trials 240
    python tests/reliability/isolation.py postgresql --proxy    through `optunas serve`

Each host is a network namespace of its own (root, and iproute2's `ip`, are needed), with a worker
that reaches the database over a bridge. Twice one of them is cut off for 60 s, which is longer
than the grace period, so that its trial is taken over: once by taking its link down, once by
dropping what the server answers (the worker sees a network that is silent, not one that is gone).
At the end the evidence is examined as in chaos.py. Exit code 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import optuna
from chaos import ELSEWHERE, Schedule, Worker, search, served, verdict, worker

NETWORK = "10.213.0"
BRIDGE = "optunas-br"
CUT_SECONDS = 60.0
GRACE = 20.0


class Cuts(Schedule):
    """Which host is cut off when."""

    def __init__(self, workers: list[Worker]) -> None:
        super().__init__(workers)
        self.cuts = [(25.0, 1, "link"), (110.0, 2, "silence")]
        self.healing: tuple[float, int, str] | None = None

    def act(self) -> None:
        if self.healing is not None and self.now() >= self.healing[0]:
            _, host, how = self.healing
            self.healing = None
            heal(host, how)
            self.count(f"healed host {host}")
        elif self.cuts and self.healing is None and self.now() >= self.cuts[0][0]:
            _, host, how = self.cuts.pop(0)
            cut(host, how)
            self.healing = (self.now() + CUT_SECONDS, host, how)
            self.count(f"cut host {host} off ({how})")


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def cut(host: int, how: str) -> None:
    if how == "link":
        ip("link", "set", f"optunas{host}", "down")
    else:  # the way back leads nowhere: the server's packets are dropped
        ip("route", "add", "blackhole", f"{NETWORK}.{10 + host}/32")


def heal(host: int, how: str) -> None:
    if how == "link":
        ip("link", "set", f"optunas{host}", "up")
    else:
        ip("route", "del", "blackhole", f"{NETWORK}.{10 + host}/32")


@contextmanager
def hosts(number: int) -> Iterator[None]:
    """So many network namespaces, each with an address on one bridge."""
    try:
        ip("link", "add", BRIDGE, "type", "bridge")
        ip("addr", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        for host in range(1, number + 1):
            space, inner, outer = f"optunas{host}", "eth0", f"optunas{host}"
            ip("netns", "add", space)
            ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", space)
            ip("link", "set", outer, "master", BRIDGE, "up")
            ip("-n", space, "addr", "add", f"{NETWORK}.{10 + host}/24", "dev", inner)
            ip("-n", space, "link", "set", inner, "up")
            ip("-n", space, "link", "set", "lo", "up")
        yield
    finally:
        for host in range(1, number + 1):
            subprocess.run(["ip", "netns", "del", f"optunas{host}"], check=False)
        subprocess.run(["ip", "link", "del", BRIDGE], check=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("database", choices=["postgresql", "mariadb"])
    parser.add_argument("--hosts", dest="workers", type=int, default=3)
    parser.add_argument("--trials", type=int, default=240, help="so many that both cuts find some")
    parser.add_argument("--proxy", action="store_true", help="hosts know the proxy only")
    parser.add_argument("--json", type=Path, help="write the summary to this file")
    options = parser.parse_args()
    options.seed = None
    if os.geteuid() != 0:
        parser.error("network namespaces need root")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="isolation-") as name, hosts(options.workers):
        folder = Path(name)
        folder.chmod(0o755)
        return run(options, folder)


def run(options: argparse.Namespace, folder: Path) -> int:
    with ExitStack() as ends:
        servers = list(served(options, folder, ends))
        (folder / "told").mkdir()
        (folder / "artifacts").mkdir()
        url = servers[0].url(f"{NETWORK}.1")
        workers = []
        for number in range(1, options.workers + 1):
            inside = ("ip", "netns", "exec", f"optunas{number}", *ELSEWHERE)
            workers.append(worker(number, folder, url, options, inside, GRACE))
            ends.callback(workers[-1].kill)
        cuts = Cuts(workers)
        study = search(cuts, servers[-1].url(), options.trials)
        if cuts.cuts or cuts.healing:
            sys.exit("the search was over before all cuts were made and healed: give more --trials")
        return verdict(cuts, study, folder, options)


if __name__ == "__main__":
    sys.exit(main())
