"""The study of chaos.py and isolation.py: short real trainings, which note what they do.

Each epoch is a line in the file of its process, beside the study: which trial, which epoch, until
when and for how long it was trained, how good it is. Epochs that are taken from a checkpoint are
told again, with the seconds of the one that trained them.
"""

import json
import os
import time
from pathlib import Path

import optunas
from optunas.training import Epoch

TOLD = Path(os.environ["OPTUNAS_CHAOS"]) / f"{time.time_ns()}-{os.getpid()}.jsonl"


def note(trial: int, epoch: Epoch) -> None:
    said = {
        "worker": int(os.environ["OPTUNAS_CHAOS_WORKER"]),
        "trial": trial,
        "epoch": epoch.number,
        "of": epoch.of,
        "seconds": epoch.seconds,
        "accuracy": epoch.accuracy,
        "until": time.time(),
    }
    with TOLD.open("a") as told:
        told.write(json.dumps(said) + "\n")


objective = optunas.Objective(
    optunas.spaces.ConvNet(
        stages=(1, 2),
        depths=(1, 2),
        widths=(8, 12, 16, 20),
        ops=("conv", "separable", "basic"),
        features=(16, 32, 64),
    ),
    optunas.data.digits(),
    optunas.Recipe(epochs=8),
    on_epoch=note,
)
sampler = "random"
pruner = None
random_draws = 0
