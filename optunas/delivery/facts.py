"""What is known of a winner, in its folder: for programs (`winner.json`), for people (a card)."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from typing import TYPE_CHECKING

import optuna
import torch

from optunas._version import __version__
from optunas.architecture import to_json
from optunas.atomic import replacing
from optunas.data import Data
from optunas.delivery.model_card import Subject, model_card
from optunas.objective import Candidate
from optunas.report.html.searched import searched
from optunas.training import Recipe

if TYPE_CHECKING:
    from optunas.delivery.winner import Winner


def write_facts(
    winner: Winner,
    candidate: Candidate,
    study: optuna.Study,
    data: Data,
    recipe: Recipe,
    seed: int,
) -> None:
    """Write `architecture.json`, `model_card.md` and, last of all, `winner.json`."""
    folder = winner.folder
    if candidate.architecture is not None:
        text = json.dumps(to_json(candidate.architecture), indent=1)
        (folder / "architecture.json").write_text(text, encoding="utf-8")
    if winner.look is not None:
        subject = _subject(winner, study, recipe)
        card = model_card(subject, data, winner.look, winner.files)
        (folder / "model_card.md").write_text(card, encoding="utf-8")
    facts = {
        "data": data.describe(),
        "classes": list(data.classes),
        "input_shape": list(data.input_shape),
        "mean": list(data.mean),
        "std": list(data.std),
        "trial": winner.trial,
        "key": candidate.key,
        "params": winner.params,
        "macs": winner.macs,
        "recipe": recipe.to_json(),
        "seed": seed,
        "validation": asdict(winner.validation),
        "test": asdict(winner.test),
        "race": None if winner.race is None else asdict(winner.race)["results"],
        "look": None if winner.look is None else winner.look.to_json(),
        "looks": winner.looks,
        "files": {one.file: one.why or {"gap": one.gap} for one in winner.files},
        "optunas": __version__,
        "torch": torch.__version__,
    }
    with replacing(folder / "winner.json") as file:
        file.write(json.dumps(facts, indent=1).encode())


def _subject(winner: Winner, study: optuna.Study, recipe: Recipe) -> Subject:
    found = searched(study, study.get_trials(deepcopy=False))
    rows = {"study": study.study_name, "network of": f"trial {winner.trial}", **dict(found.rows)}
    if found.command:
        rows["command"] = found.command
    if winner.race is not None:
        rows["retrained"] = "; ".join(map(str, winner.race.results))
        if said := winner.race.said():
            rows["choice"] = said
    versions = {
        "optunas": __version__,
        "optuna": optuna.__version__,
        "torch": torch.__version__,
        "Python": platform.python_version(),
    }
    return Subject(winner.params, winner.macs, rows, recipe.describe(), winner.looks, versions)
