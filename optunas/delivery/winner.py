"""`deliver`: the best network of a study, retrained for longer, tested once, put on disk."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from optuna import Study
from optuna.trial import FixedTrial, FrozenTrial
from torch import nn

from optunas._version import __version__
from optunas.architecture import Layer
from optunas.attributes import text
from optunas.data import Data
from optunas.delivery.export import Exported, export
from optunas.delivery.facts import write_facts
from optunas.delivery.look import Look, fitted_temperature, look
from optunas.delivery.race import Entrant, Race, race
from optunas.errors import StudyError
from optunas.metrics import LEARNED
from optunas.objective import Candidate, Objective
from optunas.tally import best_trials
from optunas.training import Epoch, Recipe, Scores
from optunas.training.logits import logits_of, scores_of
from optunas.training.pace import pace
from optunas.training.seeds import derived
from optunas.wording import count, percent

LOOKS = "test_looks"
"""The study's user attribute that holds who looked at the test split, and when."""

MOST_LOOKS = 100
TRAINING = "training"  # the folder of checkpoints, until all is written
CANDIDATES, SEEDS = 3, 2
LONGER = 3
LONGEST = 10  # times the epochs of the search, however much time there is
PACE_SECONDS, EXPORT_SECONDS = 4.0, 12.0  # before the retraining and after it


@dataclass(frozen=True)
class Winner:
    """What was delivered. `network` is in eval mode, on the objective's device."""

    network: nn.Module
    trial: int
    params: int
    macs: int
    epochs: int
    validation: Scores
    test: Scores
    folder: Path
    architecture: Layer | None = None
    """None for a function of one's own"""
    input_shape: tuple[int, ...] | None = None
    classes: tuple[str, ...] = ()
    race: Race | None = None
    """how the best few did when they were retrained"""
    look: Look | None = None
    """the look at the test split, with intervals"""
    looks: int = 1
    """how often a delivery of this study has looked at it so far"""
    files: tuple[Exported, ...] = ()
    """the files of the network, and how far each was off when it was loaded again"""

    def _repr_html_(self) -> str:
        """Jupyter shows what it reached on the two splits, what it costs, and its picture."""
        from optunas.report.html.card import card

        scores = [
            (name, percent(split.accuracy), percent(split.f1), f"{split.loss:.4f}", _images(split))
            for name, split in (("validation", self.validation), ("test", self.test))
        ]
        said = f"{self.params:,} parameters, {count(self.macs)} MACs, {self.epochs} epochs"
        return card(
            f"The winner, trial {self.trial}: {said}; in {self.folder}/",
            ("split", "accuracy", "F1", "loss", "images"),
            scores,
            self.architecture,
            self.input_shape,
            len(self.classes) or None,
        )


def _images(scores: Scores) -> str:
    """How many images a split has, where its confusion is known."""
    return "" if scores.confusion is None else f"{sum(map(sum, scores.confusion)):,}"


def deliver(
    study: Study,
    objective: Objective,
    folder: str | os.PathLike[str] = "winner",
    *,
    longer: int = LONGER,
    candidates: int | None = None,
    seeds: int | None = None,
    seconds: float | None = None,
    seed: int | None = None,
    on_run: Callable[[str], None] = lambda said: None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Winner:
    """Retrain the best networks of `study`, measure one on the test split, write it to `folder`.

    The best are the completed trials within their limits with the best first values on the
    validation split; of several objectives, those of the Pareto front. `candidates` of them (3) are
    retrained from scratch by their own recipes for `longer` times as many epochs on the whole
    training split, with `seeds` seeds (2) each. The one with the best mean on the validation split
    is the winner, and of it the network of the first seed (`optunas.delivery.race`). The test split
    is looked at once, after that, for that network only. `seconds` is how long all of this may
    take, for one candidate and one seed: its epochs are then as many as fit, up to ten times those
    of the search, at a pace that is measured first. `on_run` is told of each retraining, `on_epoch`
    of each epoch.

    The folder holds the files of `optunas.delivery.export` (weights, plain PyTorch, ONNX, ...),
    `architecture.json` where the network is described, and `winner.json` with what is known of it;
    that one is written last, so a folder that has it is complete. Raises `StudyError` where there
    is no completed trial, or the objective is not the one that the study was searched with.
    """
    usual = (CANDIDATES, SEEDS) if seconds is None else (1, 1)
    candidates = usual[0] if candidates is None else candidates
    seeds = usual[1] if seeds is None else seeds
    if candidates < 1 or seeds < 1 or (seconds is not None and candidates * seeds > 1):
        raise StudyError(
            "a delivery retrains 1 candidate or more with 1 seed or more, and just one where its "
            f"time is given; got candidates={candidates}, seeds={seeds}, seconds={seconds}"
        )
    data, device, began = objective.data, objective.device, time.monotonic()
    entrants = _entrants(study, objective, candidates, longer)
    if seconds is not None:
        epochs = _epochs_within(seconds, began, entrants[0], objective)
        entrants = [replace(entrants[0], recipe=replace(entrants[0].recipe, epochs=epochs))]
    seed = derived(objective.seed, "winner") % 2**32 if seed is None else seed
    every = [seed, *(derived(seed, number) % 2**32 for number in range(1, seeds))]
    target = Path(folder)
    (target / TRAINING).mkdir(parents=True, exist_ok=True)
    (target / "winner.json").unlink(missing_ok=True)
    metric = next((name for name in objective.metrics if name in LEARNED), "accuracy")
    found, network = race(entrants, objective, every, metric, target / TRAINING, on_run, on_epoch)
    best = next(one for one in entrants if one.trial == found.results[0].trial)
    candidate, recipe = best.candidate, best.recipe
    looks = _noted(study, best.trial, data.fingerprint)
    validation, test = (
        logits_of(
            network,
            split,
            data,
            device=device,
            precision=recipe.precision,
            engine=objective.engine,
        )
        for split in (data.validation, data.test)
    )
    temperature = fitted_temperature(*validation)
    winner = Winner(
        network=network,
        trial=best.trial,
        params=candidate.params,
        macs=candidate.macs,
        epochs=recipe.epochs,
        validation=scores_of(*validation),
        test=scores_of(*test),
        folder=target,
        architecture=candidate.architecture,
        input_shape=tuple(data.input_shape),
        classes=tuple(data.classes),
        race=found,
        look=look(*test, data.classes, temperature),
        looks=looks,
        files=tuple(export(network, data, target, _said(candidate, data))),
    )
    write_facts(winner, candidate, study, data, recipe, seed)
    shutil.rmtree(target / TRAINING, ignore_errors=True)
    return winner


def _entrants(study: Study, objective: Objective, candidates: int, longer: int) -> list[Entrant]:
    """The best trials, different networks, each with its own recipe at full fidelity."""
    best = best_trials(study, study.get_trials(deepcopy=False))
    if not best:
        raise StudyError(
            f"a winner needs a completed trial within the limits; study {study.study_name!r} has "
            "none: search on"
        )
    entrants: list[Entrant] = []
    keys: set[str] = set()
    for trial in best:
        key = text(trial, "key")
        if key and key in keys:  # with another recipe: the better one is in
            continue
        keys.add(key)
        candidate = _candidate(objective, trial)
        recipe = replace(
            candidate.recipe,
            epochs=candidate.recipe.epochs * longer,
            train_fraction=1.0,
            resolution=None,
        )
        entrants.append(Entrant(trial.number, candidate, recipe, float(trial.values[0])))
        if len(entrants) == candidates:
            break
    return entrants


def _noted(study: Study, trial: int, data: str) -> int:
    """Write into the study that the test split of this data is looked at, before it is; gives how
    often it was, this time included."""
    before = study.user_attrs.get(LOOKS)
    looks = [one for one in before if isinstance(one, dict)] if isinstance(before, list) else []
    looks.append({"trial": trial, "data": data, "time": round(time.time())})
    study.set_user_attr(LOOKS, looks[-MOST_LOOKS:])
    return sum(one.get("data") == data for one in looks)


def _said(candidate: Candidate, data: Data) -> str:
    size = "x".join(map(str, data.input_shape))
    return (
        f"A network of {candidate.params:,} parameters and {candidate.macs:,} multiply-accumulates "
        f"for an image of {size}, found by optunas {__version__}."
    )


def _epochs_within(seconds: float, began: float, entrant: Entrant, objective: Objective) -> int:
    """How many epochs of the retraining fit; at least one."""
    data, device = objective.data, objective.device
    network, engine = entrant.candidate.build(0, torch.device(device)), objective.engine
    steps = 0.75 * PACE_SECONDS  # the rest goes into validation
    found = pace(network, data, entrant.recipe, device=device, engine=engine, seconds=steps)
    left = seconds - (time.monotonic() - began) - found.start - EXPORT_SECONDS
    fit = int(left / found.epoch(len(data.train)))
    return max(1, min(fit, LONGEST * entrant.candidate.recipe.epochs))


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
