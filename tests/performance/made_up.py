"""A study as a long search leaves it, made up in seconds: real networks of `ConvNet`, real costs.

Accuracies follow a rule that is known (`worth`), with noise; so what is found in the study can be
held against it. Some networks are rejected, pruned, reused or failed.
"""

from __future__ import annotations

import warnings
from datetime import datetime, timedelta
from math import exp
from typing import Any

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial, TrialState, create_trial

from optunas import fingerprint
from optunas.architecture import cost, key, to_json
from optunas.spaces import ConvNet
from optunas.spaces.described import choices_of, described
from optunas.spaces.draw import draw

SHAPE, CLASSES, EPOCHS, WORKERS = (3, 32, 32), 10, 10, 4
LIMIT = 1_000_000
BEGAN = datetime(2026, 1, 1, 8, 0)
NOISE = 0.004
EACH = ((0.02, "failed"), (0.05, "reused"), (0.35, "pruned"), (1.0, "trained"))
"""How a network ends that is within the limit, by a number between 0 and 1."""


def worth(params: dict[str, Any]) -> float:
    """The accuracy of a network without noise."""
    gains = (
        0.03 * (params["stage1.block1.kernel"] == 5),
        0.02 * (params["norm"] == "batch"),
        -0.02 * (params["activation"] == "relu"),
        0.01 * params["stages"],
    )
    return 0.85 + sum(gains)


def made_up(trials: int, seed: int = 0, name: str = "made up", storage: Any = None) -> optuna.Study:
    """A study of so many finished trials. The first is by hand, ten are random draws."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(study_name=name, direction="maximize", storage=storage)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names(["accuracy"])
    rng, space = np.random.default_rng(seed), ConvNet()
    study.set_user_attr(fingerprint.ATTRIBUTE, _fingerprint(space))
    fingerprint.note_command(study, "optunas run made_up.py --trials 40")
    study.add_trials([_trial(number, space, rng) for number in range(trials)])
    return study


def _fingerprint(space: ConvNet) -> dict[str, Any]:
    facts = {
        "space": described(space),
        "choices": choices_of(space.suggest),
        "data": "10 classes, 3x32x32, 40,000 train / 10,000 validation / 10,000 test, made up",
        "recipe": {"epochs": EPOCHS, "batch_size": 128, "optimizer": "adamw", "lr": 0.003},
        "limits": {"params": LIMIT},
        "metrics": ["accuracy"],
        "torch": "2.11",
    }
    return fingerprint.complete(facts, {"sampler": "architecture", "pruner": "median", "seed": 0})


def _trial(number: int, space: ConvNet, rng: np.random.Generator) -> FrozenTrial:
    given = {"width": 16, "stages": 2} if number == 0 else None  # well within the limit
    drawn = draw(space.suggest, rng, given)
    found = cost(drawn.architecture, SHAPE, CLASSES)
    accuracy = worth(drawn.params) + rng.normal(0, NOISE)
    end = next(how for share, how in EACH if rng.random() < share) if number > 10 else "trained"
    end = "rejected" if found.params > LIMIT else end
    known = {
        "architecture": to_json(drawn.architecture), "input_shape": list(SHAPE), "classes": CLASSES,
        "key": key(drawn.architecture, SHAPE, CLASSES), "params": found.params, "macs": found.macs,
        "margin.params": found.params / LIMIT - 1, "outcome": end, "device": "cuda:0",
        "seed": number, "recipe": {"epochs": EPOCHS, "lr": 0.003},
        "reason": _reason(end, found.params, rng),
        "worker": {"host": f"node{number % WORKERS}", "pid": 100, "started": 1.0, "machine": "m"},
    }  # fmt: skip
    if number < 11:
        known["role"] = "baseline" if number == 0 else "random draw"
    return _ended(known, drawn, accuracy, rng, number)


def _reason(end: str, params: int, rng: np.random.Generator) -> str:
    return {
        "rejected": f"over its limits: params {params} > {LIMIT}",
        "pruned": "pruned after epoch 3 of 10",
        "failed": str(rng.choice(["out of memory on cuda:0", "the loss is not a number"])),
        "reused": "the same network as trial 1",
    }.get(end, "")


def _ended(
    known: dict[str, Any], drawn: Any, accuracy: float, rng: np.random.Generator, number: int
) -> FrozenTrial:
    end = known["outcome"]
    epochs = {"trained": EPOCHS, "reused": EPOCHS, "pruned": 3}.get(end, 0)
    pace = 1.0 + known["macs"] / 1e8
    curve = [
        [2.3 - e / 9, 2.3 - e / 10, a, a - 0.01, pace]
        for e, a in enumerate(_learned(accuracy, epochs, rng))
    ]
    if curve:
        known |= {"curve": curve, "accuracy": curve[-1][2], "f1": curve[-1][3]}
        known["train_seconds"] = pace * epochs
    state = {"pruned": TrialState.PRUNED, "rejected": TrialState.PRUNED, "failed": TrialState.FAIL}
    trial = create_trial(
        state=state.get(end, TrialState.COMPLETE),
        value=known.get("accuracy") if end in ("trained", "reused") else None,
        params=drawn.params,
        distributions=drawn.distributions,
        user_attrs=known,
        intermediate_values={e: row[2] for e, row in enumerate(curve, start=1)},
    )
    trial.datetime_start = BEGAN + timedelta(seconds=15 * (number // WORKERS))
    trial.datetime_complete = trial.datetime_start + timedelta(seconds=0.5 + pace * epochs)
    return trial


def _learned(accuracy: float, epochs: int, rng: np.random.Generator) -> list[float]:
    """Towards the accuracy, epoch by epoch."""
    rate = rng.uniform(0.4, 0.8)
    gain = [1 - exp(-rate * (e + 1)) for e in range(epochs)]
    return [round(accuracy * g + rng.normal(0, NOISE / 4), 5) for g in gain]
