"""How often are the findings wrong, and how near are the effects? On studies whose truth is known.

    python tests/performance/findings.py --studies 100

Ten parameters of three choices. `nothing`: no choice matters. `planted`: b of p0 is worth 2 points,
c of p1 three, and a trial's own noise is 1 point. Random draws and Optuna's multivariate TPE, with
and without the median pruner. For each: the share of studies with a false finding (aim: 5 %), how
many of the 95 % intervals hold the truth, the mean estimate of p0 = b beside the plain difference
of the means, and how often it was found. A study takes about half a second.
"""

from __future__ import annotations

import argparse
import platform

import numpy as np
import optuna

from optunas.insights import Effect, effects

PLANTED = {("p0", "b"): 0.02, ("p1", "c"): 0.03}
EPOCHS = 6
ROW = "{:<22}{:>8}{:>9}{:>9}{:>12}{:>10}{:>12}{:>9}"


def study(seed: int, trials: int, learns: bool, prunes: bool, is_planted: bool) -> optuna.Study:
    """A search in which `PLANTED` is true, or nothing is."""
    rng = np.random.default_rng(seed)
    made = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed, multivariate=True)
        if learns
        else optuna.samplers.RandomSampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(n_warmup_steps=2),
    )

    def objective(trial: optuna.Trial) -> float:
        chosen = [(f"p{i}", trial.suggest_categorical(f"p{i}", ("a", "b", "c"))) for i in range(10)]
        value = rng.normal(0, 0.01) + is_planted * sum(PLANTED.get(pair, 0.0) for pair in chosen)
        for epoch in range(1, EPOCHS):
            doubt = 0.008 * (1 - epoch / EPOCHS)
            trial.report(value - 0.3 * np.exp(-epoch / 2) + rng.normal(0, doubt), epoch)
            if prunes and trial.should_prune():
                raise optuna.TrialPruned
        trial.report(value, EPOCHS)
        return float(value)

    made.optimize(objective, n_trials=trials)
    return made


def row(trials: int, learns: bool, prunes: bool, is_planted: bool, studies: int) -> str:
    found = [effects(study(s, trials, learns, prunes, is_planted)) for s in range(studies)]
    truths = set(dict(PLANTED)) if is_planted else set()
    mattering = {name for name, _ in truths}
    false = [any(e.sure and e.parameter not in mattering for e in every) for every in found]
    idle = [e for every in found for e in every if e.parameter not in mattering]
    first = [e for every in found for e in every if (e.parameter, e.choice) == ("p0", "b")]
    truth = PLANTED["p0", "b"] if is_planted else 0.0
    held = np.mean([*(_holds(e, 0.0) for e in idle), *(_holds(e, truth) for e in first)])
    how = f"{'TPE' if learns else 'random'}{', pruned' if prunes else ''}"
    return ROW.format(
        how, trials, "planted" if is_planted else "nothing", f"{np.mean(false):.0%}", f"{held:.1%}",
        f"{100 * np.mean([e.value.difference for e in first]):.2f}",
        f"{100 * np.nanmean([e.naive for e in first]):.2f}",
        f"{np.mean([e.sure for e in first]):.0%}",
    )  # fmt: skip


def _holds(effect: Effect, truth: float) -> bool:
    return effect.value.low <= truth <= effect.value.high


def main() -> None:
    made = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--studies", type=int, default=100, help="of each kind")
    made.add_argument("--trials", type=int, nargs="+", default=[60, 120])
    options = made.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    print(f"{platform.machine()}, optuna {optuna.__version__}, {options.studies} studies a row")
    print(ROW.format("search", "trials", "truth", "false", "intervals", "p0 = b", "plain", "found"))
    for trials in options.trials:
        for learns in (False, True):
            for prunes in (False, True):
                for is_planted in (False, True):
                    print(row(trials, learns, prunes, is_planted, options.studies), flush=True)


if __name__ == "__main__":
    main()
