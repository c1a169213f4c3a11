"""The top of the page: what came out, in one sentence and a few numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from optuna import Study
from optuna.trial import FrozenTrial

from optunas.attributes import BASELINE, Outcome, number
from optunas.insights import savings
from optunas.insights.words import duration
from optunas.report.html.tables import cost, told_value
from optunas.tally import Tally, best_trials, groups
from optunas.wording import SHARE, amount, change, plain


@dataclass(frozen=True)
class Number:
    """A number that a person looks for first."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Headline:
    """`lead`: the sentence; `numbers`: at most four."""

    lead: str
    numbers: tuple[Number, ...]


def headline(study: Study, trials: Sequence[FrozenTrial]) -> Headline:
    """What came out of the study, or why nothing has."""
    best = best_trials(study, trials)
    numbers = (*_best(study, trials, best), *_spent(study, trials))
    return Headline(_lead(study, trials, best), numbers if trials else ())


def _lead(study: Study, trials: Sequence[FrozenTrial], best: Sequence[FrozenTrial]) -> str:
    tally = Tally.of(trials)
    if not trials:
        return "No trial has been started yet."
    if not best:
        return f"No network was trained to the end within the limits so far: {tally}."
    first, evaluated = best[0], tally.finished
    reached = told_value(study, first)
    if len(study.directions) > 1:
        networks = "network" if len(best) == 1 else "networks"
        return (
            f"{len(best)} {networks} of {evaluated} evaluated {'is' if len(best) == 1 else 'are'} "
            f"beaten by no other; trial {first.number} came to {reached}."
        )
    return f"The best of {evaluated} evaluated is trial {first.number}: {reached}" + (
        f" with {price}." if (price := cost(first)) else "."
    )


def _best(
    study: Study, trials: Sequence[FrozenTrial], best: Sequence[FrozenTrial]
) -> Iterator[Number]:
    if not best:
        return
    first, accuracy = best[0], number(best[0], "accuracy")
    if accuracy is None:
        yield Number("best value", amount(first.values[0]), f"trial {first.number}")
        return
    note = "validation split" + _gain(study, trials, first, accuracy)
    yield Number("best accuracy", amount(accuracy, SHARE), note)


def _gain(study: Study, trials: Sequence[FrozenTrial], first: FrozenTrial, accuracy: float) -> str:
    """How far it is from the hand-made network, where there is one and it is another."""
    by_hand = next(iter(best_trials(study, groups(trials)[BASELINE])), None)
    if by_hand is None or by_hand.number == first.number:
        return ""
    said = change(number(by_hand, "accuracy"), accuracy, SHARE)
    return f", {said} over the hand-made one" if said else ""


def _spent(study: Study, trials: Sequence[FrozenTrial]) -> Iterator[Number]:
    tally = Tally.of(trials)
    yield Number("networks evaluated", f"{tally.finished:,}", plain(_ends(tally)))
    found = savings(study, trials)
    if found.spent > 0:
        yield Number("time on devices", duration(found.spent), "from start to end of each trial")
    if found.total_saved > 0:
        yield Number("time saved", duration(found.total_saved), "estimate; see below")


def _ends(tally: Tally) -> str:
    names = (Outcome.PRUNED, Outcome.REJECTED, Outcome.REUSED, Outcome.FAILED)
    return ", ".join(f"{tally.ended[end]} {end.value}" for end in names if tally.ended[end])
