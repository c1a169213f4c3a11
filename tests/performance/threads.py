"""What a proposal of `ArchitectureSampler` takes with linear algebra on one thread and on all.

    python tests/performance/threads.py --processes 1 2 --trials 120

Each process searches ConvNet by itself, on values that are random, in memory. Both ways take turns,
three times; a row is the median of the later half of the proposals, over processes and turns.
"""

from __future__ import annotations

import argparse
import random
import time
from contextlib import nullcontext
from multiprocessing import get_context

import numpy as np
import optuna

import optunas
from optunas.samplers import proposing
from optunas.spaces import ConvNet

TURNS = 3


def proposals(how: str, seed: int, trials: int) -> list[tuple[float, float]]:
    """Seconds, and seconds of processors, of each proposal."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if how == "all":
        proposing.on_one_thread = nullcontext  # type: ignore[assignment]
    space, rng, took = ConvNet(), random.Random(seed), []
    study = optunas.create_study(
        "s", storage="sqlite:///:memory:", sampler="architecture", space=space, seed=seed
    )
    for _ in range(trials):
        began, spent = time.perf_counter(), time.process_time()
        trial = study.ask()
        space.suggest(trial)
        took.append((time.perf_counter() - began, time.process_time() - spent))
        study.tell(trial, rng.random())
    return took[trials // 2 :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--trials", type=int, default=120)
    options = parser.parse_args()
    print("| processes | threads | a proposal | processors |\n|---:|---|---:|---:|")
    for processes in options.processes:
        found: dict[str, list[tuple[float, float]]] = {"all": [], "one": []}
        with get_context("spawn").Pool(processes, maxtasksperchild=1) as pool:
            for _ in range(TURNS):
                for how in found:
                    calls = [(how, seed, options.trials) for seed in range(processes)]
                    for took in pool.starmap(proposals, calls, chunksize=1):
                        found[how] += took
        for how, took in found.items():
            wall, spent = 1000 * np.median(np.array(took), axis=0)
            print(f"| {processes} | {how} | {wall:.0f} ms | {spent:.0f} ms |", flush=True)


if __name__ == "__main__":
    main()
