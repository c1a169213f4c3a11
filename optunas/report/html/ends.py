"""How the trials ended, and why, counted; and what was saved by ending them early."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from optuna.trial import FrozenTrial, TrialState

from optunas.attributes import Outcome, outcomes, text
from optunas.insights import Savings
from optunas.insights.words import duration
from optunas.report.html.tables import Table

REASONS = 8  # of one outcome
LONG = 240  # signs of a reason
EARLY = (Outcome.FAILED, Outcome.INTERRUPTED, Outcome.REJECTED, Outcome.PRUNED, Outcome.REUSED)


@dataclass(frozen=True)
class Ends:
    """A way to end: how often, and for which reasons, the most frequent ones first."""

    outcome: str
    trials: int
    reasons: tuple[tuple[str, int], ...]
    more: int


def ends(trials: Sequence[FrozenTrial]) -> list[Ends]:
    """Of what did not become a trained network: failures first."""
    found: dict[Outcome, Counter[str]] = defaultdict(Counter)
    by_number = outcomes(trials)
    for trial in trials:
        if (end := by_number.get(trial.number)) in EARLY:
            found[end][_reason(trial)] += 1
    return [_ends(end, found[end]) for end in EARLY if found[end]]


def _ends(end: Outcome, reasons: Counter[str]) -> Ends:
    common = reasons.most_common(REASONS)
    more = reasons.total() - sum(times for _, times in common)
    return Ends(end.value, reasons.total(), tuple(common), more)


def _reason(trial: FrozenTrial) -> str:
    """Without the numbers in which two reasons of one kind differ."""
    said = text(trial, "reason")[:LONG]
    if said.startswith("over its limits"):
        return re.sub(r" [\d.,e+]+ > ", " > ", said)
    if said.startswith("the same network as trial"):
        return "the same network as an earlier trial"
    return said or _state(trial)


def _state(trial: FrozenTrial) -> str:
    failed = trial.state is TrialState.FAIL
    return "no reason is stored; its worker may be gone" if failed else "no reason is stored"


def saved(found: Savings) -> Table | None:
    """What each way of saving spared; None where nothing was saved."""
    rows = tuple(
        (saving.by, saving.how, f"{saving.trials} of {saving.of}", duration(saving.seconds),
         _between(saving.low, saving.high))
        for saving in found.saved
        if saving.trials
    )  # fmt: skip
    heads = ("by", "estimated by", "trials", "saved", "quartiles")
    return Table(heads, rows, words=2) if rows else None


def _between(low: float, high: float) -> str:
    return "" if low == high else f"{duration(low)} to {duration(high)}"
