"""Two objectives on NAS-Bench-201, accuracy against MACs: who finds the better front?

    python tests/performance/front.py nasbench201.csv.xz --seeds 10

The hypervolume is that of log10(points behind the best accuracy) from 1 to 0.01 and of log2(MACs)
from 28 down, after 30 and after 60 evaluations; mean and standard error over the seeds.
"""

from __future__ import annotations

import argparse
import warnings
from functools import cache
from math import log2, log10, sqrt

import numpy as np
import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, Trial

from optunas.architecture import cost
from optunas.benchmarks import nasbench201
from optunas.samplers import make_sampler
from optunas.spaces.sight import Remembering, sight_of

SAMPLERS = ("architecture", "genetic", "nsgaii", "tpe", "random")
AFTER = (30, 60)


def hypervolume(points: np.ndarray) -> float:
    """The area that points (n, 2) with losses below 0 dominate, seen from (0, 0)."""
    area, floor = 0.0, 0.0
    for x, y in sorted(map(tuple, points[(points < 0).all(1)])):
        area += -x * max(floor - y, 0.0)
        floor = min(floor, y)
    return area


def losses(trials: list[FrozenTrial], best: float) -> np.ndarray:
    behind = [log10(max(best - trial.values[0], 0.01)) for trial in trials]
    return np.array([[x, trial.values[1] - 28] for x, trial in zip(behind, trials, strict=True)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table")
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    benchmark = nasbench201(arguments.table, "cifar10_test200")
    sight, best = Remembering(sight_of(benchmark.space)), benchmark.best()

    @cache
    def macs(cell: tuple[str, ...]) -> float:
        return log2(cost(benchmark.space.architecture(cell), (3, 32, 32), 10).macs)

    def objective(trial: Trial) -> tuple[float, float]:
        accuracy = benchmark(trial)
        return accuracy, macs(tuple(trial.params.values()))

    def searched(sampler: BaseSampler) -> list[float]:
        study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
        study.optimize(objective, n_trials=max(AFTER))
        return [hypervolume(losses(study.trials[:n], best)) for n in AFTER]

    print("| sampler | " + " | ".join(f"after {n}" for n in AFTER) + " |\n|---|" + "---:|" * 2)
    for name in SAMPLERS:
        found = np.array(
            [
                searched(make_sampler(name, seed=seed, n_objectives=2, space=sight))
                for seed in range(arguments.seeds)
            ]
        )
        error = found.std(0) / sqrt(len(found))
        cells = [f"{m:.2f} ± {e:.2f}" for m, e in zip(found.mean(0), error, strict=True)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
