"""Where a study stands: how many trials ended how, and the best of them. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from optuna import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from optunas.attributes import BASELINE, RANDOM, Outcome, evaluated, outcome, outcomes, text


@dataclass(frozen=True)
class Tally:
    """Counts of trials. `finished` are those that evaluated a network: `--trials` counts them."""

    finished: int
    ended: Counter[Outcome] = field(repr=False)
    running: int
    waiting: int

    @classmethod
    def of(cls, trials: Sequence[FrozenTrial]) -> Tally:
        """Count a study's trials."""
        states = Counter(trial.state for trial in trials)
        ends = Counter(outcomes(trials).values())
        return cls(
            len(evaluated(trials)), ends, states[TrialState.RUNNING], states[TrialState.WAITING]
        )

    def __str__(self) -> str:
        """`12 done, 5 pruned, 2 rejected, 0 failed`, and what else there is."""
        ends = self.ended
        done = ends[Outcome.TRAINED] + ends[Outcome.REUSED]
        parts = [
            f"{done} done",
            f"{ends[Outcome.PRUNED]} pruned",
            f"{ends[Outcome.REJECTED]} rejected",
            f"{ends[Outcome.FAILED]} failed",
        ]
        more = {
            "reused": ends[Outcome.REUSED],
            "interrupted": ends[Outcome.INTERRUPTED],
            "running": self.running,
            "waiting": self.waiting,
        }
        return ", ".join(parts + [f"{count} {name}" for name, count in more.items() if count])


def best_trials(study: Study, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Completed trials within their limits, the best first; with several objectives the front.

    An equal network that was reused stands in the list once, as the trial that trained it.
    """
    complete = [t for t in trials if t.state is TrialState.COMPLETE and t.values and _feasible(t)]
    complete = [t for t in complete if outcome(t) is not Outcome.REUSED] or complete
    signs = [-1 if d is StudyDirection.MAXIMIZE else 1 for d in study.directions]
    losses = {t.number: [s * v for s, v in zip(signs, t.values, strict=True)] for t in complete}
    ranked = sorted(complete, key=lambda t: (losses[t.number], t.number))
    if len(signs) == 1:
        return ranked
    front: list[FrozenTrial] = []
    for trial in ranked:  # only an earlier one can be better
        if not any(_beats(losses[other.number], losses[trial.number]) for other in front):
            front.append(trial)
    return front


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether one is nowhere worse and somewhere better than the other; less is better."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def groups(trials: Iterable[FrozenTrial]) -> dict[str, list[FrozenTrial]]:
    """The trials by who proposed them: `baseline`, `random draw`, `search`."""
    by_role: dict[str, list[FrozenTrial]] = {BASELINE: [], RANDOM: [], "search": []}
    for trial in trials:
        role = text(trial, "role")
        by_role[role if role in by_role else "search"].append(trial)
    return by_role


def _feasible(trial: FrozenTrial) -> bool:
    return all(value <= 0 for value in trial.constraints.values())
