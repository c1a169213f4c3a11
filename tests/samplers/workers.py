"""A search that other processes take part in, or go on with.

`python workers.py URL SAMPLER TRIALS`: SAMPLER is the expression that makes it, since text is all
that a process can be given.
"""

import subprocess
import sys
from typing import Any

import optuna

from optunas.samplers import CatCmaSampler, make_sampler
from optunas.spaces import NASBench201
from optunas.storage import open_storage

SPACE = NASBench201(("none", "skip_connect", "nor_conv_3x3"))
NAMES = {"SPACE": SPACE, "CatCmaSampler": CatCmaSampler, "make_sampler": make_sampler}


def value(trial: optuna.Trial) -> float:
    """The more 3x3 convolutions the better, and a learning rate of 0.01."""
    SPACE.suggest(trial)
    convolutions = list(trial.params.values()).count("nor_conv_3x3")
    return convolutions - abs(trial.suggest_float("lr", 0, 0.1) - 0.01)


def work(url: str | None, sampler: str, trials: int) -> optuna.Study:
    """Take part in the study, here."""
    study = optuna.create_study(
        study_name="s",
        storage=None if url is None else open_storage(url),
        direction="maximize",
        sampler=eval(sampler, NAMES),
        load_if_exists=True,
    )
    study.optimize(value, n_trials=trials)
    return study


def started(url: str, sampler: str, trials: int) -> "subprocess.Popen[str]":
    """Take part in the study, in another process."""
    command = [sys.executable, __file__, url, sampler, str(trials)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def finished(process: "subprocess.Popen[str]") -> None:
    _, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors


def choices(study: optuna.Study) -> list[dict[str, Any]]:
    return [trial.params for trial in study.trials]


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2], int(sys.argv[3]))
