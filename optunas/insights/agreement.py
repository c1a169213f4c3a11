"""Is pruning safe here: does an early epoch rank the networks as the last one does?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from optuna import Study
from optuna.trial import FrozenTrial

from optunas.attributes import Outcome, outcome
from optunas.insights.reading import Aim, aim_of, reports, trained, trials_of
from optunas.ranks import spearman, spearman_interval

SAFE = 0.6
"""From this rank correlation on, halving is called safe: of normally distributed values, one of the
best tenth then stands in the worse half at the early epoch with a chance of a tenth."""

FEWEST = 10
"""So many fully trained networks it takes to say anything."""


@dataclass(frozen=True)
class Agreed:
    """An epoch against the last one: Spearman's rho with its 95 % interval, over `networks`.

    The interval is Fisher's, with the variance of Bonett & Wright (2000); NaN where undefined.
    """

    epoch: int
    rho: float
    low: float
    high: float
    networks: int


@dataclass(frozen=True)
class Agreement:
    """Each epoch of a full training against the last, which is `epochs`.

    `networks`: how many were trained for just so many epochs. `pruned_from`: the earliest epoch
    after which a network was stopped here, None where none was. `safe_from`: the first epoch from
    which on every interval is above `SAFE`; None where there is none.
    """

    rows: tuple[Agreed, ...]
    epochs: int
    networks: int
    pruned_from: int | None
    safe_from: int | None

    @property
    def is_safe(self) -> bool | None:
        """Whether pruning as it was done here is safe; None where the data can't say.

        Without pruned networks it is asked of the first epoch.
        """
        row = self.judged
        if row is None:
            return None
        return True if row.low >= SAFE else False if row.high < SAFE else None

    @property
    def verdict(self) -> str:
        """One plain sentence."""
        row = self.judged
        if row is None:
            return f"Whether pruning is safe here can't be said: {self._missing}."
        is_past = self.pruned_from is not None
        how = {
            True: "was safe" if is_past else "would be safe",
            False: "was not safe" if is_past else "would not be safe",
            None: "was safe is not sure" if is_past else "would be safe is not sure",
        }[self.is_safe]
        whether = "Whether pruning" if self.is_safe is None else "Pruning"
        said = f"{whether} after epoch {row.epoch} {how}"
        return (
            f"{said}: it ranks the networks as epoch {self.epochs} does with rho {row.rho:.2f} "
            f"(95 % interval {row.low:.2f} to {row.high:.2f}, {row.networks} networks; "
            f"safe from {SAFE} on)."
        )

    @property
    def _missing(self) -> str:
        if self.networks >= FEWEST:
            return "after an early epoch the networks do not differ, or were not reported"
        return (
            f"it takes {FEWEST} networks that were trained to the end with a report each epoch; "
            f"there are {self.networks}"
        )

    @property
    def judged(self) -> Agreed | None:
        """The epoch in question: the first at or after that of the earliest pruning.

        None where there are too few networks to say anything.
        """
        wanted = self.pruned_from or 1
        row = next((row for row in self.rows if row.epoch >= wanted), None)
        return row if row and self.networks >= FEWEST and isfinite(row.rho) else None


def agreement(study: Study, trials: Sequence[FrozenTrial] | None = None) -> Agreement:
    """How well each epoch ranked the networks that were trained to the end.

    What counts are networks that were trained here to the end (no reused results), with the most
    common number of epochs, and a report of the objective after each. Where a pruner took the bad
    ones away, the others are more alike, and rho among them is lower than over all: the verdict
    errs on the careful side.
    """
    trials = trials_of(study, trials)
    aim = aim_of(study)
    curves = [rows for trial in trained(trials, aim) if (rows := reports(trial, aim))]
    pruned = [max(rows) for rows in _pruned(trials, aim) if rows]
    pruned_from = min(pruned, default=None)
    if not curves:
        return Agreement((), 0, 0, pruned_from, None)
    epochs = Counter(max(rows) for rows in curves).most_common(1)[0][0]
    full = [rows for rows in curves if max(rows) == epochs]
    steps = sorted(set.intersection(*(set(rows) for rows in full)) - {epochs})
    agreed = tuple(_agreed(full, step, epochs) for step in steps)
    return Agreement(agreed, epochs, len(full), pruned_from, _safe_from(agreed, len(full)))


def _pruned(trials: Sequence[FrozenTrial], aim: Aim) -> list[dict[int, float]]:
    return [reports(trial, aim) for trial in trials if outcome(trial) is Outcome.PRUNED]


def _agreed(full: Sequence[Mapping[int, float]], step: int, last: int) -> Agreed:
    rho = spearman([rows[step] for rows in full], [rows[last] for rows in full])
    return Agreed(step, rho, *spearman_interval(rho, len(full)), len(full))


def _safe_from(rows: Sequence[Agreed], networks: int) -> int | None:
    found = None
    for row in reversed(rows):
        if networks < FEWEST or not row.low >= SAFE:
            break
        found = row.epoch
    return found
