"""What changed between the hand-made network and the winner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from optuna import Study
from optuna.trial import FrozenTrial

from optunas.attributes import BASELINE
from optunas.insights.difference import Change, Difference, LayerLine, difference
from optunas.report.html.tables import Table
from optunas.tally import best_trials, groups
from optunas.wording import amount, by, change, count, plain, setting, title

LONG = 400  # signs of one layer or value
MARKS = {"=": "", "-": "−", "+": "+"}
KINDS = {"=": "same", "-": "gone", "+": "new"}


@dataclass(frozen=True)
class Layer:
    """A line of the diff. `kind`: same, gone, new."""

    kind: str
    mark: str
    layer: str
    output: str
    params: str
    macs: str


@dataclass(frozen=True)
class Changes:
    """`intro` says what is compared, or why nothing is; the tables are None where empty."""

    intro: str
    numbers: Table | None = None
    layers: tuple[Layer, ...] = ()
    parameters: Table | None = None
    recipe: Table | None = None


def changes(study: Study, trials: Sequence[FrozenTrial]) -> Changes | None:
    """From the hand-made network to the best one; None where no network was trained by hand."""
    by_hand = next(iter(best_trials(study, groups(trials)[BASELINE])), None)
    winner = next(iter(best_trials(study, trials)), None)
    if by_hand is None or winner is None:
        return None
    if by_hand.number == winner.number:
        return Changes(
            f"Nothing so far: the hand-made network, trial {winner.number}, is the best."
        )
    who = f"From the hand-made network (trial {by_hand.number}) to the winner"
    return told(difference(by_hand, winner), f"{who} (trial {winner.number}).")


def told(found: Difference, intro: str) -> Changes:
    """A difference in words and tables."""
    if found.unread:
        intro += f" The networks can't be held against each other: {found.unread}"
    names = (f"trial {found.one}", f"trial {found.other}")
    rows = tuple(
        (
            title(gap.name),
            amount(gap.one, gap.unit),
            amount(gap.other, gap.unit),
            change(gap.one, gap.other, gap.unit),
        )
        for gap in (*found.scores, *found.costs)
    )
    return Changes(
        intro,
        Table(("", *names, "difference"), rows) if rows else None,
        tuple(_layers(found.layers or ())),
        _settings(found.parameters, names),
        _settings(found.recipe, names),
    )


def _layers(lines: Sequence[LayerLine]) -> Iterator[Layer]:
    for line in lines:
        row = line.row
        yield Layer(
            KINDS[line.mark],
            MARKS[line.mark],
            plain(row.layer, LONG),
            by(row.output_shape),
            f"{row.params:,}",
            count(row.macs),
        )


def _settings(found: Sequence[Change], names: tuple[str, str]) -> Table | None:
    rows = tuple(
        (plain(one.name, LONG), plain(setting(one.one), LONG), plain(setting(one.other), LONG))
        for one in found
    )
    return Table(("", *names), rows, words=3) if rows else None
