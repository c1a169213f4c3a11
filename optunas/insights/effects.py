"""What each choice of each parameter is worth, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from optunas.attributes import Outcome, outcome, promotes
from optunas.insights.adjusted import Estimate, differences
from optunas.insights.choices import ABSENT, Column, columns
from optunas.insights.finals import with_finals
from optunas.insights.holm import holm
from optunas.insights.reading import COSTS, Aim, aim_of, aims, measure, trials_of, value
from optunas.insights.sample import sampled
from optunas.ranks import Array


@dataclass(frozen=True)
class Effect:
    """A choice of a parameter against the parameter's other choices, as they were taken.

    `value`: in units of the objective, other parameters held equal; `costs`: the same by the name
    of the cost or other objective; `naive`: the plain difference of the two means of the value,
    which a sampler's preferences confound. `networks` have the choice, `others` another one; of
    both together `pruned` were stopped, so that their values are estimated (`finals`). `sure`: that
    there is one, with one chance in twenty of any false one in the whole study (Holm).
    """

    parameter: str
    choice: str
    networks: int
    others: int
    value: Estimate
    costs: Mapping[str, Estimate]
    naive: float
    pruned: int
    sure: bool
    maximise: bool

    @property
    def direction(self) -> str:
        """`better` or `worse` where that is sure, else `unclear`: it could be chance."""
        if not self.sure:
            return "unclear"
        return "better" if (self.value.difference > 0) == self.maximise else "worse"


def effects(study: Study, trials: Sequence[FrozenTrial] | None = None) -> tuple[Effect, ...]:
    """Every choice that was taken often enough, by parameter; `adjusted` says how it is estimated.

    Networks trained to the end count (a reused result once), and pruned ones with what they would
    have come to, which is estimated (`finals`); rejected and failed ones have no value. Parameters
    of stages and blocks that a network does not have are left out of account for it
    (`choices.active`). A numeric parameter of many values is cut into four ranges. Above
    `sample.LARGEST` networks a random sample is used.
    """
    aim = aim_of(study)
    networks, finals = with_finals(sampled(evaluated(trials_of(study, trials), aim)), aim)
    return effects_among(study, networks, finals)


def effects_among(
    study: Study, networks: Sequence[FrozenTrial], finals: Array
) -> tuple[Effect, ...]:
    """The same for networks whose values (networks, draws) are known; see `finals.with_finals`."""
    if not networks:
        return ()
    aim, every = aim_of(study), columns(networks)
    worth = differences(every, finals)
    costs = _costs(networks, aims(study), aim)
    costly = {name: differences(every, row[:, None]) for name, row in costs.items()}
    pruned = np.array([value(trial, aim) is None for trial in networks])
    known = np.where(pruned, np.nan, finals[:, 0])
    found = [
        (place, choice)
        for place, column in enumerate(every)
        for choice in range(len(column.labels))
        if np.isfinite(worth[place][choice].difference)
    ]
    sure = holm([worth[place][choice].p for place, choice in found])
    return tuple(
        Effect(
            every[place].name,
            every[place].labels[choice],
            int((every[place].codes == choice).sum()),
            int(((every[place].codes != choice) & (every[place].codes != ABSENT)).sum()),
            worth[place][choice],
            _known({name: table[place][choice] for name, table in costly.items()}),
            _naive(every[place], choice, known),
            int((pruned & (every[place].codes != ABSENT)).sum()),
            is_sure,
            aim.maximise,
        )
        for (place, choice), is_sure in zip(found, sure, strict=True)
    )


def evaluated(trials: Sequence[FrozenTrial], aim: Aim) -> list[FrozenTrial]:
    """The networks that were trained here, to the end or until the pruner stopped them for good:
    one that was promoted stands there as the trial that went on with it."""
    went_on = {promotes(trial) for trial in trials if trial.state is not TrialState.FAIL}
    ends = {trial.number: outcome(trial) for trial in trials}
    return [
        trial
        for trial in trials
        if (ends[trial.number] is Outcome.PRUNED and trial.number not in went_on)
        or (ends[trial.number] is Outcome.TRAINED and value(trial, aim) is not None)
    ]


def _costs(networks: Sequence[FrozenTrial], every: Sequence[Aim], aim: Aim) -> dict[str, Array]:
    """(n,) each cost that differs between the networks, and each other objective; NaN where it is
    not known."""
    names = dict.fromkeys((*COSTS, *(other.name for other in every if other.name != aim.name)))
    table = {
        name: np.array([measure(trial, name, every) for trial in networks], dtype=np.float64)
        for name in names
    }
    return {name: row for name, row in table.items() if len(np.unique(row[np.isfinite(row)])) > 1}


def _known(costs: Mapping[str, Estimate]) -> dict[str, Estimate]:
    return {name: cost for name, cost in costs.items() if np.isfinite(cost.difference)}


def _naive(column: Column, choice: int, values: Array) -> float:
    mine = column.codes == choice
    others = ~mine & (column.codes != ABSENT)
    sides = [values[rows & np.isfinite(values)] for rows in (mine, others)]
    return float(sides[0].mean() - sides[1].mean()) if all(map(len, sides)) else nan
