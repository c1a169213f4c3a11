"""The best networks as pictures, the hand-made one beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from optuna import Study
from optuna.trial import FrozenTrial

from optunas.attributes import BASELINE, text
from optunas.described import described
from optunas.errors import OptunasError
from optunas.report.html.tables import cost, role, told_value
from optunas.tally import best_trials, groups

SHOWN = 3
MOST_SIGNS = 250_000  # of one picture


@dataclass(frozen=True)
class Network:
    """A picture (SVG, made by us from the description) and what stands below it.

    `picture` is empty where there is none; `missing` says why.
    """

    trial: int
    role: str
    value: str
    cost: str
    picture: Markup
    missing: str


def networks(study: Study, trials: Sequence[FrozenTrial]) -> list[Network]:
    """The best few different networks; behind them the hand-made one, where it is not among them.

    Several trials may have trained the same network by different recipes: it is drawn once.
    """
    found: dict[str, FrozenTrial] = {}
    for trial in best_trials(study, trials):
        found.setdefault(text(trial, "key") or str(trial.number), trial)
        if len(found) == SHOWN:
            break
    shown = list(found.values())
    by_hand = best_trials(study, groups(trials)[BASELINE])[:1]
    shown += [trial for trial in by_hand if all(trial.number != t.number for t in shown)]
    return [_network(study, trial) for trial in shown]


def _network(study: Study, trial: FrozenTrial) -> Network:
    picture, missing = "", ""
    try:
        picture = described(trial).picture()
    except OptunasError as error:
        missing = str(error)
    if len(picture) > MOST_SIGNS:
        missing = f"its picture is too large for a page: optunas show {trial.number} --svg file.svg"
        picture = ""
    value = told_value(study, trial)
    return Network(trial.number, role(trial), value, cost(trial), Markup(picture), missing)
