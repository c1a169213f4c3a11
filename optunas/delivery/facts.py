"""What is known of a winner, in its folder: for programs (`winner.json`), for people (a card)."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
import torch

from optunas._version import __version__
from optunas.architecture import to_json
from optunas.data import Data
from optunas.delivery.folder import FACTS
from optunas.delivery.model_card import Subject, model_card
from optunas.delivery.race import Entrant, Race
from optunas.report.html.delivered import DELIVERED
from optunas.report.html.searched import searched
from optunas.training import Recipe

if TYPE_CHECKING:
    from optunas.delivery.winner import Winner


def write_facts(
    folder: Path,
    winner: Winner,
    entrant: Entrant,
    study: optuna.Study,
    data: Data,
    seed: int,
    all_data: bool,
) -> None:
    """Write `architecture.json`, `model_card.md` and `winner.json`, and tell the study."""
    candidate, recipe = entrant.candidate, entrant.recipe
    if candidate.architecture is not None:
        text = json.dumps(to_json(candidate.architecture), indent=1)
        (folder / "architecture.json").write_text(text, encoding="utf-8")
    if winner.look is not None:
        subject = _subject(winner, study, recipe, all_data)
        card = model_card(subject, data, winner.look, winner.files)
        (folder / "model_card.md").write_text(card, encoding="utf-8")
    facts = {
        "data": data.describe(),
        "classes": list(data.classes),
        "input_shape": list(data.input_shape),
        "mean": list(data.mean),
        "std": list(data.std),
        "network": winner.name,
        "trial": winner.trial,
        "key": candidate.key,
        "params": winner.params,
        "macs": winner.macs,
        "recipe": recipe.to_json(),
        "seed": seed,
        "all_data": all_data,
        "validation": asdict(winner.validation),
        "test": asdict(winner.test),
        "race": None if winner.race is None else _race(winner.race),
        "look": None if winner.look is None else winner.look.to_json(),
        "looks": winner.looks,
        "overlap": winner.overlap,
        "files": {one.file: one.why or one.to_json() for one in winner.files},
        "notes": list(winner.notes),
        "optunas": __version__,
        "torch": torch.__version__,
    }
    study.set_user_attr(DELIVERED, _told_study(facts))
    (folder / FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")


def _told_study(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What the study's report shows of it."""
    race, look = facts["race"] or {}, facts["look"] or {}
    figures = {name: look[name] for name in ("accuracy", "f1") if name in look}
    return {
        "network": facts["network"],
        "results": race.get("results", []),
        "said": [*race.get("said", []), *facts["notes"]],
        "test": {name: [m["value"], m["low"], m["high"]] for name, m in figures.items()},
    }


def _race(race: Race) -> dict[str, Any]:
    results = [{name: _told(value) for name, value in asdict(r).items()} for r in race.results]
    return {"rule": str(race.rule), "results": results, "said": list(race.said())}


def _told(value: Any) -> Any:
    """The same without NaN and infinity, which JSON does not have."""
    if isinstance(value, tuple):
        return [_told(one) for one in value]
    return value if not isinstance(value, float) or isfinite(value) else None


def _subject(winner: Winner, study: optuna.Study, recipe: Recipe, all_data: bool) -> Subject:
    found = searched(study, study.get_trials(deepcopy=False))
    rows = {"study": study.study_name, **dict(found.rows)}
    if found.command:
        rows["command"] = found.command
    trained = recipe.describe()
    if all_data:
        trained += ", on the training and the validation images"
    versions = {
        "optunas": __version__,
        "optuna": optuna.__version__,
        "torch": torch.__version__,
        "Python": platform.python_version(),
    }
    return Subject(
        params=winner.params,
        macs=winner.macs,
        searched=rows | {"network": winner.name},
        trained=trained,
        looks=winner.looks,
        overlap=winner.overlap,
        versions=versions,
        race=winner.race,
        notes=winner.notes,
    )
