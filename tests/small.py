"""A search of seconds: a few real digits, networks of some hundred parameters, short trainings."""

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from optunas import Objective, Recipe
from optunas.data import Data, digits, subset
from optunas.spaces import ConvNet

SPACE = ConvNet(stages=(1,), depths=(1,), widths=(4, 8), ops=("conv", "separable"), kernels=(3,))
RECIPE = Recipe(epochs=3, batch_size=64)

STUDY_FILE = """
import os, time
import optunas
from optunas.data import Data, digits, subset

def on_epoch(trial, epoch):
    with open("epochs.txt", "a") as file:
        file.write(f"{trial} {epoch.number} {epoch.seconds!r}\\n")
    if os.environ.get("BLOCK_AT") == f"{trial} {epoch.number}":
        open("blocked", "w").close()
        time.sleep(60)

every = digits()
splits = subset(every.train, 0.2), subset(every.validation, 0.3), every.test
objective = optunas.Objective(
    optunas.spaces.ConvNet(stages=(1,), depths=(1,), widths=(4, 8), ops=("conv",), kernels=(3,)),
    Data.from_splits("few", splits, every.classes),
    optunas.Recipe(epochs=3, batch_size=64),
    on_epoch=on_epoch,
)
random_draws = 2
"""
"""Writes down each epoch, and stops for a minute after the one that BLOCK_AT names."""

PLAIN_FILE = """
def objective(trial):
    return trial.suggest_float("x", 0, 1)
"""


@functools.cache
def few() -> Data:
    """216 training and 108 validation images of the digits."""
    every = digits()
    splits = subset(every.train, 0.2), subset(every.validation, 0.3), every.test
    return Data.from_splits("few", splits, every.classes)


def small_objective(**changes: Any) -> Objective:
    torch.set_num_threads(1)
    return Objective(
        **{
            "space": SPACE,
            "data": few(),
            "recipe": RECIPE,
            "device": "cpu",
            "pages": False,
            **changes,
        }
    )


def plain(width: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, width, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        nn.Linear(4 * width, 10),
    )  # fmt: skip


Run = Callable[..., tuple[int, str, str]]
"""What the fixture `run` is: words of a command -> exit code, stdout, stderr."""

COMMAND = [sys.executable, "-c", "from optunas.cli import main; main()"]


def environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("OPTUNAS_STORAGE", "COLUMNS")}
    quick = {"OMP_NUM_THREADS": "1", "CUDA_HOME": "", "OPTUNAS_PAGES": "no"}
    return {**kept, **quick, **more}


def start(*arguments: str, folder: Path, **more: str) -> "subprocess.Popen[str]":
    """`optunas ARGUMENTS` as a process of its own, in this folder."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(**more),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )


def finish(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a process."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def optunas(*arguments: str, folder: Path, **more: str) -> tuple[int, str, str]:
    return finish(start(*arguments, folder=folder, **more))
