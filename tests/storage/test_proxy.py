"""The proxy's client: it outlives a proxy that is killed, and notices a network that is silent."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.trial import Trial

import optunas
from optunas.attributes import evaluated
from optunas.storage import open_storage

from ..served import free_port, serving

pytest.importorskip("grpc")


def test_workers_outlive_a_proxy_that_is_killed_and_started_again(
    tmp_path: Path, quiet: None
) -> None:
    port, notes = free_port(), []
    half, killed = threading.Event(), threading.Event()

    def objective(trial: Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        if trial.number >= 4:
            half.set()
            assert killed.wait(120)
        for step in range(3):
            trial.report(x, step)
            time.sleep(0.05)
        return x

    def worker() -> None:
        storage = open_storage(f"grpc://127.0.0.1:{port}", patience_s=120)
        study = optunas.create_study("s", storage=storage, sampler="random")
        optunas.work(study, objective, trials=10, note=notes.append)

    threads = [threading.Thread(target=worker) for _ in range(2)]
    with serving(tmp_path, port=port):
        for thread in threads:
            thread.start()
        assert half.wait(120)
    killed.set()
    until = time.monotonic() + 60
    while not any("does not answer; it is tried again" in note for note in notes):
        assert time.monotonic() < until
        time.sleep(0.05)
    with serving(tmp_path, port=port):
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive()
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{tmp_path}/studies.db")
    done = evaluated(study.trials)
    assert len(done) == 10
    assert all(trial.value == trial.params["x"] for trial in done)
    assert all(len(trial.intermediate_values) == 3 for trial in done)
    assert not [t for t in study.trials if t.state is optuna.trial.TrialState.RUNNING]


NETWORK = f"10.214.{random.Random(os.getpid()).randrange(256)}"  # another for each process
HERE, AWAY = f"{NETWORK}.1", f"{NETWORK}.2"
CALLS = """
import sys, time
from optunas.storage import proxy
proxy.SILENCE_S = 2
client = proxy.Proxy(host=sys.argv[1], port=int(sys.argv[2]))
study = client.create_new_study([1])
print("ready", flush=True)
sys.stdin.readline()
began = time.monotonic()
try:
    client.set_study_user_attr(study, "x", 1)
except Exception as error:
    print(error.code().name, round(time.monotonic() - began, 1), flush=True)
"""
CLIENT = [sys.executable, "-W", "ignore", "-c", CALLS]


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def away() -> Iterator[str]:
    """The name of another host, `AWAY`, for which this one is `HERE`."""
    space, link = f"optunas-{os.getpid()}", f"op{os.getpid() % 10**6}"
    try:
        ip("netns", "add", space)
        ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space)
        ip("addr", "add", f"{HERE}/24", "dev", link)
        ip("link", "set", link, "up")
        ip("-n", space, "addr", "add", f"{AWAY}/24", "dev", "eth0")
        ip("-n", space, "link", "set", "eth0", "up")
    except (OSError, subprocess.CalledProcessError) as error:
        subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)
        pytest.skip(f"network namespaces need root and iproute2: {error}")
    try:
        yield space
    finally:
        ip("netns", "del", space)


def test_a_network_that_falls_silent_is_noticed(tmp_path: Path, away: str) -> None:
    with serving(tmp_path, "--host", HERE, host=HERE) as (_, port):
        process = subprocess.Popen(
            ["ip", "netns", "exec", away, *CLIENT, HERE, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        ip("route", "add", "blackhole", f"{AWAY}/32")  # what the proxy answers leads nowhere
        try:
            out, _ = process.communicate("go\n", timeout=60)
        finally:
            ip("route", "del", "blackhole", f"{AWAY}/32")
            process.kill()
    code, seconds = out.split()
    assert code == "UNAVAILABLE"
    assert 1 < float(seconds) < 30
