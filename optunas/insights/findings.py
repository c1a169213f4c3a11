"""What the study shows, in plain sentences, each with its uncertainty, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from optuna import Study
from optuna.trial import FrozenTrial

from optunas.attributes import BASELINE, RANDOM, text
from optunas.insights.adjusted import differences
from optunas.insights.agreement import agreement
from optunas.insights.choices import ABSENT, Column
from optunas.insights.effects import Effect, effects_among, evaluated
from optunas.insights.finals import with_finals
from optunas.insights.holm import LEVEL
from optunas.insights.reading import Aim, aim_of, trials_of
from optunas.insights.sample import sampled
from optunas.insights.savings import savings
from optunas.insights.words import amount, duration, worth
from optunas.ranks import Array


@dataclass(frozen=True)
class Finding:
    """A sentence and the estimate that it rests on, with its 95 % interval.

    `kind`: `effect`, `search`, `pruning` or `savings`; `trials`: how many networks it is from.
    """

    kind: str
    text: str
    estimate: float
    low: float
    high: float
    trials: int


def findings(study: Study, trials: Sequence[FrozenTrial] | None = None) -> tuple[Finding, ...]:
    """The effects that are sure, the largest first, then whether the search beats its random draws
    and whether pruning is safe, then savings.

    An effect is told where its p-value passes Holm's correction over all choices of all parameters:
    of studies in which no choice matters, one in twenty then has a finding. Its interval in the
    sentence is the plain 95 % one.
    """
    trials = trials_of(study, trials)
    aim = aim_of(study)
    networks, finals = with_finals(sampled(evaluated(trials, aim)), aim)
    told = [_effect(effect, aim.name) for effect in _sure(effects_among(study, networks, finals))]
    return (
        *told,
        *_against_random(networks, finals, aim),
        *_pruning(study, trials),
        *_savings(study, trials),
    )


def _sure(every: Sequence[Effect]) -> list[Effect]:
    """One sentence for a parameter of two choices, which say the same; the larger effects first."""
    kept = [effect for effect in every if effect.sure]
    order = sorted(kept, key=lambda e: (-abs(e.value.difference), e.parameter, e.choice))
    told: list[Effect] = []
    for effect in order:
        twin = any(
            other.parameter == effect.parameter
            and (other.networks, other.others) == (effect.others, effect.networks)
            for other in told
        )
        if not twin:
            told.append(effect)
    return told


def _effect(effect: Effect, name: str) -> Finding:
    estimate = effect.value
    counts = f"{effect.networks} networks with it, {effect.others} with another"
    if effect.pruned:
        counts += f"; {effect.pruned} were pruned, their ends estimated"
    text = (
        f"{effect.parameter} = {effect.choice} is worth {worth(name, estimate)} against its other "
        f"choices{_price(effect)} ({counts})."
    )
    trials = effect.networks + effect.others
    return Finding("effect", text, estimate.difference, estimate.low, estimate.high, trials)


def _price(effect: Effect) -> str:
    """What it costs, where that is sure: the first such cost."""
    for name, cost in effect.costs.items():
        if cost.p < LEVEL / len(effect.costs):
            is_dear = cost.difference > 0
            joint = "but" if is_dear == (effect.direction == "better") else "and"
            return f", {joint} {'costs' if is_dear else 'saves'} {amount(name, cost)}"
    return ""


def _against_random(networks: Sequence[FrozenTrial], finals: Array, aim: Aim) -> list[Finding]:
    """Whether the networks of the search are better than the random ones it began with."""
    sides = [ABSENT if (role := text(t, "role")) == BASELINE else role != RANDOM for t in networks]
    column = Column("role", (RANDOM, "search"), np.array(sides, dtype=np.int64))
    ((_, estimate),) = differences([column], finals)
    random, searched = ((column.codes == side).sum() for side in (0, 1))
    if not estimate.p < LEVEL:
        return []
    said = (
        f"Networks that the search proposed come to {worth(aim.name, estimate)} against random "
        f"draws ({searched} networks against {random})."
    )
    total = int(random + searched)
    low, high = estimate.low, estimate.high
    return [Finding("search", said, estimate.difference, low, high, total)]


def _pruning(study: Study, trials: Sequence[FrozenTrial]) -> list[Finding]:
    agreed = agreement(study, trials)
    row = agreed.judged
    if row is None or agreed.is_safe is None:
        return []
    return [Finding("pruning", agreed.verdict, row.rho, row.low, row.high, row.networks)]


def _savings(study: Study, trials: Sequence[FrozenTrial]) -> list[Finding]:
    found = savings(study, trials)
    told = []
    for saving in found.saved:
        if saving.trials and saving.seconds > 0:
            more = (
                ""
                if saving.low == saving.high
                else (f" ({duration(saving.low)} to {duration(saving.high)})")
            )
            text = (
                f"{saving.by.capitalize()} saved about {duration(saving.seconds)}{more} of "
                f"training in {saving.trials} trials, estimated by {saving.how}."
            )
            told.append(
                Finding("savings", text, saving.seconds, saving.low, saving.high, saving.trials)
            )
    return told
