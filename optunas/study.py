"""Create, resume and load studies. What comes back is a plain ``optuna.Study``."""

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.study import StudyDirection

from optunas import fingerprint as fingerprints
from optunas._named import unknown
from optunas.errors import StudyError
from optunas.pruners import make_pruner
from optunas.samplers import make_sampler
from optunas.spaces.sight import Sight
from optunas.spaces.space import Suggests
from optunas.storage import address, explained, open_storage

NAME_LIMIT = 512  # characters, of the column in Optuna's tables


def create_study(
    name: str,
    *,
    storage: str | BaseStorage | None = None,
    sampler: str | BaseSampler = "tpe",
    pruner: str | BasePruner | None = "median",
    directions: Sequence[str] = ("maximize",),
    metric_names: Sequence[str] | None = None,
    seed: int = 0,
    epochs: int = 20,
    on_change: Callable[[str], None] | None = None,
    space: Suggests | Sight | None = None,
    fingerprint: Mapping[str, Any] | None = None,
    anyway: bool = False,
) -> optuna.Study:
    """Create the study of this name, or go on with it where it exists.

    ``sampler`` and ``pruner`` are names (see ``optunas.samplers.make_sampler``,
    ``optunas.pruners.make_pruner``) or objects; ``epochs`` is what a full training takes, which
    the pruners divide. With several objectives "median" means "pareto". ``space`` (a search space,
    or better ``objective.prospect``) is what samplers by name see of the networks. The same seed
    gives the same search, also after an interruption.

    ``fingerprint`` (``objective.fingerprint``) is what everybody who works on the study must agree
    on; with the versions and the strategy it is kept in the user attribute "optunas.fingerprint".
    Raises StudyError, with what differs, where the study was created with another one; with
    ``anyway`` it is joined all the same. Another strategy (sampler, pruner, their seed) may go on
    with a study. Either is told to ``on_change`` (by default a logged warning) in one line.

    Raises StudyError for other directions or metrics, or settings that don't exist, StorageError
    where the storage fails.
    """
    _check(name, directions, metric_names)
    pruner = "none" if pruner is None else pruner
    objectives = len(directions)
    made_sampler = make_sampler(sampler, seed=seed, n_objectives=objectives, space=space)
    made_pruner = make_pruner(pruner, epochs=epochs, n_objectives=objectives)
    mine = fingerprints.complete(fingerprint or {}, _strategy(sampler, pruner, seed))
    opened = open_storage(storage)
    with explained(address(opened)):
        is_new = True
        try:
            study = optuna.create_study(
                storage=opened,
                study_name=name,
                sampler=made_sampler,
                pruner=made_pruner,
                directions=[StudyDirection[d.upper()] for d in directions],
            )
        except DuplicatedStudyError:
            is_new = False
            study = optuna.load_study(
                study_name=name, storage=opened, sampler=made_sampler, pruner=made_pruner
            )
        _agree_on_directions(study, directions)
        _agree_on_metrics(study, metric_names)
        note = on_change or logging.getLogger("optunas").warning
        fingerprints.agree(study, mine, note, anyway=anyway, is_new=is_new)
    return study


def load_study(
    name: str | None = None,
    storage: str | BaseStorage | None = None,
    *,
    sampler: BaseSampler | None = None,
    pruner: BasePruner | None = None,
) -> optuna.Study:
    """The study of this name; without a name the only one that the storage holds.

    Nothing is created. Raises StudyError where there is no such study, or several to choose from.
    """
    opened = open_storage(storage, create=False)
    with explained(address(opened)):
        names = sorted(optuna.get_all_study_names(opened))
        return optuna.load_study(
            study_name=_chosen(name, names), storage=opened, sampler=sampler, pruner=pruner
        )


def existing(name: str, opened: BaseStorage) -> optuna.Study | None:
    """The study of this name as it is stored, where there is one already."""
    if name not in optuna.get_all_study_names(opened):
        return None
    return optuna.load_study(study_name=name, storage=opened)


def _chosen(name: str | None, names: list[str]) -> str:
    if name is not None and name not in names:
        raise StudyError(unknown("study", name, names))
    if name is None and len(names) != 1:
        found = (
            f"several: {', '.join(names)}; name one" if names else "none yet; run a search first"
        )
        raise StudyError(f"without a name the storage must hold one study; it holds {found}")
    return names[0] if name is None else name


def _check(name: str, directions: Sequence[str], metric_names: Sequence[str] | None) -> None:
    if not 0 < len(name) <= NAME_LIMIT or "\0" in name:
        raise StudyError(
            f"a study's name has 1 to {NAME_LIMIT} characters and no zero byte; got {name[:40]!r}"
        )
    if isinstance(directions, str) or not set(directions) <= {"minimize", "maximize"}:
        raise StudyError(f"directions are 'minimize' or 'maximize' each; got {directions!r}")
    if not directions or (metric_names is not None and len(metric_names) != len(directions)):
        raise StudyError(
            f"a study has one direction for each metric; got {list(directions)} for "
            f"{list(metric_names) if metric_names is not None else 'no metric'}"
        )


def _agree_on_directions(study: optuna.Study, directions: Sequence[str]) -> None:
    found = [direction.name.lower() for direction in study.directions]
    if found != list(directions):
        raise StudyError(
            f"a study keeps its directions; {study.study_name!r} has {', '.join(found)}, asked was "
            f"{', '.join(directions)}: take another study name"
        )


def _agree_on_metrics(study: optuna.Study, metric_names: Sequence[str] | None) -> None:
    found = study.metric_names
    if metric_names is None or found == list(metric_names):
        return
    if found is not None:
        raise StudyError(
            f"a study keeps its metrics; {study.study_name!r} has {', '.join(found)}, asked was "
            f"{', '.join(metric_names)}: take another study name"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names(list(metric_names))


def _strategy(
    sampler: str | BaseSampler, pruner: str | BasePruner, seed: int
) -> dict[str, str | int]:
    return {
        "sampler": sampler if isinstance(sampler, str) else type(sampler).__name__,
        "pruner": pruner if isinstance(pruner, str) else type(pruner).__name__,
        "seed": seed,
    }
