"""Wall-clock of a whole pruned search: 1, 2 and 4 workers on one device, and the ordinary loop.

    python tests/performance/workers.py FOLDER --json workers.json
    python tests/performance/workers.py digits --trials 12 --epochs 4

Every side is given the same random networks, queued beforehand, the same images, epochs and median
pruner. They differ in how many processes evaluate them and, on the last line, in the loop: there
the objective is what a person would write, a `DataLoader` and `ordinary.train`, its workers chosen
by trial beforehand. Each side is the command `optunas run` in a folder of its own, timed from its
start to its end; data are decoded and kept before. Who works side by side prunes by what the
others have reported so far, so that sides stop some networks at other epochs; the epochs that
were trained are told.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import ordinary
import torch
from networks import STEM_STRIDE
from reporting import Report, Table, parsed, parser, report

import optunas
from optunas.architecture import Architecture
from optunas.attributes import evaluated
from optunas.data import Data, Split, cifar10, digits, subset
from optunas.nn import build
from optunas.search import Search
from optunas.spaces import ConvNet
from optunas.storage import open_storage

SETTING = "OPTUNAS_PERFORMANCE"
STUDY = """
import sys
sys.path.insert(0, {folder!r})
import workers
objective = workers.{side}()
"""


@dataclass(frozen=True)
class Setting:
    """What all sides share; children find it in their environment."""

    folder: str
    fraction: float
    epochs: int
    batch: int
    device: str
    seed: int
    load: tuple[int, int] = (0, 0)

    @classmethod
    def here(cls) -> Setting:
        return cls(**json.loads(os.environ[SETTING]))

    @property
    def recipe(self) -> optunas.Recipe:
        return optunas.Recipe(epochs=self.epochs, batch_size=self.batch, augment=1.0)

    @property
    def space(self) -> ConvNet:
        if self.folder == "digits":
            return ConvNet()
        return ConvNet(stem_stride=STEM_STRIDE[torch.device(self.device).type])

    def data(self) -> Data:
        whole = digits() if self.folder == "digits" else cifar10(self.folder)
        return Data.from_splits(
            whole.name, tuple(map(self._part, (whole.train, whole.validation, whole.test))),
            whole.classes, flip=whole.flip,
        )  # fmt: skip

    def _part(self, split: Split) -> Split:
        return subset(split, self.fraction)


def engine() -> optunas.Objective:
    """The objective of optunas."""
    here = Setting.here()
    return optunas.Objective(
        here.space, here.data(), here.recipe, device=here.device, seed=here.seed, reuse=False
    )


class Ordinary:
    """The objective that a person would write."""

    def __init__(self) -> None:
        self.here = Setting.here()
        self.data = self.here.data()
        self.device = torch.device(self.here.device)

    def __call__(self, trial: optuna.Trial) -> float:
        here, data = self.here, self.data
        network = _built(here.space.suggest(trial), data, here.seed, self.device)
        images = dataset(data)
        load = ordinary.Load(*here.load)
        moments = data.mean, data.std
        for epoch, _ in enumerate(
            ordinary.train(network, images, here.recipe, self.device, load=load, seed=trial.number)
        ):
            found = data.validation
            score = ordinary.accuracy(network, found.images, found.labels, moments, self.device)
            trial.report(score, epoch + 1)
            if epoch + 1 < here.epochs and trial.should_prune():
                raise optuna.TrialPruned
        return score


def dataset(data: Data) -> ordinary.InMemory:
    transform = ordinary.transforms(data.input_shape[-1], data.mean, data.std)
    return ordinary.InMemory(data.train.images, data.train.labels, transform)


def _built(
    architecture: Architecture, data: Data, seed: int, device: torch.device
) -> torch.nn.Module:
    return build(architecture, data.input_shape, len(data.classes), seed=seed, device=device)


@cache
def _draws(setting: Setting, trials: int) -> list[dict[str, Any]]:
    """The same networks for all."""
    os.environ[SETTING] = json.dumps(asdict(setting))
    draws = engine().prospect.random_params(np.random.default_rng(setting.seed))
    return list(islice(draws, trials))


@dataclass(frozen=True)
class Side:
    """One way to search."""

    name: str
    objective: str
    workers: int


def timed(side: Side, setting: Setting, trials: int) -> dict[str, float]:
    """What one search takes and finds."""
    print(f"{side.name} ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "study.py").write_text(
            STUDY.format(folder=str(Path(__file__).parent), side=side.objective)
        )
        storage = open_storage(f"sqlite:///{folder}/optunas.db")
        study = Search(
            lambda trial: 0.0, "study", storage=storage, sampler="random", seed=setting.seed
        ).study(print)
        for params in _draws(setting, trials):
            study.enqueue_trial(params, user_attrs={"role": "random draw"})
        command = [sys.executable, "-P", "-m", "optunas", "run", "study.py", "--sampler", "random"]
        command += ["--trials", str(trials), "--seed", str(setting.seed)]
        command += ["--workers-per-device", str(side.workers)]
        environment = os.environ | {
            SETTING: json.dumps(asdict(setting)),
            "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        }
        start = time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
        return {"seconds": seconds, **_found(study)}


def _found(study: optuna.Study) -> dict[str, float]:
    trials = study.get_trials(deepcopy=False)
    ended = evaluated(trials)
    starts = [trial.datetime_start.timestamp() for trial in ended if trial.datetime_start]
    ends = [trial.datetime_complete.timestamp() for trial in ended if trial.datetime_complete]
    return {
        "searching": max(ends) - min(starts),
        "networks": len(ended),
        "pruned": sum(trial.state is optuna.trial.TrialState.PRUNED for trial in ended),
        "failed": sum(trial.state is optuna.trial.TrialState.FAIL for trial in trials),
        "epochs": sum(len(trial.intermediate_values) for trial in ended),
        "best": study.best_value,
    }


def sides(workers: list[int], with_ordinary: bool) -> list[Side]:
    found = [Side(f"{n} worker{'s' if n > 1 else ''}", "engine", n) for n in workers]
    return found + ([Side("ordinary loop", "Ordinary", 1)] if with_ordinary else [])


def measure(report: Report, setting: Setting, trials: int, chosen: list[Side]) -> None:
    table = Table(
        f"a search of {trials} networks, at most {setting.epochs} epochs each",
        ["side", "seconds", "of these searching", "pruned", "failed", "epochs", "best", "speed"],
    )
    report.tables.append(table)
    found = {side.name: timed(side, setting, trials) for side in chosen}
    report.figures["sides"] = found
    slowest = next(reversed(found.values()))
    for name, side in found.items():
        table.add(
            name, side["seconds"], side["searching"], side["pruned"], side["failed"],
            side["epochs"], f"{100 * side['best']:.1f} %",
            f"{slowest['seconds'] / side['seconds']:.2f}x",
        )  # fmt: skip
    report.lines.append(f"speed: how many times as fast as the last line, start included; {trials} "
                        "networks of all sides are the same")  # fmt: skip


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--trials", type=int, default=50)
    made.add_argument("--epochs", type=int, default=10)
    made.add_argument("--batch", type=int, default=128)
    made.add_argument("--fraction", type=float, default=1.0, help="of the images")
    made.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    made.add_argument("--no-ordinary", action="store_true", help="only optunas")
    options = parsed(made)
    setting = Setting(
        str(options.folder), options.fraction, options.epochs, options.batch, str(options.device),
        options.seed,
    )  # fmt: skip
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    found = report("Several workers on one device", options.device, options.seed)
    if not options.no_ordinary:
        setting = _with_load(setting, found, options.device)
    measure(found, setting, options.trials, sides(options.workers, not options.no_ordinary))
    found.finish(options)


def _with_load(setting: Setting, report: Report, device: torch.device) -> Setting:
    """The best division of work for the ordinary loop, found on one network."""
    os.environ[SETTING] = json.dumps(asdict(setting))
    data, (params,) = setting.data(), _draws(setting, 1)
    architecture = setting.space.suggest(optuna.trial.FixedTrial(params))
    load = ordinary.fastest(
        lambda: _built(architecture, data, setting.seed, device),
        dataset(data), setting.recipe, device, 2.0,
    )  # fmt: skip
    report.lines.append(f"ordinary loop: {load}")
    return Setting(**{**asdict(setting), "load": (load.workers, load.threads)})


if __name__ == "__main__":
    main()
