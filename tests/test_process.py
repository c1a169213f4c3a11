"""Who runs a trial, and whether that process still lives."""

import os
import subprocess
import sys
from typing import Any

import optuna
import pytest

from optunas.process import is_dead, sign, signature, this_process


def test_this_process_lives() -> None:
    assert not is_dead(this_process())
    assert this_process()["pid"] == os.getpid()


def test_another_process_of_this_machine_names_the_same_machine() -> None:
    code = (
        "import json; from optunas.process import this_process; print(json.dumps(this_process()))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        import json

        assert process.stdout is not None
        other = json.loads(process.stdout.read())
    mine = this_process()
    assert (other["host"], other["machine"]) == (mine["host"], mine["machine"])
    assert other["pid"] == process.pid
    assert is_dead(other)


def test_a_number_that_was_given_anew_is_another_process() -> None:
    assert is_dead({**this_process(), "started": this_process()["started"] - 1000})


def test_a_zombie_is_dead() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    import psutil

    started = psutil.Process(process.pid).create_time()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet collected
    assert is_dead({**this_process(), "pid": process.pid, "started": started})
    process.wait()


@pytest.mark.parametrize(
    "worker", [None, "x", {}, {**this_process(), "pid": "1"}, {**this_process(), "started": None}]
)
def test_rubbish_is_not_judged(worker: Any) -> None:
    assert not is_dead(worker)


def test_a_trial_is_signed_once() -> None:
    trial = optuna.create_study().ask()
    assert signature(trial) is None
    sign(trial, ticket=3)
    sign(trial, ticket=4)
    assert signature(trial) == {**this_process(), "trial": 0, "ticket": 3}
