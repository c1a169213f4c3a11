"""What pruners save and what they lose: `python tests/performance/pruning.py digits.jsonl ...`

The files hold real learning curves (`curves.py` makes them). A study replays half of a file's
networks, drawn and ordered at random, on four workers; a trial reports the stored accuracies,
epoch by epoch, and the pruner speaks. For each pruner and file the Markdown tables say, as means
over the studies,

* epochs: the share of all epochs that were trained;
* lost: how far the best network that was kept is behind the best one, in points of accuracy;
* found: in how many studies the best network was kept, in %;
* at budget: `lost`, against the best of the whole file, where the epochs end after what a quarter
  of its networks would take in full.

The second table has two objectives, accuracy and parameters: lost is the share of the hypervolume
(over the worst tenth's accuracy and the logarithm of the parameters) in %, found that of the front.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from extrapolation import Array, Extrapolation, Predict, by_form, by_gain, by_regression
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, NopPruner
from optuna.study import StudyDirection
from optuna.trial import Trial, TrialState

from optunas.pruners import make_pruner, report, should_prune

WORKERS = 4


@dataclass(frozen=True)
class Curves:
    """The networks of one file. accuracy: (networks, epochs)."""

    name: str
    accuracy: Array
    params: Array

    @classmethod
    def read(cls, path: Path) -> Curves:
        rows = [row for line in path.read_text().splitlines() if (row := json.loads(line))]
        numbers = (
            np.array([row["curve"] for row in rows]),
            np.array([row["params"] for row in rows]),
        )
        return cls(path.stem, numbers[0], numbers[1].astype(float))

    @property
    def epochs(self) -> int:
        return int(self.accuracy.shape[1])


def replay(
    curves: Curves, order: Sequence[int], pruner: BasePruner, costs: bool, budget: float = np.inf
) -> tuple[list[int], int]:
    """The networks that were trained to the end, and the epochs that all of them took."""
    directions = [StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE]
    name = f"{order[:4]}"  # Hyperband's brackets follow from it
    study = optuna.create_study(study_name=name, directions=directions[: 1 + costs], pruner=pruner)
    waiting, kept, spent = list(order), list[int](), 0
    running: list[tuple[int, Trial, int]] = []
    while running or (waiting and spent < budget):
        while waiting and len(running) < WORKERS and spent < budget:
            running.append((waiting.pop(0), study.ask(), 0))
        network, trial, epoch = running.pop(0)
        accuracy, epoch, spent = curves.accuracy[network, epoch], epoch + 1, spent + 1
        values = (accuracy, curves.params[network]) if costs else (accuracy,)
        report(trial, values, epoch)
        if epoch == curves.epochs:
            study.tell(trial, values)
            kept.append(network)
        elif should_prune(trial):
            study.tell(trial, state=TrialState.PRUNED)
        else:
            running.append((network, trial, epoch))
    return kept, spent


def volume(curves: Curves, networks: Sequence[int]) -> float:
    """The hypervolume of networks, and with it the front."""
    floor, wall = np.quantile(curves.accuracy[:, -1], 0.1), np.log(curves.params.max()) + 0.2
    total, best = 0.0, floor
    for network in sorted(networks, key=lambda n: curves.params[n]):
        gain = max(0.0, curves.accuracy[network, -1] - best)
        total, best = total + gain * (wall - np.log(curves.params[network])), best + gain
    return float(total)


def front(curves: Curves, networks: Sequence[int]) -> set[int]:
    last, params = curves.accuracy[:, -1], curves.params
    return {
        n
        for n in networks
        if not any(
            last[m] >= last[n]
            and params[m] <= params[n]
            and (last[m], -params[m]) != (last[n], -params[n])
            for m in networks
        )
    }


def loss(curves: Curves, kept: Sequence[int], of: Sequence[int], costs: bool) -> float:
    if costs:
        return 100 * (1 - volume(curves, kept) / volume(curves, of))
    last = curves.accuracy[:, -1]
    return float(100 * (last[list(of)].max() - last[kept].max()))


def means_of(curves: Curves, pruner: BasePruner, seeds: int, costs: bool) -> Array:
    """epochs in %, lost, found in %, lost at the budget: the means over the studies."""
    rows = []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(curves.params)).tolist()
        half = order[: len(order) // 2]
        kept, spent = replay(curves, half, pruner, costs)
        lost = loss(curves, kept, half, costs)
        best = front(curves, half)
        found = len(best & set(kept)) / len(best) if costs else lost == 0
        some, _ = replay(curves, order, pruner, costs, budget=len(order) // 4 * curves.epochs)
        share = spent / len(half) / curves.epochs
        rows.append((100 * share, lost, 100 * found, loss(curves, some, order, costs)))
    means: Array = np.array(rows).mean(0)
    return means


# the tables

WARMUPS = (0.2, 0.3, 0.4)
Make = Callable[[int], BasePruner]


def named(text: str, costs: bool = False, **shares: float) -> tuple[str, Make]:
    """A pruner by its name; `shares` are of the epochs, and become whole epochs."""

    def make(epochs: int) -> BasePruner:
        whole = [f"{name}={max(1, round(share * epochs))}" for name, share in shares.items()]
        inside = ", ".join([*whole, *([text[text.index("(") + 1 : -1]] if "(" in text else [])])
        name = f"{text.partition('(')[0]}({inside})"
        return make_pruner(name, epochs=epochs, n_objectives=2 if costs else 1)

    return f"{text}, " + ", ".join(f"{n} {s:.0%}" for n, s in shares.items()), make


def extrapolated(predict: Predict, warmup: float, confidence: float) -> tuple[str, Make]:
    label = f"{predict.__name__.replace('_', ' ')}, warmup {warmup:.0%}, {confidence:.0%} sure"
    return label, lambda epochs: Extrapolation(predict, epochs, warmup, confidence)


NONE = ("none", lambda epochs: NopPruner())
SINGLE = [
    NONE,
    *(named("median", warmup=share) for share in WARMUPS),
    *(named("percentile", warmup=share) for share in WARMUPS),
    *(named("halving(factor=2)", first=share) for share in (0.2, 0.25, 0.3, 0.33, 0.4)),
    *(named("halving(factor=3)", first=share) for share in (0.1, 0.2, 0.33, 0.4)),
    *(named("hyperband(factor=2)", first=share) for share in (0.1, 0.2)),
    named("hyperband(factor=3)", first=0.1),
    *(extrapolated(by_gain, 0.1, sure) for sure in (0.7, 0.8, 0.9, 0.95)),
    *(extrapolated(by_regression, 0.1, sure) for sure in (0.8, 0.9, 0.95)),
    *(extrapolated(by_form, 0.2, sure) for sure in (0.7, 0.8, 0.9)),
]
SEVERAL = [
    NONE,
    *(
        named(f"pareto(dominators={k}, share={share}, patience={patience})", costs=True, warmup=w)
        for k, share, patience in ((1, 0.0, 1), (2, 0.1, 1), (2, 0.1, 3), (3, 0.1, 3))
        for w in WARMUPS
    ),
]


def table(
    files: Sequence[Curves], rules: Sequence[tuple[str, Make]], seeds: int, costs: bool
) -> None:
    columns = ("epochs", "lost", "found", "at budget")
    heads = [f"{curves.name}: {columns[0]}" for curves in files]
    print("| pruner |" + "".join(f" {head} | {' | '.join(columns[1:])} |" for head in heads))
    print("|---|" + "---:|" * len(columns) * len(files))
    for label, make in rules:
        cells = [means_of(curves, make(curves.epochs), seeds, costs) for curves in files]
        text = [
            f"{e:.0f} % | {lost:.2f} | {found:.0f} | {late:.2f}" for e, lost, found, late in cells
        ]
        print(f"| {label} | {' | '.join(text)} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--seeds", type=int, default=100)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", ExperimentalWarning)
    files = [Curves.read(path) for path in options.files]
    table(files, SINGLE, options.seeds, costs=False)
    print()
    table(files, SEVERAL, options.seeds, costs=True)
