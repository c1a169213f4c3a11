"""A worker of scale.py: the real `optunas.worker.work`, with an objective that sleeps. No torch.

The objective does with the storage what `optunas.Objective` does: it suggests a network of our
space, writes what it is, looks for an equal one, reports each epoch and asks the pruner (whose
answer is not obeyed, so that all trials are of one length), and writes how it ended.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np
import optuna
import sqlalchemy
from optuna.trial import FrozenTrial, Trial, TrialState

import optunas
from optunas.architecture import Architecture, cost, key, to_json
from optunas.attributes import FIRST_HAND, Outcome, at_once, conclude
from optunas.pruners import report, should_prune
from optunas.spaces import ConvNet
from optunas.storage import SharedStorage, open_storage
from optunas.worker import Plan, work

STUDY = "scale"
EPOCHS = 20
SHAPE, CLASSES = (3, 32, 32), 10
SPACE = ConvNet()
WITHOUT_END = 10**9  # trials: the clock ends a worker, and each trial takes a place all the same
PARTS = ("ask", "places", "facts", "epoch", "tell", "between")


@dataclass
class Clock:
    """The watch of a worker: seconds of each part of each trial that ended in time.

    ask: until all choices are made. places: signing, and the looks at who else goes on with it.
    facts: user attributes, and the look for an equal network. epoch: one report and should_prune.
    tell: from the objective's end to the storage's answer. between: from there to the next ask.
    """

    until: float
    most: int = WITHOUT_END
    trials: list[dict[str, Any]] = field(default_factory=list)
    now: dict[str, Any] = field(default_factory=dict)
    since: float = field(default_factory=time.perf_counter)
    processor: float = field(default_factory=time.process_time)

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.until or len(self.trials) >= self.most

    def lap(self, part: str) -> None:
        now = time.perf_counter()
        self.now.setdefault(part, []).append(now - self.since)
        self.since = now

    def began(self, trial: Trial) -> None:
        self.lap("places")

    def ended(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self.lap("tell")
        if trial.state is TrialState.COMPLETE and not self.is_over:
            spent = time.process_time() - self.processor
            self.trials.append({**self.now, "statements": _statements["all"], "processor": spent})
        self.now, self.processor = {}, time.process_time()
        _statements.clear()
        if self.is_over:
            study.stop()

    def note(self, line: str) -> None:
        """Nobody reads it."""


def objective(trial: Trial, clock: Clock, seconds: float) -> float:
    """A trial of `EPOCHS` epochs that takes so many seconds beside what the worker does."""
    with at_once(trial):
        network = SPACE.suggest(trial)
        clock.lap("ask")
        for name, value in {**described(network), "seed": trial.number, "engine": "none"}.items():
            trial.set_user_attr(name, value)
    _look_for_a_twin(trial)
    clock.lap("facts")
    scores = learning_curve(trial.number)
    for epoch, accuracy in enumerate(scores, start=1):
        if seconds:
            time.sleep(seconds / EPOCHS)
            clock.lap("slept")
        if clock.is_over:
            raise optuna.TrialPruned
        report(trial, accuracy, epoch)
        should_prune(trial)
        clock.lap("epoch")
    with at_once(trial):
        for name, value in judged(scores, seconds).items():
            trial.set_user_attr(name, value)
    conclude(trial, Outcome.TRAINED)
    clock.lap("facts")
    return scores[-1]


def _look_for_a_twin(trial: Trial) -> None:
    """As `optunas.objective.twin.find_twin`, whose package needs torch."""
    mine = trial.user_attrs
    states = TrialState.COMPLETE, TrialState.PRUNED
    for other in trial.study.get_trials(deepcopy=False, states=states):
        known = other.user_attrs
        if known.get("key") == mine["key"] and known.get("outcome") in FIRST_HAND:
            return


def described(network: Architecture) -> dict[str, Any]:
    """What is known of a network before it is trained."""
    price = cost(network, SHAPE, CLASSES)
    return {
        "key": key(network, SHAPE, CLASSES),
        "params": price.params,
        "macs": price.macs,
        "recipe": {"epochs": EPOCHS, "optimizer": "sgd", "lr": 0.1, "weight_decay": 5e-4},
        "data": "0123456789abcdef",
        "input_shape": list(SHAPE),
        "classes": CLASSES,
        "device": "none",
        "architecture": to_json(network),
    }


def judged(scores: list[float], seconds: float) -> dict[str, Any]:
    """What is known of it afterwards."""
    curve = [[2.3, 2.3, score, score, seconds / EPOCHS] for score in scores]
    last = scores[-1]
    return {"accuracy": last, "f1": last, "train_seconds": seconds, "curve": curve}


def learning_curve(number: int) -> list[float]:
    """Rises to a height that the trial's number fixes."""
    height = float(np.random.default_rng(number).uniform(0.2, 0.9))
    return [round(height * epoch / EPOCHS, 5) for epoch in range(1, EPOCHS + 1)]


def study_of(storage: SharedStorage, sampler: str) -> optuna.Study:
    return optunas.create_study(
        STUDY,
        storage=storage,
        sampler=sampler,
        epochs=EPOCHS,
        space=SPACE,
        on_change=lambda line: None,
    )


def joined(url: str, sampler: str) -> tuple[optuna.Study, SharedStorage, float]:
    """The study, with its trials read and the sampler's first look done; and how long that took."""
    began = time.perf_counter()
    storage = open_storage(url)
    study = study_of(storage, sampler)
    study.get_trials(deepcopy=False)
    trial = study.ask()
    SPACE.suggest(trial)
    study.tell(trial, state=TrialState.FAIL)
    storage.remove_session()
    return study, storage, time.perf_counter() - began


def part(storage: SharedStorage) -> None:
    """Called in a forked process: leave the parent's connections to the parent.
    https://docs.sqlalchemy.org/en/20/core/pooling.html#using-connection-pools-with-multiprocessing
    """
    for engine in _engines:
        engine.dispose(close=False)
    storage.remove_session()


def run(
    study: optuna.Study,
    storage: SharedStorage,
    seconds: float,
    *,
    until: float = inf,
    trials: int = WITHOUT_END,
) -> list[dict[str, Any]]:
    """Work until then (of `time.monotonic`), or on so many trials; gives what was measured."""
    clock = Clock(until, most=trials)
    ask = study.ask

    def timed() -> Trial:
        clock.lap("between")
        trial = ask()
        clock.lap("ask")
        return trial

    _statements.clear()  # those of joining
    study.ask = timed  # type: ignore[method-assign, assignment]
    plan = Plan(trials=WITHOUT_END)
    try:
        work(study, lambda trial: objective(trial, clock, seconds), plan, clock, storage)
    finally:
        study.ask = ask  # type: ignore[method-assign]
    return clock.trials


_statements: Counter[str] = Counter()
_engines: set[sqlalchemy.Engine] = set()


@sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, "before_cursor_execute")
def _count(connection: sqlalchemy.Connection, *_: Any) -> None:
    _statements["all"] += 1
    _engines.add(connection.engine)
