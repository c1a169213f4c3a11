"""Who runs in the race: the best networks of a study, each with its own recipe, and baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from optuna import Study
from optuna.trial import FixedTrial, FrozenTrial

from optunas.attributes import text
from optunas.delivery.baselines import KINDS, baselines
from optunas.delivery.choice import Rule, rule_for
from optunas.delivery.race import Entrant
from optunas.delivery.schedule import scheduled
from optunas.errors import StudyError
from optunas.objective import Candidate, Objective
from optunas.tally import best_trials
from optunas.training import Recipe


@dataclass(frozen=True)
class LineUp:
    """Who runs, the best of the study first; by which rule; and what is to be said of that."""

    entrants: tuple[Entrant, ...]
    rule: Rule
    notes: tuple[str, ...] = ()

    @property
    def searched_epochs(self) -> int:
        """How long the best was trained in the search."""
        return self.entrants[0].candidate.recipe.epochs

    def within(
        self, deadline: float, objective: Objective, folder: Path, devices: int = 1
    ) -> LineUp:
        """The same with epochs for the time there is (`optunas.delivery.schedule`)."""
        running = scheduled(
            self.entrants, objective, deadline, self.searched_epochs, folder, devices
        )
        late = ("there was no time for the baselines; `optunas deliver` takes it",)
        cut = len(running) < len(self.entrants)
        return replace(self, entrants=running, notes=self.notes + late * cut)


def line_up(
    study: Study,
    objective: Objective,
    *,
    candidates: int,
    longer: int,
    choose: str | None = None,
    compared: bool = True,
    ema: float = 0.0,
) -> LineUp:
    """The best `candidates` different networks; with their baselines, where they are `compared`.

    Raises `StudyError` where there is none, or the objective is not the study's.
    """
    objective.check_study(study)
    best = best_trials(study, study.get_trials(deepcopy=False))
    if not best:
        raise StudyError(
            f"a winner needs a completed trial within the limits; study {study.study_name!r} has "
            "none: search on"
        )
    rule = rule_for(objective.metrics, [trial.values for trial in best], choose)
    best = sorted(best, key=lambda trial: -rule.merit(_values(trial, objective)))
    notes = []
    if len(objective.metrics) > 1:
        notes.append(f"chosen among the {len(best)} networks of the Pareto front: {rule}")
    entrants = _best(best, objective, rule, candidates, longer, ema)
    if compared:
        trials = study.get_trials(deepcopy=False)
        others = list(baselines(objective, trials, entrants[0].recipe))
        names = {other.name for other in others}
        notes += [
            f"no {name} network is within the limits and no costlier than those of the search"
            for name in KINDS
            if name not in names
        ]
        entrants += others
    return LineUp(tuple(entrants), rule, tuple(notes))


def _best(
    best: Sequence[FrozenTrial],
    objective: Objective,
    rule: Rule,
    candidates: int,
    longer: int,
    ema: float,
) -> list[Entrant]:
    """The first few that are different networks."""
    entrants: list[Entrant] = []
    keys: set[str] = set()
    for trial in best:
        key = text(trial, "key")
        if key and key in keys:  # with another recipe: the better one is in
            continue
        keys.add(key)
        entrants.append(_entrant(trial, objective, longer, rule, ema))
        if len(entrants) == candidates:
            break
    return entrants


def _entrant(
    trial: FrozenTrial, objective: Objective, longer: int, rule: Rule, ema: float
) -> Entrant:
    candidate = _candidate(objective, trial)
    values = _values(trial, objective)
    return Entrant(
        name=f"trial {trial.number}",
        candidate=candidate,
        recipe=in_full(candidate.recipe, longer, ema),
        trial=trial.number,
        searched=values.get(rule.learned, float(trial.values[0])),
        values=values,
    )


def in_full(recipe: Recipe, longer: int, ema: float = 0.0) -> Recipe:
    """The recipe for so many times the epochs, on all images as they are; `ema`, where it is not 0,
    takes the place of the recipe's own."""
    epochs, ema = recipe.epochs * longer, ema or recipe.ema
    return replace(recipe, epochs=epochs, train_fraction=1.0, resolution=None, ema=ema)


def _values(trial: FrozenTrial, objective: Objective) -> dict[str, float]:
    """The trial's values, by metric."""
    return dict(zip(objective.metrics, map(float, trial.values), strict=True))


def _candidate(objective: Objective, trial: FrozenTrial) -> Candidate:
    """What the trial proposed; the objective must see the same network in its parameters.

    The recipe is the trial's own: the options of a search may have changed the objective's.
    """
    recipe = trial.user_attrs.get("recipe")
    prospect = objective.prospect
    if recipe is not None:
        prospect = replace(prospect, recipe=Recipe.from_json(recipe))
    try:
        candidate = prospect.propose(FixedTrial(trial.params, trial.number))
    except ValueError as error:
        raise StudyError(
            f"trial {trial.number} does not fit this objective's search space ({error}): deliver "
            "with the study file that the study was searched with"
        ) from None
    if candidate.key != trial.user_attrs.get("key", candidate.key):
        raise StudyError(
            f"the parameters of trial {trial.number} make another network than they did in the "
            "search: the search space or the data have changed since; deliver with those of then"
        )
    return candidate
