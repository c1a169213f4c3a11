"""What a proposal takes: `OMP_NUM_THREADS=1 python tests/performance/proposing.py`.

Processor seconds of `study.ask()` with all suggests, on `ConvNet`, in studies in memory that hold
so many finished trials: random networks, whose accuracies follow a rule that can be learned, a
third of them pruned. Median and quartiles of --trials proposals, each told before the next one,
after --warm-up others; the first proposal of a process, which looks at all the trials, stands
beside them. With --workers, so many take part: of the trials that follow each other, one is ours.

BLAS on several threads makes it no sooner, and the processor seconds of threads that wait count.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from itertools import count, islice
from statistics import median

import numpy as np
import optuna
from made_up import EPOCHS, NOISE, worth
from optuna.trial import FrozenTrial, TrialState, create_trial
from reporting import Table, parsed, parser, report, spread

from optunas import Limits, Recipe
from optunas.objective.prospect import Prospect
from optunas.samplers import make_sampler
from optunas.spaces import ConvNet
from optunas.spaces.draw import draw

SPACE = ConvNet()
PROSPECT = Prospect(SPACE, Recipe(), (3, 32, 32), 10, Limits())
PRUNED = 1 / 3
BEGAN = datetime(2026, 1, 1)
TARGETS = {1_000: 0.25, 10_000: 0.4}
"""Processor seconds: below 5 % of a trial of 20 s with what else a worker does in it."""


def finished(seed: int) -> Iterator[FrozenTrial]:
    """Trials that took 20 s each, one after another, without end."""
    rng = np.random.default_rng(seed)
    for number in count():
        drawn = draw(SPACE.suggest, rng)
        height = worth(drawn.params) + rng.normal(0, NOISE)
        pruned = rng.random() < PRUNED
        epochs = 3 if pruned else EPOCHS
        trial = create_trial(
            state=TrialState.PRUNED if pruned else TrialState.COMPLETE,
            value=None if pruned else height,
            params=drawn.params,
            distributions=drawn.distributions,
            intermediate_values={e: height * e / EPOCHS for e in range(1, epochs + 1)},
        )
        trial.datetime_start = BEGAN + timedelta(seconds=20 * number)
        trial.datetime_complete = trial.datetime_start + timedelta(seconds=20)
        yield trial


def proposal(study: optuna.Study, others: Iterator[FrozenTrial], workers: int) -> float:
    """The processor seconds of one; its trial is told at once, and those of the other workers."""
    before = time.process_time()
    trial = study.ask()
    SPACE.suggest(trial)
    took = time.process_time() - before
    study.tell(trial, worth(trial.params))
    study.add_trials(islice(others, workers - 1))
    return took


def main() -> None:
    options = _options()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    said = report("A proposal", options.device, options.seed)
    heads = ["sampler", "finished trials", "first", "later"]
    table = Table(f"processor seconds, {options.workers} workers", heads)
    profile = cProfile.Profile() if options.profile else None
    for sampler in options.samplers:
        for level in options.levels:
            made = make_sampler(sampler, seed=options.seed, space=options.sight)
            study = optuna.create_study(direction="maximize", sampler=made)
            others = finished(options.seed)
            study.add_trials(islice(others, level))
            first, *_ = [proposal(study, others, options.workers) for _ in range(options.warm_up)]
            with profile or nullcontext():
                later = [proposal(study, others, options.workers) for _ in range(options.trials)]
            table.add(sampler, f"{level:,}", f"{first:.3f}", spread(later))
            said.figures[f"{sampler} {level}"] = {"first": first, "later": later}
            if sampler == "architecture" and level in TARGETS:
                said.lines.append(_verdict(level, median(later)))
    said.tables = [table]
    said.finish(options)
    if profile:
        found = pstats.Stats(profile)
        found.sort_stats("cumtime").print_stats("optunas|optuna/", 60)
        found.sort_stats("tottime").print_stats(40)


def _verdict(level: int, seconds: float) -> str:
    wanted = TARGETS[level]
    met = "met" if seconds <= wanted else "MISSED"
    return f"target {met}: {seconds:.3f} s beside {level:,} trials, wanted at most {wanted:g} s"


def _options() -> argparse.Namespace:
    made = parser(__doc__, data=False)
    made.add_argument("--levels", type=int, nargs="+", default=[100, 1_000, 10_000])
    made.add_argument("--samplers", nargs="+", default=["architecture"])
    made.add_argument("--trials", type=int, default=20, help="measured for each figure")
    made.add_argument("--warm-up", type=int, default=4, help="proposals that don't count")
    made.add_argument("--workers", type=int, default=1, help="that take part in the study")
    made.add_argument(
        "--prospect",
        dest="sight",
        action="store_const",
        const=PROSPECT,
        default=SPACE,
        help="as `objective.prospect` shows networks, in place of the space alone",
    )
    made.add_argument("--profile", action="store_true", help="say where the time goes")
    return parsed(made)


if __name__ == "__main__":
    main()
