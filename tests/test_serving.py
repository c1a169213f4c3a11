"""`optunas serve`: real processes, real clients, and what is said to a person."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import optuna
import pytest

from optunas.cli.listening import is_private, written
from optunas.storage import open_storage

from .served import URL, free_port, serving, wait_for
from .small import Run, finish, optunas

pytest.importorskip("grpc")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_searches_through_the_proxy_until_that_is_stopped(
    tmp_path: Path, quiet: None, number: signal.Signals
) -> None:
    with serving(tmp_path) as (process, port):
        client = optuna.storages.GrpcStorageProxy(host="127.0.0.1", port=port)
        study = optuna.create_study(storage=client, study_name="through")
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
        values = [trial.value for trial in study.trials]
        client.close()
        process.send_signal(number)
        code, out, err = finish(process)
    assert (code, err) == (0, "")
    assert f"{URL} is served; workers take  --storage grpc://127.0.0.1:{port}" in out
    stored = optuna.load_study(study_name="through", storage=f"sqlite:///{tmp_path}/studies.db")
    assert [trial.value for trial in stored.trials] == values
    assert len(values) == 3


def test_it_ends_in_time_while_workers_go_on_asking(tmp_path: Path, quiet: None) -> None:
    ask = (
        "import sys, optuna\n"
        "client = optuna.storages.GrpcStorageProxy(host='127.0.0.1', port=int(sys.argv[1]))\n"
        "study = optuna.create_study(storage=client)\n"
        "open('asking', 'w').close()\n"
        "study.optimize(lambda trial: trial.suggest_float('x', 0, 1), n_jobs=4)\n"
    )
    with serving(tmp_path) as (process, port):
        worker = subprocess.Popen(
            [sys.executable, "-c", ask, str(port)], cwd=tmp_path, stderr=subprocess.DEVNULL
        )
        try:
            while not (tmp_path / "asking").exists():
                assert worker.poll() is None
                time.sleep(0.05)
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            code, _, err = finish(process)
        finally:
            worker.kill()
            worker.wait()
    assert (code, err) == (0, "")
    assert time.monotonic() - began < 10


def test_the_address_that_is_printed_opens(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, port):
        opened = open_storage(f"grpc://127.0.0.1:{port}")
        assert optuna.create_study(storage=opened, study_name="s").study_name == "s"
        code, out, err = optunas("status", "--storage", f"grpc://127.0.0.1:{port}", folder=tmp_path)
    assert (code, err) == (0, "")
    assert re.search(r"\bs\b", out)


def test_the_dashboard_stands_beside_it(tmp_path: Path) -> None:
    shown = free_port()
    with serving(tmp_path, "--dashboard-port", str(shown)) as (process, port):
        open_storage(f"grpc://127.0.0.1:{port}").create_new_study(
            [optuna.study.StudyDirection.MAXIMIZE], "seen"
        )
        wait_for(shown, process)
        with urllib.request.urlopen(f"http://127.0.0.1:{shown}/api/studies", timeout=20) as answer:
            studies = json.load(answer)["study_summaries"]
        process.terminate()
        code, out, err = finish(process)
    assert [study["study_name"] for study in studies] == ["seen"]
    assert f"the dashboard is at http://127.0.0.1:{shown}/" in out
    assert (code, "Traceback" in err) == (0, False)


def test_a_port_that_others_reach_is_warned_of(tmp_path: Path) -> None:
    with serving(tmp_path, "--host", "0.0.0.0") as (process, port):
        process.terminate()
        code, _, err = finish(process)
    assert code == 0
    assert err.startswith("optunas: warning: Optuna's channel has neither authentication nor")
    assert f"ssh -N -L {port}:127.0.0.1:{port}" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("option", ["--port", "--dashboard-port"])
def test_a_port_in_use_is_one_line(
    tmp_path: Path, option: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        ports = {"--port": str(free_port()), option: str(number)}
        words = [word for pair in ports.items() for word in pair]
        code, _, err = run("serve", "--storage", URL, *words)
    assert code == 2
    assert err.count("\n") == 1
    assert f"127.0.0.1:{number} is not to be had" in err
    assert err.strip().endswith(option)


def test_a_second_proxy_on_the_same_port_is_refused(tmp_path: Path) -> None:
    """gRPC itself would let both listen, and hand each of them half of the workers."""
    with serving(tmp_path) as (_, port):
        code, _, err = optunas("serve", "--storage", URL, "--port", str(port), folder=tmp_path)
    assert (code, "is not to be had" in err) == (2, True)


@pytest.mark.parametrize("url", ["journal:///studies.log", "sqlite://"])
def test_only_a_database_is_served(
    tmp_path: Path, url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run("serve", "--storage", url)
    assert code == 2
    assert "the proxy stands before an SQL database" in err
    assert err.count("\n") == 1


def test_without_grpc_the_way_out_is_said(tmp_path: Path) -> None:
    hide = "import sys; sys.modules['grpc'] = None; from optunas.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", hide, "serve", "--storage", URL],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "optunas: the proxy needs gRPC: pip install 'optunas[grpc]'\n"


@pytest.mark.parametrize(
    ("host", "private"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("::", False)],
)
def test_who_can_reach_an_address(host: str, private: bool) -> None:
    assert is_private(host) is private


def test_an_address_is_written_as_in_a_url() -> None:
    assert written("host", 1) == "host:1"
    assert written("::1", 1) == "[::1]:1"
