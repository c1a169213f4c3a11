"""What a search is worth: its network beside the field's, at equal parameters and equal training.

    python tests/performance/worth.py CIFAR10 --limits 20k 60k 200k --seeds 3 --out worth.jsonl
    python tests/performance/worth.py digits --limits 5k 15k 50k --seeds 3 --out digits.jsonl

For each limit and seed: a search, then a race of its best three with a ResNet-18 and a MobileNetV3
as large as the limit allows, all trained by the same recipe for the same number of epochs. The
search's network is the one of the three that is best on the validation split; the test accuracies
are those of the networks as trained in that race. Prints mean and standard deviation over the
seeds, and how long the search and a training took. What the file holds already is not measured
again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import optuna
import torch
from images import trimmed
from machine import chosen, described

import optunas
from optunas.data import Data
from optunas.delivery.entrants import line_up
from optunas.delivery.race import checkpoint_of, race, retrained
from optunas.objective import Objective
from optunas.quantities import count
from optunas.training.loop import evaluate

SEARCHED = "search"
BEST = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="digits, or a folder of CIFAR-10")
    parser.add_argument("--limits", nargs="+", type=count, default=[20_000, 60_000, 200_000])
    parser.add_argument("--macs", type=count, default=5_000_000, help="of every network, at most")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=6, help="of the search")
    parser.add_argument("--longer", type=int, default=3, help="times as many in the race")
    parser.add_argument("--images", type=int, help="of the training split, all if not given")
    parser.add_argument("--rest", type=int, help="of the validation and of the test split")
    parser.add_argument("--out", type=Path, default=Path("worth.jsonl"))
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    print(described(chosen("auto")))
    data = _data(arguments)
    known = _read(arguments.out)
    for seed in range(arguments.seeds):
        for limit in arguments.limits:
            if not any((row["limit"], row["seed"]) == (limit, seed) for row in known):
                row = measured(data, limit, seed, arguments)
                known.append(row)
                with arguments.out.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                print(json.dumps(row), flush=True)
    print(data.describe())
    for line in table(known):
        print(line)


def _data(arguments: argparse.Namespace) -> Data:
    if arguments.data == "digits":
        whole = optunas.data.digits()
    else:
        whole = optunas.data.cifar10(arguments.data)
    return trimmed(whole, train=arguments.images, rest=arguments.rest)


def measured(data: Data, limit: int, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """One search and its race."""
    small = min(data.input_shape[1:]) < 16
    objective = Objective(
        optunas.spaces.ConvNet(stem_stride=1 if small else 2),
        data,
        optunas.Recipe(epochs=arguments.epochs),
        limits=optunas.Limits(params=limit, macs=arguments.macs),
        seed=seed,
        pages=False,
    )
    study = optunas.create_study(
        f"worth-{limit}-{seed}",
        storage="sqlite://",
        sampler="architecture",
        seed=seed,
        epochs=objective.epochs,
        space=objective.prospect,
    )
    start = time.perf_counter()
    study.optimize(objective, n_trials=arguments.trials)
    searched = time.perf_counter() - start
    running = line_up(study, objective, candidates=BEST, longer=arguments.longer)
    entrants = running.entrants
    with tempfile.TemporaryDirectory() as name:
        start = time.perf_counter()
        found, _ = race(entrants, objective, [seed], running.rule, Path(name), lambda said: None)
        raced = time.perf_counter() - start
        shown = [found.searched[0], *found.baselines]
        networks = {}
        for result in shown:
            entrant = next(one for one in entrants if one.name == result.name)
            file = checkpoint_of(Path(name), entrant, 1)
            network, _ = retrained(entrant, objective, seed, file)
            test = evaluate(network, data.test, data, device=objective.device)
            networks[SEARCHED if result.trial is not None else result.name] = {
                "params": result.params,
                "macs": result.macs,
                "validation": result.mean,
                "test": test.accuracy,
            }
    return {
        "limit": limit,
        "seed": seed,
        "networks": networks,
        "trials": len(study.trials),
        "search_minutes": searched / 60,
        "training_minutes": raced / 60 / len(entrants),
        "torch": torch.__version__,
    }


def table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Test accuracy in percent, mean and standard deviation over the seeds, by limit."""
    names = list(dict.fromkeys(name for row in rows for name in row["networks"]))
    yield "| at most | " + " | ".join(names) + " | search, minutes | one training |"
    yield "|---:|" + "---:|" * (len(names) + 2)
    for limit in sorted({row["limit"] for row in rows}):
        some = [row for row in rows if row["limit"] == limit]
        cells = [
            _spread([100 * r["networks"][n]["test"] for r in some if n in r["networks"]])
            for n in names
        ]
        minutes = [
            fmean(row[name] for row in some) for name in ("search_minutes", "training_minutes")
        ]
        yield f"| {limit:,} | " + " | ".join(cells) + f" | {minutes[0]:.1f} | {minutes[1]:.2f} |"


def _spread(values: list[float]) -> str:
    if not values:
        return ""
    return f"{fmean(values):.1f}" + (f" ± {stdev(values):.1f}" if len(values) > 1 else "")


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


if __name__ == "__main__":
    main()
