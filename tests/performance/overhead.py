"""What a trial costs beside training: `python tests/performance/overhead.py FOLDER`.

Runs a search as `optunas run` does (the watching terminal, the worker, the objective, the pruner,
checkpoints, the storage) on CIFAR-10, and adds up what is outside the epochs of `train`, which are
kept short: few images, thin networks. Each figure is of trials that are trained to the end, by
each sampler, in a study that holds some finished trials already (filled by random search with a
made-up `train`). The pruner is asked, and not obeyed.

    asking      from one trial's end to the next one's begin
    preparing   until the first epoch: suggest, price, look for twins, build, prepare
    between     after each epoch: report, should_prune, checkpoint
    ending      after the last epoch: attributes, tell, the worker's bookkeeping
"""

from __future__ import annotations

import argparse
import cProfile
import io
import pstats
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import numpy as np
import optuna
from images import trimmed
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial
from reporting import Table, parsed, parser, report, spread
from rich.console import Console

from optunas import Objective, Recipe
from optunas.data import cifar10
from optunas.pruners import make_pruner
from optunas.search import Search
from optunas.spaces import ConvNet
from optunas.storage import open_storage
from optunas.terminal import watching
from optunas.terminal.live import Watcher
from optunas.training import Epoch
from optunas.worker import Plan

SPACE = ConvNet(widths=(8, 12), widenings=(1, 1.5), stem_stride=2)
"""all decisions of `ConvNet`, and thin networks: their epochs are not what is measured"""
TARGET = 0.03
PARTS = ("asking", "preparing", "between", "ending")
WARM_UP = 2  # trials after the study is filled: the sampler reads what it has not seen before


@dataclass
class Clock:
    """Told by the search what it is at; seconds of the parts of each trial, epochs left out."""

    spent: list[dict[str, float]] = field(default_factory=list)
    since: float = field(default_factory=time.perf_counter)

    def lap(self, part: str, without: float = 0.0) -> None:
        now = time.perf_counter()
        parts = self.spent[-1]
        parts[part] = parts.get(part, 0.0) + now - self.since - without
        self.since = now

    def began(self) -> None:
        self.spent.append({})
        self.lap("asking")

    def epoch(self, number: int, seconds: float) -> None:
        self.lap("preparing" if number == 1 else "between", without=seconds)

    def ended(self) -> None:
        self.lap("ending")

    @property
    def trained(self) -> list[dict[str, float]]:
        """The trials that did not take the result of an equal network."""
        return [parts for parts in self.spent if "preparing" in parts]


@dataclass
class Timed:
    """A watch that tells a clock as well."""

    watcher: Watcher
    clock: Clock

    def began(self, trial: optuna.Trial) -> None:
        self.clock.began()
        self.watcher.began(trial)

    def epoch(self, trial: int, epoch: Epoch) -> None:
        self.clock.epoch(epoch.number, epoch.seconds)
        self.watcher.epoch(trial, epoch)

    def ended(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self.watcher.ended(study, trial)
        self.clock.ended()

    def note(self, line: str) -> None:
        self.watcher.note(line)


def run(search: Search, trials: int) -> Clock:
    """Search until the study holds so many trials."""
    search = replace(search, plan=Plan(trials=trials))
    study = search.study(on_change=lambda line: None)
    clock = Clock()
    with watching(Console(file=io.StringIO()), study, search.plan) as watcher:
        timed = Timed(watcher, clock)
        search.watched(timed.epoch).run(study, timed)
    return clock


def made_up(network: Any, data: Any, recipe: Recipe, **_: Any) -> Iterator[Epoch]:
    """In place of `train`: a curve that rises to a random height."""
    height = float(np.random.default_rng().uniform(0.2, 0.9))
    for number in range(1, recipe.epochs + 1):
        score = height * number / recipe.epochs
        yield Epoch(number, recipe.epochs, 2.3, 2.3, score, score, 1e-6, 1.0, "made up")


class Asked(BasePruner):
    """Does another pruner's work and prunes nothing, so that all trials are of one length."""

    def __init__(self, pruner: BasePruner) -> None:
        self._pruner = pruner

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        self._pruner.prune(study, trial)
        return False


def measured(
    objective: Objective,
    sampler: str,
    storage: str,
    levels: list[int],
    trials: int,
    profile: AbstractContextManager[object],
) -> dict[int, Clock]:
    """A clock for each number of trials that the study holds beforehand."""
    name = f"overhead {sampler} {time.time()}"
    opened = open_storage(storage)
    pruner = Asked(make_pruner("median", epochs=objective.epochs))
    with tempfile.TemporaryDirectory() as place:
        own = replace(objective, checkpoints=Path(place))
        search = Search(own, name, storage=opened, sampler=sampler, pruner=pruner, random_draws=0)
        filling = replace(search, sampler="random")
        clocks, held = {}, 0
        for level in levels:
            if level > held:
                with mock.patch("optunas.objective.evaluation.train", made_up):
                    run(filling, level)
                held = level
            run(search, held + WARM_UP)
            with profile:
                clocks[level] = run(search, held + WARM_UP + trials)
            held += WARM_UP + trials
    optuna.delete_study(study_name=name, storage=opened)
    return clocks


def main() -> None:
    options = _options()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    device = options.device
    data = trimmed(cifar10(options.folder), rest=100)
    with tempfile.TemporaryDirectory() as place:
        objective = Objective(
            SPACE,
            data,
            Recipe(epochs=options.epochs, train_fraction=0.01, augment=1.0),
            device=str(device),
            seed=options.seed,
        )
        storages = [f"sqlite:///{place}/overhead.db", *options.storage]
        said = report("Overhead of a trial", device, options.seed)
        heads = ["storage", "sampler", "finished trials", "seconds", "share", *PARTS]
        table = Table(f"outside the epochs of a {options.of:g} s trial", heads)
        profile = cProfile.Profile() if options.profile else None
        within = profile or nullcontext()
        shares = []
        for storage in storages:
            for sampler in options.samplers:
                clocks = measured(
                    objective, sampler, storage, options.levels, options.trials, within
                )
                for level, clock in clocks.items():
                    rows = clock.trained
                    totals = [sum(parts.values()) for parts in rows]
                    share = median(totals) / options.of
                    shares.append(share)
                    means = [f"{median(parts[part] for parts in rows):.3f}" for part in PARTS]
                    kind = storage.partition(":")[0]
                    table.add(kind, sampler, level, spread(totals), f"{share:.2%}", *means)
        said.tables = [table]
        met = "met" if max(shares) < TARGET else "MISSED"
        said.lines = [
            f"target {met}: the largest share is {max(shares):.2%}, wanted less than {TARGET:.0%}; "
            f"medians (and quartiles) of {options.trials} trials of {options.epochs} epochs"
        ]
        said.figures = {"shares": shares}
        said.finish(options)
    if profile:
        found = pstats.Stats(profile)
        found.sort_stats("cumtime").print_stats("optunas|optuna/", 60)
        found.sort_stats("tottime").print_stats(30)


def _options() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--of", type=float, default=20.0, help="seconds of a whole trial")
    made.add_argument("--epochs", type=int, default=10, help="of a trial")
    made.add_argument("--trials", type=int, default=5, help="measured for each figure")
    made.add_argument("--levels", type=int, nargs="+", default=[0, 50, 300])
    made.add_argument("--samplers", nargs="+", default=["random", "tpe", "architecture"])
    made.add_argument("--storage", nargs="*", default=[], help="URLs beside an SQLite file")
    made.add_argument("--profile", action="store_true", help="say where the time goes")
    return parsed(made)


if __name__ == "__main__":
    main()
