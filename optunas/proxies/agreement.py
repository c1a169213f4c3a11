"""How well the proxies of a study ranked the networks that it trained. No torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

import numpy as np
from optuna import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optunas.attributes import Outcome, number, outcome, text
from optunas.proxies.names import PREFIX, PROXIES, SIZES
from optunas.ranks import spearman, spearman_interval


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation of a proxy with the first objective, over `networks`.

    `rho` is above 0 where a greater proxy goes with a better network, be the objective maximised
    or minimised; NaN where it is not defined. `low` and `high` are the bounds of its 95 %
    confidence interval by Fisher's transformation, with the variance of Bonett & Wright (2000).
    """

    proxy: str
    rho: float
    networks: int
    low: float
    high: float


def correlations(study: Study) -> list[Correlation]:
    """Each proxy that the study's trials have (user attributes `proxy.swap`, ...), best first.

    Parameters and MACs, which every trial of optunas has, are there too: a proxy that does not do
    better than they is not worth its time. What counts are networks that were trained to the end,
    each once. Pruned ones are left out, since accuracies after different epochs are not comparable:
    where a pruner stops the bad ones, rho is that among the others, and lower than over all.
    """
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    names = {
        name.removeprefix(PREFIX)
        for trial in trials
        for name in trial.user_attrs
        if name.startswith(PREFIX) or name in SIZES
    }
    found = [correlation(trials, study.directions[0], name) for name in sorted(names, key=_order)]
    return sorted((one for one in found if one.networks), key=lambda one: -_defined(one.rho))


def correlation(
    trials: Iterable[FrozenTrial], direction: StudyDirection, proxy: str
) -> Correlation:
    """That of one proxy; `direction` is the first objective's."""
    pairs: dict[str, tuple[float, float]] = {}
    for trial in trials:
        if trial.state is TrialState.COMPLETE and outcome(trial) is Outcome.TRAINED:
            score, value = _score(trial, proxy), trial.values[0]
            if score is not None and isfinite(value):
                pairs.setdefault(text(trial, "key") or str(trial.number), (score, value))
    rows = np.array(list(pairs.values()), dtype=np.float64).reshape(-1, 2)
    sign = 1 if direction is StudyDirection.MAXIMIZE else -1
    rho = spearman(rows[:, 0], sign * rows[:, 1])
    return Correlation(proxy, rho, len(rows), *spearman_interval(rho, len(rows)))


def _score(trial: FrozenTrial, proxy: str) -> float | None:
    score = number(trial, PREFIX + proxy)
    if score is None and proxy in SIZES:
        score = number(trial, proxy)
    return score if score is not None and isfinite(score) else None


def _order(name: str) -> tuple[int, str]:
    return [*PROXIES, name].index(name), name


def _defined(rho: float) -> float:
    return rho if isfinite(rho) else -2.0
