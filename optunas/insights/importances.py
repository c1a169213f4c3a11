"""How much each parameter matters: two measures that ask different questions."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

import numpy as np
from numpy.random import Generator
from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial

from optunas.insights.choices import ABSENT, active
from optunas.insights.reading import Aim, aim_of, trained, trials_of, value
from optunas.insights.sample import sampled
from optunas.ranks import Array

FEWEST = 20
"""So many trained networks are needed before importances are computed."""

FOLDS = 5
TREES = 50
LARGEST = 500
"""Above so many networks a random sample carries it."""

REPEATS = 3


@dataclass(frozen=True)
class Importance:
    """A parameter's importance, over `networks`.

    `anova`: PED-ANOVA, the parameter's share of what sets the best tenth apart (Watanabe et al.,
    IJCAI 2023; all parameters together are 1). `permutation`: by how much the R² of a random forest
    on networks that it has not seen falls when the parameter is shuffled among them, `spread` its
    standard deviation over the folds; about 0 for a parameter without effect. `fit`: the forest's
    R² itself; where it is not above 0, `permutation` says nothing.
    """

    parameter: str
    anova: float
    permutation: float
    spread: float
    fit: float
    networks: int


def importances(
    study: Study, trials: Sequence[FrozenTrial] | None = None
) -> tuple[Importance, ...]:
    """Every parameter with two values or more, the most important (PED-ANOVA) first.

    Networks that were trained to the end count, a reused result once; above `LARGEST` a random
    sample of them. Empty below `FEWEST`. Which way a parameter works say `effects`.
    """
    aim = aim_of(study)
    networks = sampled(trained(trials_of(study, trials), aim), LARGEST)
    if len(networks) < FEWEST:
        return ()
    values = np.array([value(trial, aim) for trial in networks], dtype=np.float64)
    names, table = _table(networks)
    if not names or not np.ptp(values):
        return ()
    shares = _anova(study, networks, aim)
    drops, fit = _permuted(table, values)
    found = [
        Importance(name, shares.get(name, 0.0), mean, spread, fit, len(networks))
        for name, (mean, spread) in zip(names, drops, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: (-one.anova, -one.permutation, one.parameter)))


def _anova(study: Study, networks: Sequence[FrozenTrial], aim: Aim) -> Mapping[str, float]:
    """PED-ANOVA of exactly these networks: it leaves out whose target is not finite."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    losses = {trial.number: -aim.sign * (value(trial, aim) or 0.0) for trial in networks}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that less is better, and of rare conditional parameters
        found = get_param_importances(
            study,
            evaluator=PedAnovaImportanceEvaluator(),
            target=lambda trial: losses.get(trial.number, nan),
        )
    return {name: float(share) for name, share in found.items() if isfinite(share)}


def _table(networks: Sequence[FrozenTrial]) -> tuple[list[str], Array]:
    """(n, parameters) numbers as they are, choices by their place; -1 where there is none."""
    known: dict[str, BaseDistribution] = {}
    for trial in networks:
        known |= trial.distributions
    acting = [active(trial.params) for trial in networks]
    rows = {
        name: np.array(
            [
                _place(known[name], trial.params[name]) if name in on else ABSENT
                for trial, on in zip(networks, acting, strict=True)
            ],
            dtype=np.float64,
        )
        for name in sorted(known)
    }
    varied = [name for name, row in rows.items() if np.ptp(row)]
    return varied, np.column_stack([rows[name] for name in varied] or [np.zeros(len(networks))])


def _place(distribution: BaseDistribution, choice: Any) -> float:
    if isinstance(distribution, CategoricalDistribution):
        return float(distribution.to_internal_repr(choice))
    return float(choice)


def _permuted(table: Array, values: Array) -> tuple[list[tuple[float, float]], float]:
    """For each parameter the mean fall of R² and its deviation over the folds; R² itself.

    Of the variance of all values together, since in a small fold there may be next to none.
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.model_selection import KFold

    falls, misses = [], []
    spread = max(float(values.var()), 1e-300)
    for fold, (seen, unseen) in enumerate(KFold(FOLDS, shuffle=True, random_state=0).split(table)):
        forest = RandomForestRegressor(TREES, min_samples_leaf=3, random_state=fold)
        forest.fit(table[seen], values[seen])
        missed = np.square(values[unseen] - forest.predict(table[unseen])) / spread
        shuffled = _shuffled(table[unseen], np.random.default_rng(fold))
        guesses = forest.predict(shuffled.reshape(-1, table.shape[1]))
        worse = np.square(values[unseen] - guesses.reshape(-1, REPEATS, len(unseen))) / spread
        falls.append(worse.mean((1, 2)) - missed.mean())
        misses.extend(missed)
    means, spreads = np.mean(falls, 0), np.std(falls, 0, ddof=1)
    drops = [(float(m), float(s)) for m, s in zip(means, spreads, strict=True)]
    return drops, float(1 - np.mean(misses))


def _shuffled(table: Array, rng: Generator) -> Array:
    """(n, p) -> (p, REPEATS, n, p): one parameter after the other shuffled among the rows.

    All at once: `sklearn.inspection.permutation_importance` asks the forest for each by itself,
    which takes twenty times as long.
    """
    copies = np.broadcast_to(table, (table.shape[1], REPEATS, *table.shape)).copy()
    for place, repeats in enumerate(copies):
        for copy in repeats:
            copy[:, place] = rng.permutation(copy[:, place])
    return copies
