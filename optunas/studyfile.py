"""Study files: what `optunas run FILE.py` expects.

A study file is plain Python that defines

    objective      an `optunas.Objective`, or any callable that Optuna could optimise (required)

and may define, where the command line does not say otherwise,

    name           the study's name; the file's name without `.py`
    trials, hours  how long to search: finished trials in the study; wall-clock hours, counted
                   once for all that work on the study
    storage        the storage's URL; `sqlite:///optunas.db`
    sampler        a name such as "tpe" or "tpe(startup=20)", or an Optuna sampler
    pruner         likewise; "median"
    seed           of everything that is random; 0
    random_draws   how many trials at the start are random, to compare the search with; 10, or a
                   quarter of a shorter search
    directions     for an objective that is no `optunas.Objective`: "maximize" or "minimize" each

Options on the command line win over the file, the file over the defaults. The file is run as a
module of its own, with its folder on the import path, so it may import what lies beside it.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage

from optunas.errors import OptunasError, StudyError

MODULE = "optunas_study_"  # how the name of a study file's module begins
SETTINGS: Mapping[str, Any] = {
    "trials": int | None,
    "hours": int | float | None,
    "name": str,
    "storage": str | os.PathLike | BaseStorage,
    "sampler": str | BaseSampler,
    "pruner": str | BasePruner | None,
    "seed": int,
    "random_draws": int,
    "directions": list | tuple,
}


def load(path: Path) -> tuple[Callable[[Any], Any], dict[str, Any]]:
    """The objective of a study file, and the settings that it defines.

    Raises `StudyError`: no such file, an error inside it (with its line), no `objective`, a
    setting of the wrong type. An `OptunasError` of the file's own making passes through as it is.
    """
    if not path.is_file():
        raise StudyError(f"a study file must exist; there is none at {path}")
    defined = _run(path)
    objective = defined.get("objective")
    if not callable(objective) or isinstance(objective, type):
        near = "it defines none" if objective is None else f"it defines {objective!r:.80}"
        raise StudyError(
            f"a study file defines `objective`, an optunas.Objective or a callable of a trial; "
            f"{path}: {near}"
        )
    settings = {"name": path.stem, **{k: defined[k] for k in SETTINGS if k in defined}}
    for name, value in settings.items():
        if not isinstance(value, SETTINGS[name]) or isinstance(value, bool):
            raise StudyError(
                f"{path}: {name} can't be {value!r:.80}; `optunas run --help` says what it can be"
            )
    return objective, settings


def _run(path: Path) -> dict[str, Any]:
    name = f"{MODULE}{path.stem}"
    spec = spec_from_file_location(name, path, loader=SourceFileLoader(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # classes and functions of the file can be found again by name
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except OptunasError:
        raise
    except SyntaxError as error:
        where = error.filename or path
        raise StudyError(f"the study file {where}, line {error.lineno}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        line = _line_in(path, error)
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise StudyError(f"the study file {path} failed{line}: {what}") from error
    finally:
        sys.path.pop(0)
    return vars(module)


def _line_in(path: Path, error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename) == path]
    return f" in line {lines[-1]}" if lines else ""
