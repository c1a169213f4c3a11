"""Studies made by hand, whose numbers are known: no network is trained for them."""

import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState

BEGIN = datetime.datetime(2026, 5, 1, 12)
STATES = {
    "trained": TrialState.COMPLETE,
    "reused": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "rejected": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}
LAYERS = {"conv": "ConvNorm", "separable": "SeparableConv", "mbconv": "MBConv"}


def after(seconds: float) -> datetime.datetime:
    return BEGIN + datetime.timedelta(seconds=seconds)


def a_trial(
    number: int,
    outcome: str = "trained",
    value: float | Sequence[float] | None = 0.5,
    *,
    params: dict[str, Any] | None = None,
    distributions: dict[str, BaseDistribution] | None = None,
    values: Sequence[float] = (),
    start: float = 0.0,
    seconds: float = 10.0,
    constraints: dict[str, float] | None = None,
    attributes: dict[str, Any] | None = None,
) -> FrozenTrial:
    """A finished trial; `values` are those after each epoch, `seconds` how long it took."""
    state = STATES[outcome]
    completed = state is TrialState.COMPLETE
    params = params or {}
    known = {name: CategoricalDistribution((choice,)) for name, choice in params.items()}
    several = isinstance(value, Sequence)
    trial = optuna.create_trial(
        state=state,
        value=value if completed and not several else None,
        values=value if completed and several else None,
        params=params,
        distributions=distributions or known,
        user_attrs={"outcome": outcome, **(attributes or {})},
        intermediate_values=dict(enumerate(values, start=1)),
    )
    trial.number = number
    trial.datetime_start, trial.datetime_complete = after(start), after(start + seconds)
    for name, margin in (constraints or {}).items():
        trial.set_constraint(name, margin)
    return trial


def study_of(
    trials: Sequence[FrozenTrial],
    directions: Sequence[str] = ("maximize",),
    names: Sequence[str] | None = None,
) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(directions=list(directions))
    study.add_trials(trials)
    if names is not None:
        study.set_metric_names(list(names))
    return study


def choices_of(
    number: int, choices: Sequence[Any] = ("a", "b", "c")
) -> dict[str, BaseDistribution]:
    """`p0`, `p1`, ...: so many parameters with these choices."""
    return {f"p{i}": CategoricalDistribution(tuple(choices)) for i in range(number)}


def drawn(distributions: dict[str, BaseDistribution], rng: np.random.Generator) -> dict[str, Any]:
    """A random choice for each."""
    return {
        name: one.choices[rng.integers(len(one.choices))]
        if isinstance(one, CategoricalDistribution)
        else float(rng.uniform(one.low, one.high))
        for name, one in distributions.items()
    }


def a_search(trials: int, seed: int = 0, parameters: int = 6, workers: int = 3) -> optuna.Study:
    """What a search of optunas leaves, with every outcome in it.

    Choice 5 of `stage1.block1.kernel` is worth 0.02, and costs 0.3 ms of latency; nothing else is
    worth anything.
    """
    return study_of(searched(trials, seed, parameters, workers), names=["accuracy"])


def searched(
    trials: int, seed: int = 0, parameters: int = 6, workers: int = 3
) -> list[FrozenTrial]:
    """The trials of such a search."""
    rng = np.random.default_rng(seed)
    space: dict[str, BaseDistribution] = {
        "stage1.block1.kernel": CategoricalDistribution((3, 5, 7)),
        "stage1.block1.op": CategoricalDistribution(tuple(LAYERS)),
        "width": CategoricalDistribution((8, 16, 32)),
        "recipe.lr": FloatDistribution(1e-3, 1e-1),
        **choices_of(parameters - 4),
    }
    clocks = [0.0] * workers
    return [_searched(n, drawn(space, rng), space, clocks, rng) for n in range(trials)]


def _searched(
    number: int,
    params: dict[str, Any],
    space: dict[str, BaseDistribution],
    clocks: list[float],
    rng: np.random.Generator,
) -> FrozenTrial:
    kernel, width = params["stage1.block1.kernel"], params["width"]
    cost = int(100 * width + rng.integers(50))
    best = 0.8 + 0.02 * (kernel == 5) + rng.normal(0, 0.008)
    epochs = [float(best - 0.3 * np.exp(-e / 3) + rng.normal(0, 0.002)) for e in range(1, 9)]
    margin = cost / 3000 - 1
    outcome = "trained"
    if margin > 0:
        outcome, epochs = "rejected", []
    elif number % 17 == 5:
        outcome, epochs = "failed", []
    elif number % 23 == 11:
        outcome = "reused"
    elif number > 10 and epochs[2] < 0.8 - 0.3 * np.exp(-1) - 0.003:
        outcome, epochs = "pruned", epochs[:3]
    worker = int(np.argmin(clocks))
    seconds = 0.5 + (0 if outcome == "reused" else len(epochs) * 2.0)
    start, clocks[worker] = clocks[worker], clocks[worker] + seconds
    role = {0: "baseline", 1: "random draw", 2: "random draw"}.get(number)
    kind = {"layer": LAYERS[params["stage1.block1.op"]], "channels": width, "kernel": kernel}
    layers = [{"layer": "ConvNorm", "channels": width}, kind, {"layer": "GlobalPool"}]
    return a_trial(
        number,
        outcome,
        epochs[-1] if epochs else None,
        params=params,
        distributions=space,
        values=epochs,
        start=start,
        seconds=seconds,
        constraints={"params": margin},
        attributes={
            "params": cost,
            "macs": cost * 1000,
            "latency_ms": float(1 + 0.3 * (kernel == 5) + rng.normal(0, 0.02)),
            "margin.params": margin,
            "curve": [[1.0, 1.0, value, value, 2.0] for value in epochs],
            "train_seconds": 2.0 * len(epochs),
            "recipe": {"epochs": 8},
            "worker": {"host": f"gpu{worker}", "pid": 100 + worker, "trial": number},
            "architecture": {"layer": "Sequential", "layers": [*layers, {"layer": "Linear"}]},
            **({"role": role} if role else {}),
        },
    )
